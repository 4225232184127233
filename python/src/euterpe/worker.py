"""The process that a node starts: `python -m euterpe.worker`, one entity at a time until the node hangs up."""

from __future__ import annotations

import os
import sys

from euterpe.faults import Misfit
from euterpe.frames import Channel, Closed, text_of
from euterpe.outputs import MOST_ATTACHED
from euterpe.prepared import Prepared
from euterpe.traces import fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

PROTOCOL = 1
MOST_PACKAGES = 64
MOST_NAME = 64
STANDARD: frozenset[str] = getattr(sys, "stdlib_module_names", frozenset())
"""From Python 3.10 on; before it some modules of Python itself are told, too."""


def main() -> NoReturn:
    """Speaks the protocol over the descriptor that EUTERPE_FD names; ends with the stream, by code 0."""
    number = os.environ.pop("EUTERPE_FD", "")
    if not number.isdigit():
        sys.exit("euterpe.worker is started by a node; to try a transform, see euterpe.testing")
    settle_in()
    channel = Channel(int(number))
    try:
        opened, _ = channel.receive()
        prepared = prepare(channel, opened["open"])
        while True:
            work, attachment = channel.receive()
            answer(channel, prepared, work["work"], attachment)
    except Closed:
        flush()
        os._exit(0)


def settle_in() -> None:
    """Signals, the streams that people print to, and where modules come from."""
    import faulthandler
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # By lines, so that what was printed before a crash is not lost with it.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)  # type: ignore[union-attr]
    if sys.stderr is not None:
        faulthandler.enable()
    # `-m` puts the current folder first, whose files would stand before everybody's modules.
    if not getattr(sys.flags, "safe_path", False) and sys.path and sys.path[0] in ("", os.getcwd()):
        del sys.path[0]


def prepare(channel: Channel, opened: dict[str, Any]) -> Prepared:
    """Loads the function, binds it to its job, sets it up, and says so; a fault, and the end, where that fails."""
    try:
        if opened["protocol"] != PROTOCOL:
            raise Misfit(f"the node speaks version {opened['protocol']} of the protocol, this worker {PROTOCOL}")
        source = opened.get("source")
        if not source:
            raise Misfit("the node names no Python file and function")
        from euterpe.load import load

        prepared = Prepared(load(source["file"], source["function"]), opened)
    except BaseException as error:
        if not channel.is_ours():
            leave(error)
        flush()
        said = fault(error)
        kind = "node_trouble" if said["kind"] == "node_trouble" else "fatal"
        channel.answer(text_of({"fault": {**said, "kind": kind}}))
        raise Closed from None
    if not channel.is_ours():
        leave(None)
    flush()
    ready = {
        "protocol": PROTOCOL,
        "inputs": prepared.forms,
        "attach": MOST_ATTACHED,
        "about": about(),
        "packages": packages(),
    }
    channel.answer(text_of({"ready": ready}))
    return prepared


def answer(channel: Channel, prepared: Prepared, work: dict[str, Any], attachment: bytes) -> None:
    """Does one entity and answers, whatever the transform does."""
    try:
        entries, attached = prepared.run(work, attachment, channel.reporter())
        text = text_of({"made": entries})
    except BaseException as error:
        if not channel.is_ours():
            leave(error)
        text, attached = text_of({"fault": fault(error, work.get("scratch", ""))}), b""
    if not channel.is_ours():
        leave(None)
    flush()
    channel.answer(text, attached)


def leave(error: BaseException | None) -> NoReturn:
    """Ends a forked child that came out of the transform: only its parent answers."""
    code = 0
    try:
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            code = 1
            print(fault(error)["trace"], file=sys.stderr)
        flush()
    finally:
        os._exit(code & 0xFF)


def flush() -> None:
    """Brings out what was printed, and opens again what the transform closed: both streams lead to the node's log."""
    for name, number, other in (("stdout", 1, 2), ("stderr", 2, 1)):
        stream = getattr(sys, name)
        try:
            stream.flush()
        except (ValueError, OSError, AttributeError):
            reopen(name, number, other)


def reopen(name: str, number: int, other: int) -> None:
    """Repairs a stream after a transform closed it, its descriptor, or put something else in its place."""
    stream = getattr(sys, name)
    try:
        try:
            os.fstat(number)
        except OSError:
            os.dup2(other, number)
        if stream is None or getattr(stream, "closed", True):
            stream = open(number, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
    except OSError:
        pass  # with both gone there is nobody to tell


def about() -> str:
    """One line on what runs here, for `verify`."""
    numpy = sys.modules.get("numpy")
    version = "Python {}.{}.{}".format(*sys.version_info[:3])
    return f"{version}, numpy {numpy.__version__}" if numpy else version


def packages() -> dict[str, str]:
    """The versions of Python and of all that is loaded and tells its own, for whoever compares nodes."""
    found = {"python": "{}.{}.{}".format(*sys.version_info[:3])}
    for name, module in sorted(sys.modules.items()):
        if "." in name or name.startswith("_") or name in STANDARD:
            continue
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        if isinstance(version, str) and len(found) < MOST_PACKAGES:
            found[name[:MOST_NAME]] = version[:MOST_NAME]
    return found


if __name__ == "__main__":
    main()

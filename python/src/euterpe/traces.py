"""Turns exceptions into faults: the kind, one line for people, and a traceback that begins in their own file."""

from __future__ import annotations

import os

from euterpe.faults import BadInput, Fatal, Misfit, Skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

MOST_LINE = 300
MOST_REASON = 2_000
"""For a reason in somebody's own words, or a list of all that does not fit."""
MOST_TRACE = 32_768
OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def fault(error: BaseException, scratch: str = "") -> dict[str, Any]:
    """The fault that says how the work ended, in the folder `scratch`. Says something even where memory is short."""
    return {"kind": kind(error, scratch), "text": line(error), "trace": trace(error)}


def kind(error: BaseException, scratch: str = "") -> str:
    """The kind of fault that `error` stands for."""
    if isinstance(error, Skip):
        return "skip"
    if isinstance(error, BadInput):
        return "bad_input"
    try:
        if is_of_the_machine(error, scratch):
            return "node_trouble"
    except Exception:  # an error that cannot be looked at says nothing of the machine
        return "failed"
    return "fatal" if isinstance(error, Fatal) else "failed"


def is_of_the_machine(error: BaseException, scratch: str) -> bool:
    """Whether the machine is out of something that any work needs: scratch space, files or processes of all."""
    import errno

    if isinstance(error, RuntimeError):
        return str(error) == "can't start new thread"
    if not isinstance(error, OSError):
        return False
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return error.filename is None or is_scratch(error.filename, scratch)
    # The same numbers are those of a socket that would block, and of an array that does not fit.
    no_process = error.errno in (errno.EAGAIN, errno.ENOMEM) and starts_a_process(error)
    return error.errno == errno.ENFILE or no_process


def is_scratch(name: Any, scratch: str) -> bool:
    """Whether a file lies where a transform may leave files for a while."""
    file = os.path.realpath(os.fsdecode(name))
    homes = [os.path.realpath(home) for home in (scratch, os.environ.get("TMPDIR")) if home]
    return any(os.path.commonpath([file, home]) == home for home in homes)


def starts_a_process(error: OSError) -> bool:
    """Whether the error was raised where a process is started."""
    step, last = error.__traceback__, ""
    while step is not None:
        last = os.path.basename(step.tb_frame.f_code.co_filename)
        step = step.tb_next
    return last in ("subprocess.py", "popen_fork.py", "popen_spawn_posix.py", "util.py")


def line(error: BaseException) -> str:
    """One line that says what happened."""
    name = type(error).__qualname__
    try:
        lines = str(error).strip().splitlines()
    except Exception as worse:
        lines = [f"(its text cannot be had: {type(worse).__name__})"]
    text = lines[0].strip() if lines else ""
    most = MOST_LINE
    if isinstance(error, (Skip, Fatal)):
        text, most = text or name, MOST_REASON
    elif isinstance(error, MemoryError):
        text = f"{name}: not enough memory; give the pool more `memory:`, or work on the input piece by piece"
    elif isinstance(error, SystemExit):
        text = f"{name}: the transform asked to exit with {text or 'None'}; raise an exception, or return"
    else:
        text = f"{name}: {text}" if text else name
    return text if len(text) <= most else text[: most - 1] + "…"


def trace(error: BaseException) -> str:
    """The traceback from the first frame on that is not ours; empty where there is none."""
    try:
        begin = theirs(error.__traceback__)
        if isinstance(error, Misfit) and begin is None:
            return error.place
        if isinstance(error, (Skip, Fatal)) and begin is None:
            return ""
        import traceback

        text = "".join(traceback.format_exception(type(error), error, begin)).rstrip()
    except Exception:
        return ""
    if len(text) > MOST_TRACE:
        text = f"{text[: MOST_TRACE // 4]}\n…\n{text[-3 * MOST_TRACE // 4 :]}"
    return text


def theirs(step: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins outside of this package and of Python's importer."""
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        if not file.startswith((OURS, "<frozen importlib")) and not file.endswith("importlib/__init__.py"):
            return step
        step = step.tb_next
    return None

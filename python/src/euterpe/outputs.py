"""All outputs of one entity: which of the returned values goes where, and what goes along with the answer."""

from __future__ import annotations

from euterpe.faults import Misfit
from euterpe.load import several, suggestion
from euterpe.results import a, encode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from euterpe.results import Place, Sink

MOST_ATTACHED = 65_536
"""How many bytes go along with an answer, over all of its outputs; what is larger is written to a file."""


def made(value: Any, sinks: list[Sink], paths: list[str], place: Place) -> tuple[list[dict[str, Any]], bytes]:
    """Encodes what a transform returned: the entries of the frame `made`, and its attachment.

    Raises:
        Exception: as `spread` and `results.encode` say.
    """
    single = len(sinks) == 1 and not sinks[0].name
    values = [value] if single else spread(value, sinks)
    entries: list[dict[str, Any]] = []
    attached: list[bytes] = []
    room = MOST_ATTACHED
    for item, sink, path in zip(values, sinks, paths):
        result = encode(item, sink, place, path, room)
        if isinstance(result, bytes):
            if len(result) <= room:
                room -= len(result)
                attached.append(result)
                entries.append({"attached": len(result)})
                continue
            place.make()
            with open(path, "wb") as file:
                file.write(result)
            result = {"file": path}
        entries.append(result)
    return entries, attached[0] if len(attached) == 1 else b"".join(attached)


def spread(value: Any, sinks: list[Sink]) -> list[Any]:
    """The value of each of several outputs, from a dict by their names or a tuple in their order.

    None stands for one that the transform wrote itself.

    Raises:
        Misfit: for an output that is not there, a tuple of another length, or anything else.
    """
    names = [sink.name for sink in sinks]
    if value is None:
        return [None] * len(sinks)
    if isinstance(value, dict):
        unknown = [f"there is no output `{name}`{suggestion(str(name), names)}" for name in value if name not in names]
        if unknown:
            raise Misfit("; ".join(unknown))
        return [value.get(name) for name in names]
    if isinstance(value, tuple):
        if len(value) != len(sinks):
            raise Misfit(f"a tuple of {len(value)} was returned for the {len(sinks)} outputs {several(names)}")
        return list(value)
    raise Misfit(
        f"{a(value)} was returned for the outputs {several(names)}; "
        "return a dict by their names, or a tuple in their order"
    )

"""Calls a transform in a plain unit test as a node would, without one.

from euterpe.testing import run_transform, sine

class Louder(unittest.TestCase):
    def test_it_doubles(self) -> None:
        made = run_transform(louder, suffix="wav", audio=sine(), gain=2.0)
        self.assertEqual(made.seconds, 1.0)
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Callable

from euterpe import forms
from euterpe.audio import Audio
from euterpe.binding import Binding
from euterpe.context import to_stderr
from euterpe.faults import Misfit
from euterpe.prepared import Prepared
from euterpe.results import SOUND, is_array

if TYPE_CHECKING:
    from collections.abc import Mapping

    from euterpe.context import Report

TEXTS = ("txt", "csv", "md", "html", "xml", "yaml", "svg")
TIMEOUT = 600.0

_prepared: dict[tuple[Callable[..., Any], str], Prepared] = {}


def run_transform(
    function: Callable[..., Any],
    entity: str = "t-1",
    suffix: str = "json",
    tmp: str | os.PathLike[str] | None = None,
    outputs: Mapping[str, str] | None = None,
    report: Report = to_stderr,
    **given: Any,
) -> Any:
    """Runs `function` for one entity and gives back what a reader of its output would get.

    Inputs and options are given by name. An input is the value that the transform wants: an `Audio`, an array, bytes, a
    str, what json.dumps takes; for a `Path` bytes or a str, which are laid into a file; for all but `Audio` also a Path
    to a file. Everything travels through files as in a node, so that what holds here holds there.

    The result is read back by `suffix`: JSON as its value, .npy as an array, .wav, .flac and .ogg as the `Audio` that
    the node would encode, .txt and other texts as str, anything else as bytes. With several outputs, `outputs` names
    them with their suffixes, `{"bass": "wav", "drums": "wav"}`, and the result is a dict by their names.

    `setup` runs once for each function and set of options. `report(kind, value)` gets what the transform tells by its
    `Context`; without it, that is printed. Scratch files go below `tmp`, by default into a folder that is removed.

    Raises:
        TypeError: where the function, its inputs, its options and its result do not fit together.
        Exception: whatever the transform raises, as it is: Skip, Fatal, ValueError…
    """
    sinks = [{"name": name, "suffix": end.lstrip(".")} for name, end in (outputs or {"": suffix}).items()]
    with TemporaryDirectory(prefix="euterpe-", dir=tmp) as folder:
        inputs, options = parted(function, given)
        prepared = ready(function, {"job": function.__name__, "inputs": inputs, "outputs": sinks, "options": options})
        scratch = os.path.join(folder, "scratch")
        shapes = {name: form for name, _, form in Binding(function, inputs, options).inputs}
        work = {
            "entity": entity,
            "attempt": 0,
            "timeout": TIMEOUT,
            "scratch": scratch,
            "inputs": {name: laid(name, given[name], shapes[name], entity, folder) for name in inputs},
            "outputs": [os.path.join(scratch, f"out-{at}.{sink['suffix']}") for at, sink in enumerate(sinks, 1)],
        }
        entries, attachment = prepared.run(work, b"", report)
        results = {}
        for sink, entry in zip(sinks, entries):
            length = entry.get("attached", 0)
            results[sink["name"]] = read_back(entry, attachment[:length], sink["suffix"].lower())
            attachment = attachment[length:]
    return results if outputs is not None else results[""]


def sine(seconds: float = 1.0, frequency: float = 440.0, rate: int = 44_100, channels: int = 1) -> Audio:
    """A sine at half of full scale, the same in all channels."""
    import numpy as np

    phase = 2 * np.pi * frequency * np.arange(round(seconds * rate)) / rate
    return Audio(np.repeat(0.5 * np.sin(phase)[:, None], channels, axis=1), rate)


def parted(function: Callable[..., Any], given: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Tells inputs from options as the function's parameters do; unknown names count as options, and are refused."""
    inner: Any = function
    while hasattr(inner, "__wrapped__"):
        inner = inner.__wrapped__
    code = inner.__code__
    skipped = 1 if getattr(function, "__euterpe__", {}).get("setup") else 0
    positional = code.co_varnames[skipped : code.co_argcount]
    return [name for name in given if name in positional], {
        name: value for name, value in given.items() if name not in positional
    }


def ready(function: Callable[..., Any], opened: dict[str, Any]) -> Prepared:
    """The function bound to these inputs, outputs and options; made once, with its setup."""
    key = function, json.dumps(opened, default=repr, sort_keys=True)
    if key not in _prepared:
        _prepared[key] = Prepared(function, opened)
    return _prepared[key]


def laid(name: str, value: Any, form: str, entity: str, folder: str) -> dict[str, Any]:
    """Lays an input into a file, and says of it what a node would."""
    path = os.path.join(folder, f"in-{name}")
    if form == forms.AUDIO:
        if not isinstance(value, Audio):
            raise wrong(name, value, "an Audio")
        value.samples.tofile(path)
        shape = {"rate": value.rate, "channels": value.channels, "frames": value.frames}
        return {"audio": path, "path": f"{name}/{entity}.wav", **shape}
    if isinstance(value, Path):
        return {"file": str(value.absolute()), "size": value.stat().st_size, "path": value.name}
    data: bytes
    if form in (forms.MAP, forms.LIST, forms.JSON):
        end, data = ".json", json.dumps(value).encode()
    elif form == forms.ARRAY:
        if not is_array(value):
            raise wrong(name, value, "a numpy array or a Path")
        import numpy as np

        end = ".npy"
        np.save(path + end, value, allow_pickle=False)
        return {"file": path + end, "size": os.path.getsize(path + end), "path": f"{name}/{entity}.npy"}
    elif isinstance(value, str) and form != forms.BYTES:
        end, data = ".txt", value.encode()
    elif isinstance(value, bytes):
        end, data = ".bin", value
    else:
        raise wrong(name, value, "bytes or a Path" if form == forms.BYTES else "a str, bytes or a Path")
    with open(path + end, "wb") as file:
        file.write(data)
    return {"file": path + end, "size": len(data), "path": f"{name}/{entity}{end}"}


def wrong(name: str, value: Any, wanted: str) -> Misfit:
    """An input of another form than the function's annotation says."""
    return Misfit(f"input `{name}`: give {wanted}, not a {type(value).__name__}")


def read_back(entry: dict[str, Any], attached: bytes, suffix: str) -> Any:
    """What a reader of the output gets."""
    if "audio" in entry:
        import numpy as np

        samples = np.fromfile(entry["audio"], "<f4").reshape(-1, entry["channels"])
        return Audio(samples, entry["rate"])
    data = Path(entry["file"]).read_bytes() if "file" in entry else attached
    if suffix == "json":
        return json.loads(data)
    if suffix == "npy":
        from io import BytesIO

        import numpy as np

        return np.load(BytesIO(data), allow_pickle=False)
    return data.decode() if suffix in TEXTS and suffix not in SOUND else data

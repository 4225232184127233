"""Turns what a transform returned for one output into bytes, a file, or audio for the node to encode."""

from __future__ import annotations

import os

from euterpe.audio import Audio, checked, finite
from euterpe.faults import Misfit
from euterpe.jsontext import json_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SOUND = ("wav", "flac", "ogg")
PICTURES = ("png", "jpg", "jpeg", "gif", "webp")
REMEDIES = {
    "json": "return what json.dumps takes",
    "npy": "return a numpy array",
    **dict.fromkeys(SOUND, "return Audio(samples, rate)"),
}


class Sink:
    """One output of a job: its name, its suffix, and how to say them."""

    __slots__ = ("label", "name", "suffix")

    def __init__(self, name: str, suffix: str) -> None:
        self.name = name
        self.suffix = suffix.lower()
        end = f"`.{suffix}`" if suffix else "without a suffix"
        self.label = f"output `{name}` ({end})" if name else f"output {end}"


class Place:
    """Where the outputs of one piece of work may be written. The folder is made when it is first needed."""

    __slots__ = ("_made", "scratch")

    def __init__(self, scratch: str) -> None:
        self.scratch = scratch
        self._made = False

    def make(self) -> None:
        """Makes the scratch folder unless that was done."""
        if not self._made:
            os.makedirs(self.scratch, exist_ok=True)
            self._made = True

    def keeps(self, path: str) -> bool:
        """Whether a file lies in the scratch folder, links followed."""
        return os.path.realpath(path).startswith(os.path.join(os.path.realpath(self.scratch), ""))


def encode(value: Any, sink: Sink, place: Place, path: str, most: int) -> bytes | dict[str, Any]:
    """What the node is told about one output: its bytes, or an entry that names a file.

    `path` is where the output may be written; arrays of more than `most` bytes go there at once.

    Raises:
        Misfit: where the type of the value does not fit the suffix; names both and the remedy.
        ValueError: where the type fits and what it holds does not, such as nan in JSON.
        FileNotFoundError: where the value is a path, or None, and no file is there.
    """
    if type(value) is bytes:
        return value
    if value is None:
        return written(path, sink)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, str):
        return text(value, sink, place)
    if hasattr(value, "__fspath__"):
        return file(os.fspath(value), sink, place, path)
    if isinstance(value, Audio):
        if sink.suffix in SOUND:
            return sound(value, place, path)
    elif sink.suffix == "json":
        return json_bytes(value, sink.label)
    elif sink.suffix == "npy" and is_array(value):
        return array(value, place, path, most)
    raise misfit(value, sink)


def misfit(value: Any, sink: Sink) -> Misfit:
    """Names what was returned, the output, and the remedy."""
    remedy = REMEDIES.get(sink.suffix, "return bytes, a str, or a Path")
    if isinstance(value, (dict, list, tuple, int, float)) and sink.suffix != "json":
        remedy += ", or give the output the suffix .json"
    return Misfit(f"{a(value)} does not fit the {sink.label}; {remedy}")


def a(value: Any) -> str:
    """`a dict`, `an Audio`."""
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeiouAEIOU" else f"a {name}"


def is_array(value: Any) -> bool:
    """Whether this is a numpy array, asked without importing numpy."""
    return any(base.__module__ == "numpy" and base.__name__ == "ndarray" for base in type(value).__mro__)


def text(value: str, sink: Sink, place: Place) -> bytes:
    """UTF-8. Text for a .json is taken as JSON that was written already, and checked."""
    if (sink.suffix in REMEDIES and sink.suffix != "json") or sink.suffix in PICTURES:
        raise misfit(value, sink)
    if value.startswith(os.path.join(place.scratch, "")):
        raise Misfit(f"a str was returned for the {sink.label} that is the path of a file; return Path(…)")
    if sink.suffix == "json":
        from json import loads

        try:
            loads(value)
        except ValueError:
            raise Misfit(
                f"a str was returned for the {sink.label} that is not JSON; return the value itself, not text, "
                "and json.dumps(text) for a text alone"
            ) from None
    return value.encode()


def written(path: str, sink: Sink) -> dict[str, Any]:
    """The file that the transform itself wrote where this output goes."""
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"nothing was made for the {sink.label}; return a value, or take `output: Path` and write that file"
        )
    return {"file": path}


def file(source: str, sink: Sink, place: Place, path: str) -> dict[str, Any]:
    """A file that the transform made: as it is within the scratch folder, copied from anywhere else."""
    if not os.path.isfile(source):
        what = "a folder" if os.path.isdir(source) else "a path without a file"
        raise FileNotFoundError(f"{what} was returned for the {sink.label}: {source}")
    if place.keeps(source):
        return {"file": os.path.abspath(source)}
    from shutil import copyfile

    place.make()
    copyfile(source, path)
    return {"file": path}


def array(value: Any, place: Place, path: str, most: int) -> bytes | dict[str, Any]:
    """A numpy array as .npy, never with pickles."""
    import numpy as np

    if value.dtype.hasobject:
        raise Misfit("the array holds Python objects, which .npy would pickle; give it a number or a text dtype")
    if value.nbytes < most:
        from io import BytesIO

        memory = BytesIO()
        np.save(memory, value, allow_pickle=False)
        return memory.getvalue()
    place.make()
    with open(path, "wb") as out:
        np.save(out, value, allow_pickle=False)
    return {"file": path}


def sound(value: Audio, place: Place, path: str) -> dict[str, Any]:
    """Audio as raw float32 for the node to encode."""
    import numpy as np

    samples = np.ascontiguousarray(checked(value.samples))
    finite(samples)
    place.make()
    raw = f"{path}.f32"
    samples.tofile(raw)
    return {"audio": raw, "rate": value.rate, "channels": samples.shape[1]}

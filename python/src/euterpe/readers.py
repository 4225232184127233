"""Opens one input in the form that the transform wants: a function for each form, made once."""

from __future__ import annotations

from euterpe import forms
from euterpe.audio import Audio
from euterpe.faults import BadInput
from euterpe.frames import decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Given = dict[str, Any]
    Read = Callable[[Given, "bytes | None"], Any]
    """What the node says about an input, and its bytes where they came along."""

MAGIC = b"\x93NUMPY"


def reader(name: str, form: str) -> Read:
    """Gives the function that opens the input `name` in this form.

    It raises BadInput, with the input's name and its key in the store, for what cannot be read in that form.
    """
    if form == forms.PATH:
        from pathlib import Path

        return lambda given, attached: Path(given["file"])
    if form == forms.BYTES:
        return content
    if form == forms.TEXT:
        return text_reader(name)
    if form == forms.ARRAY:
        return array_reader(name)
    if form == forms.AUDIO:
        return audio_reader()
    return json_reader(name, {forms.MAP: dict, forms.LIST: list}.get(form))


def content(given: Given, attached: bytes | None) -> bytes:
    """The bytes of an input."""
    if attached is not None:
        return attached
    with open(given["file"], "rb") as file:
        return file.read()


def label(name: str, given: Given) -> str:
    """Names an input in a sentence."""
    return f"input `{name}` ({given.get('path', '')})"


def text_reader(name: str) -> Read:
    """Reads UTF-8."""

    def read(given: Given, attached: bytes | None) -> str:
        data = content(given, attached)
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BadInput(f"{label(name, given)} is not UTF-8: {error.reason} at byte {error.start}") from None

    return read


def json_reader(name: str, wanted: type | None) -> Read:
    """Reads JSON, of the wanted type where there is one."""
    read_text = text_reader(name)

    def read(given: Given, attached: bytes | None) -> Any:
        text = read_text(given, attached)
        try:
            value = decode(text)
        except ValueError as error:
            raise BadInput(f"{label(name, given)} is not JSON: {error}") from None
        except RecursionError:
            raise BadInput(f"{label(name, given)} is nested too deeply") from None
        if wanted is not None and type(value) is not wanted:
            words = "an object" if wanted is dict else "a list"
            raise BadInput(f"{label(name, given)} holds a {type(value).__name__}, not {words}")
        return value

    return read


def array_reader(name: str) -> Read:
    """Reads .npy: from a file as a copy-on-write map of it, else from memory. Never unpickles."""
    from io import BytesIO

    import numpy as np

    def read(given: Given, attached: bytes | None) -> Any:
        try:
            if attached is not None:
                if not attached.startswith(MAGIC):
                    raise ValueError("its first bytes are not those of an array")
                return np.load(BytesIO(attached), allow_pickle=False)
            with open(given["file"], "rb") as file:
                if file.read(len(MAGIC)) != MAGIC:
                    raise ValueError("its first bytes are not those of an array")
            # A plain array, so that nothing computed from it is a map without a file.
            return np.asarray(np.load(given["file"], mmap_mode="c", allow_pickle=False))
        except (ValueError, EOFError) as error:
            why = (str(error).splitlines() or [""])[0]
            raise BadInput(f"{label(name, given)} is no .npy file: {why}") from None

    return read


def audio_reader() -> Read:
    """Reads what the node has decoded: a copy-on-write map of raw float32."""
    import numpy as np

    def read(given: Given, attached: bytes | None) -> Audio:
        shape = (int(given["frames"]), int(given["channels"]))
        if shape[0] == 0:  # nothing to map
            return Audio(np.zeros(shape, "<f4"), given["rate"])
        samples = np.memmap(given["audio"], dtype="<f4", mode="c", shape=shape)
        return Audio(samples, given["rate"])

    return read

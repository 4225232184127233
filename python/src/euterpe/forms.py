"""The forms in which a transform may want an input, as its annotations say them."""

from __future__ import annotations

import sys

from euterpe.audio import Audio
from euterpe.context import Context
from euterpe.signature import NONE, root_name, unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PATH = "path"
BYTES = "bytes"
TEXT = "text"
MAP = "map"
LIST = "list"
JSON = "json"
ARRAY = "array"
AUDIO = "audio"

CONTEXT = "context"
"""No form of an input: the parameter gets the `Context`."""

CHOICES = "Path, bytes, str, dict, list or Any (JSON), numpy.ndarray (.npy), or Audio"

WIRE = {PATH: "file", AUDIO: "audio"}
"""What the node is asked for; "bytes" where a form does not stand here."""


def form_of(annotation: Any) -> str | None:
    """The form that an annotation asks for; None where it asks for none of them."""
    if annotation is NONE:
        return None
    kind, arguments = unwrapped(annotation)
    for plain, form in ((Audio, AUDIO), (Context, CONTEXT), (bytes, BYTES), (str, TEXT), (list, LIST)):
        if kind is plain:
            return form
    name = root_name(kind)
    if name == "Union":
        return form_of_optional(getattr(kind, "__args__", arguments))
    named = (getattr(kind, "__module__", ""), name)
    if named == ("typing", "Any"):
        return JSON
    if named == ("numpy", "ndarray"):
        return ARRAY
    if not isinstance(kind, type):
        return None
    if kind is getattr(sys.modules.get("pathlib"), "Path", None):
        return PATH
    if issubclass(kind, dict) or named in (("collections.abc", "Mapping"), ("collections.abc", "MutableMapping")):
        return MAP
    if named in (("collections.abc", "Sequence"), ("collections.abc", "MutableSequence")):
        return LIST
    return None


def form_of_optional(choices: tuple[Any, ...]) -> str | None:
    """The form of `Optional[T]`, for an input that the job may leave out."""
    wanted = [choice for choice in choices if choice is not type(None)]
    return form_of(wanted[0]) if len(wanted) == 1 else None

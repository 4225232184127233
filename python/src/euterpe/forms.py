"""The forms in which a transform may want an input, as its annotations say them."""

from __future__ import annotations

import sys

from euterpe.audio import Audio
from euterpe.context import Context
from euterpe.signature import NONE

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
    if hasattr(annotation, "__metadata__"):  # Annotated[T, ...]
        annotation = annotation.__origin__
    if annotation is Audio:
        return AUDIO
    if annotation is Context:
        return CONTEXT
    for plain, form in ((bytes, BYTES), (str, TEXT)):
        if annotation is plain:
            return form
    kind = getattr(annotation, "__origin__", annotation)
    named = (getattr(kind, "__module__", ""), getattr(kind, "__name__", None) or getattr(kind, "_name", None))
    if named[1] == "Any" and named[0] == "typing":
        return JSON
    if named == ("numpy", "ndarray"):
        return ARRAY
    if named[1] == "Union" or type(annotation).__name__ in ("UnionType", "Union"):
        return form_of_optional(getattr(annotation, "__args__", ()))
    if not isinstance(kind, type):
        return None
    if kind is getattr(sys.modules.get("pathlib"), "Path", None):
        return PATH
    if issubclass(kind, dict) or named in (("collections.abc", "Mapping"), ("collections.abc", "MutableMapping")):
        return MAP
    if kind is list or named in (("collections.abc", "Sequence"), ("collections.abc", "MutableSequence")):
        return LIST
    return None


def form_of_optional(choices: tuple[Any, ...]) -> str | None:
    """The form of `Optional[T]`, for an input that the job may leave out."""
    wanted = [choice for choice in choices if choice is not type(None)]
    return form_of(wanted[0]) if len(wanted) == 1 else None

"""Writes a result as JSON, and says where in it stands what JSON cannot hold."""

from __future__ import annotations

from json import JSONEncoder

from euterpe.faults import Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_ITEMS = 65_536
"""Larger arrays do not belong into JSON."""


def plain(value: Any) -> Any:
    """A number or a small array of numpy as one of Python; raises TypeError for all else."""
    if any(base.__module__ == "numpy" for base in type(value).__mro__):
        if not hasattr(value, "__len__") or value.ndim == 0:
            return value.item()
        if value.size <= MOST_ITEMS:
            return value.tolist()
        raise TypeError(f"an array of {value.size} items; write it to a .npy, or make it smaller")
    raise TypeError(f"a {type(value).__name__}")


dumps = JSONEncoder(ensure_ascii=False, allow_nan=False, default=plain).encode


def json_bytes(value: Any, label: str) -> bytes:
    """UTF-8 JSON with a newline at its end; members in the order of the dict.

    Raises:
        Misfit: for what JSON has no word for, such as a set; says where it stands and what to do.
        ValueError: for nan and infinities, with the place.
    """
    try:
        return (dumps(value) + "\n").encode()
    except UnicodeEncodeError:
        raise ValueError(f"a text for the {label} holds half a character, which is no UTF-8") from None
    except (TypeError, ValueError) as error:
        found = odd(value, "", 0)
        if found is None:
            raise Misfit(f"the result does not fit the {label}: {error}") from None
        place, what, remedy = found
        where = f" at `{place.lstrip('.')}`" if place else ""
        text = f"the result holds {what}{where}, which the {label} cannot hold; {remedy}"
        if isinstance(error, ValueError):
            raise ValueError(text) from None
        raise Misfit(text) from None


def odd(value: Any, place: str, depth: int) -> tuple[str, str, str] | None:
    """The first thing that is no JSON: its place such as `.bands[3]`, what it is, and the remedy."""
    if depth > 100 or value is None or isinstance(value, (str, int)):
        return None
    if isinstance(value, float):
        return None if value - value == 0.0 else (place, repr(float(value)), "put None there, or a number")
    if isinstance(value, dict):
        for key, item in value.items():
            if not (key is None or isinstance(key, (str, int, float))):
                return place, f"the key {key!r}", "make it a str"
            found = odd(item, f"{place}.{key}", depth + 1)
            if found:
                return found
        return None
    if isinstance(value, (list, tuple)):
        steps = (odd(item, f"{place}[{at}]", depth + 1) for at, item in enumerate(value))
        return next((found for found in steps if found), None)
    try:
        return odd(plain(value), place, depth + 1)
    except TypeError as error:
        remedies = {"set": "return sorted(…)", "frozenset": "return sorted(…)", "bytes": "decode it"}
        return place, str(error), remedies.get(type(value).__name__, "convert it to a str, a number, a list or a dict")

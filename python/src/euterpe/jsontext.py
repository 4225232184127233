"""Writes a result as JSON, and says where in it stands what JSON cannot hold."""

from __future__ import annotations

from json import JSONEncoder

from euterpe.faults import Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST_ITEMS = 65_536
"""Larger arrays do not belong into JSON."""

MOST_PLACE = 500
REMEDIES = {"set": "return sorted(…)", "frozenset": "return sorted(…)", "bytes": "decode it"}


def plain(value: Any) -> Any:
    """A number or a small array of numpy as one of Python; raises TypeError for all else."""
    if hasattr(value, "tolist") and any(base.__module__ == "numpy" for base in type(value).__mro__):
        if value.ndim == 0:
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
        found = odd(value, "", {})
        if found is None:
            raise Misfit(f"the result does not fit the {label}: {error}") from None
        place, what, remedy = found
        where = f" at `{place.lstrip('.')}`" if place else ""
        text = f"the result holds {what}{where}, which the {label} cannot hold; {remedy}"
        if isinstance(error, ValueError):
            raise ValueError(text) from None
        raise Misfit(text) from None


def odd(value: Any, place: str, seen: dict[int, Any]) -> tuple[str, str, str] | None:
    """The first thing that is no JSON: its place such as `.bands[3]`, what it is, and the remedy."""
    if value is None or isinstance(value, (str, int)):
        return None
    if isinstance(value, float):
        return None if value - value == 0.0 else (place, repr(float(value)), "put None there, or a number")
    if not isinstance(value, (dict, list, tuple)):
        try:
            return odd(plain(value), place, seen)
        except TypeError as error:
            return (
                place,
                str(error),
                REMEDIES.get(type(value).__name__, "convert it to a str, a number, a list or a dict"),
            )
    if id(value) in seen or len(place) > MOST_PLACE:
        return None
    seen[id(value)] = value  # kept, so that no other takes its id
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        if not (key is None or isinstance(key, (str, int, float))):
            return place, f"the key {key!r}", "make it a str"
        found = odd(item, f"{place}.{key}" if isinstance(value, dict) else f"{place}[{key}]", seen)
        if found:
            return found
    return None

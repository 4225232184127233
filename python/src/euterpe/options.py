"""Checks the options under `with:` against the parameters that take them."""

from __future__ import annotations

from euterpe.load import suggestion
from euterpe.signature import NONE, root_name, shown, unwrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from euterpe.signature import Parameter

PLAIN: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    list: "a list",
    dict: "a map",
    tuple: "a list",
    type(None): "null",
}


def take(owner: str, parameters: list[Parameter], given: dict[str, Any], problems: list[str]) -> dict[str, Any]:
    """Gives the values of the options that `parameters` name, checked; what is wrong is added to `problems`."""
    values = {}
    for parameter in parameters:
        name = parameter.name
        if name in given:
            try:
                values[name] = fitted(given[name], parameter.annotation)
            except Unfit as unfit:
                problems.append(f"option `{name}`: {unfit}")
        elif parameter.default is NONE:
            problems.append(f"option `{name}` is missing: `{owner}` has no default for it; set it under `with:`")
    return values


def unknown(owner: str, names: list[str], given: dict[str, Any], problems: list[str]) -> None:
    """Adds a problem for each option that nothing takes."""
    for name in given:
        if name not in names:
            end = suggestion(name, names) if names else "; it takes none: options are parameters after a `*`"
            problems.append(f"`{owner}` takes no option `{name}`{end}")


class Unfit(Exception):
    """A value does not fit its annotation."""


def fitted(value: Any, annotation: Any) -> Any:
    """The value as its annotation wants it: whole numbers become floats, lists become tuples.

    Raises:
        Unfit: where it does not fit, or where no value of a graph file could.
    """
    if annotation is NONE or annotation is object:
        return value
    if annotation is None:
        annotation = type(None)
    origin, arguments = unwrapped(annotation)
    name = root_name(origin)
    if name == "Union":
        return any_of(value, annotation, getattr(origin, "__args__", arguments))
    if name == "Literal":
        # True == 1, yet `true` is not what `Literal[1]` says.
        if any(value == choice and type(value) is type(choice) for choice in arguments):
            return value
        raise Unfit(f"expected {' or '.join(repr(choice) for choice in arguments)}, got {value!r}")
    if name == "Any":
        return value
    if origin in PLAIN:
        return plain(value, origin, arguments)
    if isinstance(origin, type) and issubclass(origin, dict):  # a TypedDict
        return plain(value, dict, ())
    if name in ("Mapping", "MutableMapping"):
        return plain(value, dict, arguments)
    if name in ("Sequence", "MutableSequence", "Iterable", "Collection"):
        return plain(value, list, arguments)
    raise Unfit(
        f"no value of a graph file is a {shown(annotation)}; "
        "take int, float, str, bool, list, dict, tuple, Optional or Literal of them and convert it"
    )


def any_of(value: Any, annotation: Any, choices: tuple[Any, ...]) -> Any:
    """The value as the first of several types that it fits; one that keeps its type is preferred."""
    if type(value) in choices:
        return value
    for choice in choices:
        try:
            return fitted(value, choice)
        except Unfit:
            continue
    raise Unfit(f"expected {shown(annotation)}, got {value!r}")


def plain(value: Any, kind: Any, arguments: tuple[Any, ...]) -> Any:
    """A value of one of JSON's types, and what it holds where the annotation says what that is."""
    if kind is float and type(value) is int:
        return float(value)
    wanted: Any = list if kind is tuple else kind
    if type(value) is not wanted:
        raise Unfit(f"expected {PLAIN[kind]}, got {value!r}")
    known = tuple(argument for argument in arguments if type(argument).__name__ != "TypeVar")
    if not known or len(known) != len(arguments):
        return tuple(value) if kind is tuple else value
    if kind is dict:
        return {key: within(f"at `{key}`", item, known[1]) for key, item in value.items()}
    if kind is tuple and (len(known) != 2 or known[1] is not Ellipsis):
        if len(value) != len(known):
            raise Unfit(f"expected a list of {len(known)}, got {value!r}")
        return tuple(within(f"item {at}", item, known[at]) for at, item in enumerate(value))
    items = [within(f"item {at}", item, known[0]) for at, item in enumerate(value)]
    return tuple(items) if kind is tuple else items


def within(place: str, value: Any, annotation: Any) -> Any:
    """An item of a list or a map, checked like an option of its own."""
    try:
        return fitted(value, annotation)
    except Unfit as unfit:
        raise Unfit(f"{place}: {unfit}") from None

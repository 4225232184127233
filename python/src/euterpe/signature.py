"""Reads a function's parameters: which are inputs, which are options, and what each is annotated with."""

from __future__ import annotations

import sys

from euterpe.faults import Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NONE: Any = object()
"""Stands where there is no default, or no annotation."""


class Parameter:
    """A parameter of a function: its name, its annotation as an object, its default."""

    __slots__ = ("annotation", "default", "name")

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.annotation = annotation
        self.default = default


class Signature:
    """The parameters of a function: positional ones in order, and keyword-only ones."""

    __slots__ = ("keywords", "name", "place", "positional")

    def __init__(self, function: Any) -> None:
        """Reads the parameters.

        Raises:
            Misfit: for what is no plain function, or has annotations that cannot be resolved; says all at once.
        """
        self.name: str = getattr(function, "__name__", repr(function))
        inner = function
        while hasattr(inner, "__wrapped__"):
            inner = inner.__wrapped__
        code = getattr(inner, "__code__", None)
        if code is None or isinstance(function, type):
            raise Misfit(f"`{self.name}` is no plain function; write one with `def` that calls it")
        self.place = f'  File "{code.co_filename}", line {code.co_firstlineno}, in {self.name}'
        problems = refused(self.name, code.co_flags)
        count, keyword = code.co_argcount, code.co_kwonlyargcount
        names: tuple[str, ...] = code.co_varnames
        defaults = inner.__defaults__ or ()
        defaults = (NONE,) * (count - len(defaults)) + defaults
        keyword_defaults: dict[str, Any] = inner.__kwdefaults__ or {}
        annotations = resolved(inner, names[: count + keyword], problems)
        if problems:
            raise Misfit("; ".join(problems), self.place)
        self.positional = [
            Parameter(name, annotations.get(name, NONE), default) for name, default in zip(names[:count], defaults)
        ]
        self.keywords = [
            Parameter(name, annotations.get(name, NONE), keyword_defaults.get(name, NONE))
            for name in names[count : count + keyword]
        ]


def refused(name: str, flags: int) -> list[str]:
    """What a transform cannot be, by the flags of its code."""
    problems = []
    if flags & 0x04:
        problems.append(f"`{name}` takes *arguments; name each input")
    if flags & 0x08:
        problems.append(f"`{name}` takes **keywords; name each option after a `*`")
    if flags & 0x280:
        problems.append(f"`{name}` is async; make it a plain function, which may call asyncio.run itself")
    elif flags & 0x20:
        problems.append(f"`{name}` has a `yield`; return the whole result")
    return problems


def resolved(function: Any, names: tuple[str, ...], problems: list[str]) -> dict[str, Any]:
    """The annotations of the parameters as objects, whether they were written as text or not."""
    try:
        written: dict[str, Any] = dict(function.__annotations__)
    except Exception as error:  # Python 3.14 and later look names up here
        problems.append(unresolved(f"the annotations of `{function.__name__}`", error))
        return {}
    annotations = {name: written[name] for name in names if name in written}
    for name, annotation in annotations.items():
        if isinstance(annotation, str):
            try:
                annotations[name] = evaluated(annotation, function.__globals__)
            except Exception as error:
                problems.append(unresolved(f"the annotation of `{name}`, `{annotation}`,", error))
    return annotations


def evaluated(annotation: str, names: dict[str, Any]) -> Any:
    """What an annotation written as text stands for."""
    from typing import get_type_hints

    def stub() -> None: ...

    stub.__annotations__ = {"it": annotation}
    return get_type_hints(stub, names)["it"]


def unwrapped(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """What an annotation is at its root, and its arguments: (dict, (str, int)) of `dict[str, int]`.

    Looks through `Annotated[T, ...]` and through names given by the `type` statement, as numpy's NDArray may be.
    """
    arguments: tuple[Any, ...] = ()
    while True:
        if hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        elif hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        elif hasattr(annotation, "__origin__"):
            arguments = getattr(annotation, "__args__", ())
            annotation = annotation.__origin__
        else:
            return annotation, arguments


def root_name(annotation: Any) -> str | None:
    """`Union`, `Literal`, `Any`, or the name of a class, whatever typing makes of it in this version of Python."""
    if type(annotation).__name__ in ("UnionType", "Union"):
        return "Union"
    return getattr(annotation, "_name", None) or getattr(annotation, "__name__", None)


def unresolved(what: str, error: Exception) -> str:
    """Says why an annotation cannot be resolved, and what to do."""
    text = f"{what} cannot be resolved ({type(error).__name__}: {error})"
    if isinstance(error, NameError):
        return f"{text}; import that name where it is there at run time, not below TYPE_CHECKING"
    if isinstance(error, TypeError) and sys.version_info < (3, 10):
        return f"{text}; this is Python 3.{sys.version_info[1]}: write Optional[…] or Union[…] instead of `|`"
    return text


def shown(annotation: Any) -> str:
    """An annotation as a person wrote it, nearly."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return str(annotation).replace("typing.", "").replace("NoneType", "None")

"""Marks a function as a transform, and says what to set up before its first entity."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without the import of typing
if TYPE_CHECKING:
    from typing import Any, Callable, TypeVar, overload

    Function = TypeVar("Function", bound=Callable[..., Any])
else:

    def overload(function):
        return function


@overload
def transform(function: Function) -> Function: ...
@overload
def transform(*, setup: Callable[..., Any] | None = None) -> Callable[[Function], Function]: ...  # noqa: F811
def transform(function: Function | None = None, *, setup: Callable[..., Any] | None = None) -> Any:  # noqa: F811
    """Marks `function` as a transform and returns it unchanged, so that a test calls it like any other.

    Its positional parameters are the job's inputs by name, its keyword-only ones the options under `with:`. `setup`,
    if given, runs once for each process before the first entity; it takes the options that it names, and what it
    returns is the first argument of the function:

        def load(*, weights: str = "small") -> Model: ...

        @transform(setup=load)
        def tags(model: Model, mel: NDArray[np.float32], *, top: int = 5) -> dict[str, float]: ...

    Raises:
        TypeError: where it marks something that is not a function.
    """

    def mark(marked: Any) -> Any:
        if not callable(marked) or isinstance(marked, (type, staticmethod, classmethod)):
            raise TypeError(f"@transform marks a function, not {marked!r}")
        marked.__euterpe__ = {"setup": setup}
        return marked

    if setup is not None and not callable(setup):
        raise TypeError(f"setup is a function, not {setup!r}")
    return mark if function is None else mark(function)

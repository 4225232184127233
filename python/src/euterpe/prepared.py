"""A transform that is ready to work: everything about it that can be decided once, decided."""

from __future__ import annotations

from euterpe import forms
from euterpe.binding import Binding
from euterpe.context import Context
from euterpe.faults import Misfit
from euterpe.lines import measured
from euterpe.outputs import made
from euterpe.readers import reader
from euterpe.results import Place, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from euterpe.context import Report


class Prepared:
    """A function bound to its job: `forms` says in which form each input is wanted, `run` does one entity."""

    __slots__ = ("_arguments", "_copied", "_extras", "_function", "_job", "_keywords", "_reads", "_sinks", "forms")

    def __init__(self, function: Any, opened: dict[str, Any]) -> None:
        """Binds `function` to the job that the frame `open` describes, and runs its `setup`.

        Raises:
            Misfit: where they do not fit, with all problems at once.
            Exception: whatever `setup` raises.
        """
        binding = Binding(function, opened["inputs"], opened["options"], opened.get("optional", ()))
        try:
            self._reads = [(name, at, reader(name, form)) for name, at, form in binding.inputs]
        except ImportError as error:
            raise Misfit(
                f"`{binding.name}` takes arrays or audio, and numpy cannot be imported ({error}); "
                "install it into the environment of the job, `env:`"
            ) from None
        self.forms = {name: forms.WIRE.get(form, "bytes") for name, _, form in binding.inputs}
        self._job: str = opened["job"]
        self._function = measured(function)
        self._sinks = [Sink(output["name"], output["suffix"]) for output in opened["outputs"]]
        self._extras = binding.extras
        self._keywords = binding.keywords
        self._copied = any(isinstance(value, (list, dict)) for value in binding.keywords.values())
        self._arguments = binding.arguments
        if binding.loader is not None:
            setup, options = binding.loader
            self._arguments[0] = setup(**options)

    def run(self, work: dict[str, Any], attachment: bytes, report: Report) -> tuple[list[dict[str, Any]], bytes]:
        """Does one entity as the frame `work` says; gives the entries of the frame `made` and its attachment.

        Raises:
            Exception: whatever the transform raises, BadInput for an input that cannot be read, and what
                `outputs.made` raises for a result that does not fit.
        """
        place = Place(work["scratch"])
        arguments = self._arguments[:]
        inputs = work["inputs"]
        start = 0
        for name, at, read in self._reads:
            given = inputs.get(name)
            if given is None:
                continue  # an optional input that this entity lacks: the default stands there
            length = given.get("attached")
            if length is None:
                arguments[at] = read(given, None)
            else:
                arguments[at] = read(given, attachment[start : start + length])
                start += length
        keywords = self._keywords
        if self._copied or self._extras:
            keywords = self._fresh(arguments, work, place, report)
        return made(self._function(*arguments, **keywords), self._sinks, work["outputs"], place)

    def _fresh(self, arguments: list[Any], work: dict[str, Any], place: Place, report: Report) -> dict[str, Any]:
        """The keywords of one call, so that nothing that it changes reaches the next; fills in the extras."""
        keywords = dict(self._keywords)
        if self._copied:
            from copy import deepcopy

            keywords = deepcopy(keywords)
        for at, what in self._extras:
            extra: Any
            if what == "context":
                extra = Context(work["entity"], self._job, work["attempt"], work["timeout"], place.scratch, report)
            else:
                from pathlib import Path

                place.make()
                paths = [Path(path) for path in work["outputs"]]
                extra = paths[0] if what == "output" else {sink.name: path for sink, path in zip(self._sinks, paths)}
            if isinstance(at, int):
                arguments[at] = extra
            else:
                keywords[at] = extra
        return keywords

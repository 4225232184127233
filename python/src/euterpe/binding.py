"""Binds a function to its job: each parameter to an input, an option or a thing of its own; all problems at once."""

from __future__ import annotations

from euterpe import forms
from euterpe.faults import Misfit
from euterpe.load import several
from euterpe.options import take, unknown
from euterpe.signature import NONE, Parameter, Signature, shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

OWN = {"output": (forms.PATH, "Path"), "outputs": (forms.MAP, "dict[str, Path]")}
"""Parameters with a meaning by their name, and how they are annotated."""

AFTER = "; if it is an option, put it after a `*`"


class Binding:
    """What fits a function and a job together.

    `arguments` is the positional part of a call, with the inputs left out; `inputs` says for each input of the job, in
    the job's order, where among the arguments it goes and in which form; `keywords` are the options; `extras` are the
    places, a position or a keyword, of "context", "output" and "outputs"; `loader` is the setup and its options.
    """

    __slots__ = ("arguments", "extras", "inputs", "keywords", "loader", "name")

    def __init__(self, function: Any, inputs: list[str], options: dict[str, Any], optional: Sequence[str] = ()) -> None:
        """Checks `function` against the names of the job's inputs, and its options under `with:`.

        An entity may lack the inputs that are `optional`.

        Raises:
            Misfit: where they do not fit.
        """
        signature = Signature(function)
        self.name = signature.name
        self.extras: list[tuple[int | str, str]] = []
        problems: list[str] = []
        setup = getattr(function, "__euterpe__", {}).get("setup")
        positional = list(enumerate(signature.positional))
        if setup is not None and not positional:
            problems.append(f"`{self.name}` has a setup and no first parameter to take its result")
        self.arguments = [parameter.default for parameter in signature.positional]

        places: dict[str, tuple[int, str]] = {}
        needed: list[str] = []
        for at, parameter in positional[setup is not None :]:
            if not self._is_extra(at, parameter, problems):
                hint = "" if parameter.default is NONE and parameter.name not in options else AFTER
                places[parameter.name] = (at, input_form(self.name, parameter, hint, problems))
                if parameter.default is NONE:
                    needed.append(parameter.name)
        if any(name not in places for name in inputs) or any(name not in inputs for name in needed):
            given = several(inputs) or "none"
            problems.append(f"`{self.name}` takes {inputs_named(list(places))}; the job gives {given}")
        for name in optional:
            if name in needed:
                problems.append(
                    f"an entity may lack the input `{name}`, and `{self.name}` has no default for it; "
                    "write one, such as None"
                )
        self.inputs = [(name, *places[name]) for name in inputs if name in places]

        own = []
        for parameter in signature.keywords:
            if parameter.name in inputs and parameter.name not in options:
                problems.append(f"`{parameter.name}` of `{self.name}` is an input of the job; put it before the `*`")
            elif not self._is_extra(parameter.name, parameter, problems):
                own.append(parameter)
        self.keywords = take(self.name, own, options, problems)
        names = [parameter.name for parameter in own]
        self.loader = None
        if setup is not None:
            loading = Signature(setup)
            parameters = loading.positional + loading.keywords
            self.loader = setup, take(loading.name, parameters, options, problems)
            names += [parameter.name for parameter in parameters if parameter.name not in names]
        unknown(self.name, names, options, problems)
        if problems:
            # An option of both the function and its setup may be wrong twice.
            raise Misfit("; ".join(dict.fromkeys(problems)), signature.place)

    def _is_extra(self, at: int | str, parameter: Parameter, problems: list[str]) -> bool:
        """Notes a parameter that is neither an input nor an option."""
        form = forms.form_of(parameter.annotation)
        if form == forms.CONTEXT:
            self.extras.append((at, "context"))
            return True
        if parameter.name not in OWN:
            return False
        wanted, words = OWN[parameter.name]
        if form != wanted:
            problems.append(f"`{parameter.name}` says where to write; annotate it as {words}, or name it otherwise")
        self.extras.append((at, parameter.name))
        return True


def input_form(owner: str, parameter: Parameter, hint: str, problems: list[str]) -> str:
    """The form of an input; a problem, that ends in the hint, where its annotation says none."""
    form = forms.form_of(parameter.annotation)
    if form is not None:
        return form
    what = "has no annotation"
    if parameter.annotation is not NONE:
        what = f"is annotated as {shown(parameter.annotation)}, which is no form of an input"
    if parameter.name in ("ctx", "context"):
        hint = "; the context is annotated as Context"
    problems.append(f"input `{parameter.name}` of `{owner}` {what}; annotate it as {forms.CHOICES}{hint}")
    return forms.BYTES


def inputs_named(names: list[str]) -> str:
    """`the inputs a and b`, `the input a`, `no inputs`."""
    return f"the input{'s' if names[1:] else ''} {several(names)}" if names else "no inputs"

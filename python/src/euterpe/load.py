"""Finds the function that a graph file names in the file that it names."""

from __future__ import annotations

import os
import sys

from euterpe.faults import Misfit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def load(file: str, function: str) -> Any:
    """Runs the Python file and gives the function of that name.

    The file's folder comes first among the places that are imported from, so that it may import its neighbours.

    Raises:
        Misfit: where there is no such file or no such function; the latter names those that there are.
        Exception: whatever the file raises.
    """
    module = run(os.path.abspath(file))
    found = getattr(module, function, None)
    if found is None:
        raise Misfit(missing(module, file, function))
    return found


def run(file: str) -> ModuleType:
    """Imports a file as a module of its own name, or of another one where that name is taken."""
    from importlib.util import module_from_spec, spec_from_file_location

    if not os.path.isfile(file):
        raise Misfit(f"there is no file {file}")
    folder, name = os.path.split(file)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    name = os.path.splitext(name)[0]
    if name in sys.modules or name in sys.builtin_module_names:
        name = f"euterpe_transform_{name}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Misfit(f"{file} is no Python file; its name must end in .py")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def missing(module: ModuleType, file: str, function: str) -> str:
    """Says which functions there are instead."""
    there = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__ and not name.startswith("_")
    ]
    return f"{os.path.basename(file)} has no function `{function}`{suggestion(function, there)}"


def suggestion(wrong: str, there: list[str]) -> str:
    """The end of a sentence that helps with a name that is not there."""
    if not there:
        return "; it has none at all"
    from difflib import get_close_matches

    close = get_close_matches(wrong, there, 1)
    if close:
        return f"; did you mean `{close[0]}`?"
    return f"; there is {several(there)}" if len(there) == 1 else f"; there are {several(there)}"


def several(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])

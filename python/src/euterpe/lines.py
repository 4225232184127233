"""How long each line of a transform takes: by line_profiler where that can be imported, else by a tracer of our own."""

from __future__ import annotations

import os
import sys
from time import perf_counter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, FrameType
    from typing import Any, Callable

VARIABLE = "EUTERPE_PROFILE_LINES"
"""The environment variable that names the file to write; set by `euterpe profile --lines` only."""
OURS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "")


def measured(function: Any) -> Any:
    """The function, or one that measures its lines and writes them down after each call, where that is asked for."""
    path = os.environ.get(VARIABLE)
    if not path:
        return function
    try:
        from line_profiler import LineProfiler  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return by_tracer(function, path)
    return by_line_profiler(LineProfiler(), function, path)


def by_line_profiler(profiler: Any, function: Any, path: str) -> Any:
    """Measures the functions of the file that defines `function`."""
    module = sys.modules.get(function.__module__)
    for value in list(vars(module).values()) if module else []:
        if getattr(value, "__module__", None) == function.__module__ and hasattr(value, "__code__"):
            profiler.add_function(value)
    profiler.add_function(function)

    def call(*arguments: Any, **keywords: Any) -> Any:
        profiler.enable_by_count()
        try:
            return function(*arguments, **keywords)
        finally:
            profiler.disable_by_count()
            stats = profiler.get_stats()
            taken: dict[tuple[str, int], list[float]] = {}
            for (file, _, _), lines in stats.timings.items():
                for line, hits, ticks in lines:
                    total = taken.setdefault((file, line), [0, 0.0])
                    total[0] += hits
                    total[1] += ticks * stats.unit
            write(path, "line_profiler", taken)

    return call


def by_tracer(function: Any, path: str) -> Any:
    """Measures every line of the user's own files that runs in this thread."""

    def call(*arguments: Any, **keywords: Any) -> Any:
        tracer = Tracer()
        before = sys.gettrace()
        sys.settrace(tracer.enter)
        try:
            return function(*arguments, **keywords)
        finally:
            sys.settrace(before)
            write(path, "euterpe", tracer.taken)

    return call


class Tracer:
    """Adds up the time from the beginning of a line to that of the next one in the same call, calls within included."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, int], list[float]] = {}
        self._wanted: dict[CodeType, bool] = {}
        self._open: dict[FrameType, tuple[int, float]] = {}

    def enter(self, frame: FrameType, _event: str, _value: Any) -> Callable[..., Any] | None:
        """A call begins: its lines are followed where its file is one of the user's."""
        code = frame.f_code
        wanted = self._wanted.get(code)
        if wanted is None:
            wanted = self._wanted[code] = is_users(code.co_filename)
        return self.step if wanted else None

    def step(self, frame: FrameType, event: str, _value: Any) -> Callable[..., Any]:
        """A line begins, or the call ends."""
        now = perf_counter()
        last = self._open.pop(frame, None)
        if last is not None and event != "exception":
            total = self.taken.setdefault((frame.f_code.co_filename, last[0]), [0, 0.0])
            total[0] += 1
            total[1] += now - last[1]
        if event == "exception" and last is not None:
            self._open[frame] = last
        elif event == "line":
            self._open[frame] = (frame.f_lineno, perf_counter())
        return self.step


def is_users(file: str) -> bool:
    """Whether a file is neither ours, nor Python's, nor a package's."""
    if file.startswith("<"):
        return False
    import sysconfig

    path = os.path.abspath(file)
    places = {os.path.join(sysconfig.get_paths()[name], "") for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return not path.startswith((OURS, *places)) and "site-packages" not in path and "dist-packages" not in path


def write(path: str, by: str, taken: dict[tuple[str, int], list[float]]) -> None:
    """Writes down what is known, in the form that `euterpe profile` reads."""
    import json
    import linecache

    files: dict[str, list[dict[str, Any]]] = {}
    for (file, line), (hits, seconds) in sorted(taken.items()):
        source = linecache.getline(file, line).rstrip()
        files.setdefault(file, []).append({"line": line, "hits": int(hits), "seconds": seconds, "source": source})
    text = json.dumps({"by": by, "files": [{"file": file, "lines": lines} for file, lines in files.items()]})
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)

"""What a transform may know about the entity in hand, and tell while it works."""

from __future__ import annotations

import sys
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, Callable

    Report = Callable[[str, Any], None]

MOST_TEXT = 16_384
PROGRESS_EVERY = 0.1  # seconds


class Log:
    """Lines of the node's log, each beside the job and the entity. `text % values`, as in `logging`."""

    __slots__ = ("_report",)

    def __init__(self, report: Report) -> None:
        self._report = report

    def debug(self, text: object, *values: object) -> None:
        """Tells what only a search for a bug wants to know."""
        self._say("debug", text, values)

    def info(self, text: object, *values: object) -> None:
        """Tells what happened."""
        self._say("info", text, values)

    def warning(self, text: object, *values: object) -> None:
        """Tells what somebody should look at some time."""
        self._say("warning", text, values)

    def error(self, text: object, *values: object) -> None:
        """Tells what went wrong. The work goes on; raise an exception to end it."""
        self._say("error", text, values)

    def _say(self, level: str, text: object, values: tuple[object, ...]) -> None:
        line = str(text) % values if values else str(text)
        if len(line) > MOST_TEXT:
            line = f"{line[:MOST_TEXT]}… ({len(line) - MOST_TEXT} characters more)"
        self._report("log", {"level": level, "text": line})


class Context:
    """The entity in hand. A transform gets it in a parameter annotated as `Context`; a test makes one: `Context()`."""

    __slots__ = ("_deadline", "_progress", "_report", "_scratch", "attempt", "entity", "job", "log", "timeout")

    entity: str
    """The id of the entity, such as `t-1`, or `t-1,t-2`."""
    job: str
    """The name of the job in the graph file."""
    attempt: int
    """0 for the first try, 1 for the second."""
    timeout: float
    """How long this try may take, in seconds; the process is killed then."""
    log: Log
    """Writes to the node's log."""

    def __init__(
        self,
        entity: str = "t-1",
        job: str = "test",
        attempt: int = 0,
        timeout: float = 600.0,
        scratch: str | None = None,
        report: Report | None = None,
    ) -> None:
        """Without `report`, what is told goes to standard error; without `scratch`, `tmp` is gone with the process."""
        self.entity = entity
        self.job = job
        self.attempt = attempt
        self.timeout = timeout
        self._deadline = monotonic() + timeout
        self._scratch = scratch
        self._report = report or to_stderr
        self._progress = -PROGRESS_EVERY
        self.log = Log(self._report)

    def remaining(self) -> float:
        """Seconds until the deadline, never below 0."""
        return max(0.0, self._deadline - monotonic())

    def metric(self, name: str, value: float) -> None:
        """Counts something: a number under a name, such as `tags.found`.

        Raises:
            ValueError: where the value is not a finite number.
        """
        number = float(value)
        if number - number != 0.0:
            raise ValueError(f"metric `{name}`: expected a finite number, got {value!r}")
        self._report("metric", {"name": str(name)[:200], "value": number})

    def progress(self, fraction: float) -> None:
        """Tells how much is done, from 0 to 1. Cheap enough for a loop: ten times a second are passed on."""
        fraction = min(1.0, max(0.0, float(fraction)))
        now = monotonic()
        if now - self._progress >= PROGRESS_EVERY or fraction == 1.0:
            self._progress = now
            self._report("progress", fraction)

    @property
    def tmp(self) -> Path:
        """A folder of this entity's own, made when it is first asked for, removed when the work is done."""
        from pathlib import Path

        if self._scratch is None:
            import atexit
            import shutil
            import tempfile

            self._scratch = tempfile.mkdtemp(prefix="euterpe-")
            atexit.register(shutil.rmtree, self._scratch, ignore_errors=True)
        folder = Path(self._scratch, "tmp")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def __repr__(self) -> str:
        return f"<Context of {self.job} for {self.entity}, attempt {self.attempt}, {self.remaining():.1f} s left>"


def to_stderr(kind: str, value: Any) -> None:
    """Prints a report where no node listens."""
    if kind == "log":
        line = f"{value['level']}: {value['text']}"
    elif kind == "metric":
        line = f"metric {value['name']} = {value['value']}"
    else:
        line = f"progress {value:.0%}"
    print(line, file=sys.stderr)

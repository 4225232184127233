"""What a transform raises to say how its work ended; any other exception means: try again."""

from __future__ import annotations


class Skip(Exception):
    """Declines this entity: no output, no retry, no dead letter, and nothing for the jobs below.

    >>> raise Skip("shorter than a second")
    """


class Fatal(Exception):
    """Fails without another try: the entity becomes a dead letter with this reason."""


class BadInput(Fatal):
    """Fails without another try, because an input is broken: the reason should say how to mend it."""


class Misfit(Fatal, TypeError):
    """A function and its job do not fit: its signature, its options, or the type of what it returned.

    `place` is the line of the function, as in a traceback, or empty.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(reason)
        self.place = place

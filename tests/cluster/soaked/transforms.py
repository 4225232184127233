"""The job of the soak's graph that is in Python: makes what `test.faulty` makes."""

from euterpe import Context


def right(b: str, ctx: Context) -> str:
    return f"{ctx.entity}\nb: {b}"

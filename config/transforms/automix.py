"""Mixes two tracks into one by an equal-power cross-fade."""

import numpy as np

from euterpe import Audio, Fatal, transform


@transform
def automix(a: Audio, b: Audio, *, fade: float = 8.0) -> Audio:
    if (a.rate, a.channels) != (b.rate, b.channels):
        raise Fatal(f"{a!r} and {b!r} do not fit together; bring both to one rate and one number of channels")
    seam = max(0, min(round(fade * a.rate), a.frames, b.frames))
    turn = np.linspace(0, np.pi / 2, seam, dtype=np.float32)[:, None]  # cos² + sin² = 1: the power stays the same
    mixed = a.samples[a.frames - seam :] * np.cos(turn) + b.samples[:seam] * np.sin(turn)
    return Audio(np.concatenate([a.samples[: a.frames - seam], mixed, b.samples[seam:]]), a.rate)

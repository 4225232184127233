"""Says how a track feels, by its loudness alone."""

from __future__ import annotations

from typing import Any

from euterpe import Skip, transform


@transform
def mood(loudness: dict[str, Any], *, loud: float = -16.0) -> dict[str, Any]:
    """Gives {"mood", "energy", "headroom_db"}.

    `loudness` is what `audio.loudness` makes; from `loud` LUFS on a track counts as loud. The energy is 0 at -36 LUFS
    and 1 at -6.
    """
    lufs = loudness["integrated_lufs"]
    if lufs is None:
        raise Skip("silence has no mood")
    strong = "driving" if loudness["range_lu"] < 6 else "dramatic"
    name = strong if lufs >= loud else "calm"
    energy = min(1.0, max(0.0, (lufs + 36) / 30))
    return {"mood": name, "energy": round(energy, 3), "headroom_db": round(-loudness["true_peak_dbtp"], 1)}

"""Guesses tempo and key of a track, and says how bright it sounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from euterpe import Audio, BadInput, Context, Skip, transform

RATE = 22_050
FRAME, HOP = 4096, 256
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

# How well each pitch class fits into C major and C minor: Krumhansl and Kessler, Psychological Review 89 (1982).
MAJOR = np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88])
MINOR = np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17])

Array = NDArray[np.float32]


class Listener:
    """What is the same for all tracks: a bank of filters that folds a spectrum to pitch classes, and 24 keys in it."""

    def __init__(self) -> None:
        self.window = np.hanning(FRAME).astype(np.float32)
        self.frequencies = np.fft.rfftfreq(FRAME, 1 / RATE).astype(np.float32)
        pitch = 69 + 12 * np.log2(np.maximum(self.frequencies, 1.0) / 440)
        away = (pitch[None, :] - np.arange(12)[:, None] + 6) % 12 - 6
        audible = (self.frequencies > 100) & (self.frequencies < 2000)
        self.folding = (np.exp(-0.5 * (away / 0.3) ** 2) * audible).astype(np.float32)
        # A note rings in other pitch classes too, by its overtones and by what the filters let through. So each key is
        # learnt as this bank hears it: three octaves of notes, in tune and up to a third of a semitone off.
        heard = np.zeros((12, 12), np.float32)
        for note in range(45, 81):
            for off in (-0.3, -0.15, 0.0, 0.15, 0.3):
                heard[:, note % 12] += self.chroma(self.spectrum(tone(note + off)))
        self.keys = np.stack([heard @ np.roll(profile, tonic) for profile in (MAJOR, MINOR) for tonic in range(12)])

    def spectrum(self, samples: Array) -> Array:
        """Magnitudes of shape (frames, bins), in blocks that keep the memory small."""
        frames = sliding_window_view(samples, FRAME)[::HOP]
        blocks = [np.abs(np.fft.rfft(frames[at : at + 512] * self.window)) for at in range(0, len(frames), 512)]
        return np.concatenate(blocks).astype(np.float32)

    def chroma(self, spectrum: Array) -> Array:
        """How much of each pitch class there is, all frames together."""
        folded: Array = np.sqrt(spectrum @ self.folding.T).mean(axis=0)
        return folded

    def key(self, spectrum: Array) -> tuple[str, float]:
        """The key whose pattern correlates best, and by how much it leads over the next one."""
        scores = [float(np.corrcoef(self.chroma(spectrum), key)[0, 1]) for key in self.keys]
        best, second = np.argsort(scores)[::-1][:2]
        return f"{NAMES[best % 12]} {'minor' if best >= 12 else 'major'}", scores[best] - scores[second]


def tone(note: float) -> Array:
    """A second of a MIDI note with seven overtones."""
    time = np.arange(RATE) / RATE
    base = 440 * 2 ** ((note - 69) / 12)
    return np.asarray(sum(0.6**n * np.sin(2 * np.pi * base * (n + 1) * time) for n in range(8)), np.float32)


def tempo(spectrum: Array) -> float:
    """Beats in a minute: the lag at which the onsets repeat best, where lags near 115 a minute count most."""
    onsets = np.maximum(np.diff(np.log1p(10 * spectrum), axis=0), 0).sum(axis=1)
    onsets -= np.convolve(onsets, np.ones(87) / 87, "same")
    size = 2 ** int(np.ceil(np.log2(2 * len(onsets))))
    repeats = np.fft.irfft(np.abs(np.fft.rfft(onsets, size)) ** 2)[: len(onsets)]
    bpm = np.arange(60, 180, 0.5)
    lags = 60 * RATE / HOP / bpm
    strength = sum(np.interp(lags * n, np.arange(len(repeats)), repeats, right=0) for n in (1, 2, 4, 8))
    return float(bpm[np.argmax(strength * np.exp(-0.5 * (np.log2(bpm / 115) / 0.6) ** 2))])


def load() -> Listener:
    """Runs once in each process, for about a second."""
    return Listener()


@transform(setup=load)
def tags(listener: Listener, audio: Audio, ctx: Context, *, shortest: float = 5.0) -> dict[str, Any]:
    """Gives {"key", "key_lead", "tempo_bpm", "brightness_hz", "seconds"}; skips what is too short or silent."""
    if audio.rate != RATE:
        raise BadInput(f"the track has {audio.rate} Hz; let audio.transcode bring it to {RATE}")
    if audio.seconds < shortest:
        raise Skip(f"{audio.seconds:.1f} s of music are too short for a guess")
    spectrum = listener.spectrum(audio.mono().samples[:, 0])
    loudness = spectrum.sum()
    if loudness < 1e-3:
        raise Skip("silence has neither key nor tempo")
    key, lead = listener.key(spectrum)
    ctx.metric("tags.key_lead", lead)
    return {
        "key": key,
        "key_lead": round(lead, 3),
        "tempo_bpm": tempo(spectrum),
        "brightness_hz": round(float((spectrum @ listener.frequencies).sum() / loudness)),
        "seconds": round(audio.seconds, 3),
    }

"""What the tags must get right on music that is made up here."""

import unittest

import numpy as np

from euterpe import Audio, BadInput, Skip
from euterpe.testing import run_transform, sine
from tags import RATE, tags


def music(bpm: float, chords: list[list[int]], seconds: float = 16.0) -> Audio:
    """Chords of MIDI notes, two beats each, every beat struck anew."""
    time = np.arange(round(seconds * RATE)) / RATE
    beat = (time * bpm / 60).astype(int)
    since = time - beat * 60 / bpm
    samples = np.zeros_like(time)
    for at, chord in enumerate(chords):
        now = (beat // 2) % len(chords) == at
        for note in chord:
            base = 440 * 2 ** ((note - 69) / 12)
            for n in (1, 2, 3, 4):
                samples[now] += np.sin(2 * np.pi * base * n * time[now]) * np.exp(-4 * since[now]) / n
    return Audio(0.8 * samples / np.abs(samples).max(), RATE)


C, F, G = [60, 64, 67], [65, 69, 72], [67, 71, 74]
A_MINOR, D_MINOR, E_MAJOR = [57, 60, 64], [62, 65, 69], [64, 68, 71]


class Tags(unittest.TestCase):
    def test_tempo_and_key_are_found(self) -> None:
        for bpm, chords, up, key in [
            (100, [C, F, G, C], 0, "C major"),
            (126, [C, F, G, C], 7, "G major"),
            (90, [A_MINOR, D_MINOR, E_MAJOR, A_MINOR], 0, "A minor"),
            (120, [A_MINOR, D_MINOR, E_MAJOR, A_MINOR], 3, "C minor"),
        ]:
            made = run_transform(
                tags, audio=music(bpm, [[note + up for note in chord] for chord in chords]), report=lambda *_: None
            )
            with self.subTest(key=key):
                self.assertEqual(made["key"], key)
                self.assertAlmostEqual(made["tempo_bpm"], bpm, delta=1)
                self.assertGreater(made["key_lead"], 0)

    def test_a_higher_sound_is_brighter(self) -> None:
        low, high = (
            run_transform(tags, audio=sine(6, pitch, RATE), report=lambda *_: None)["brightness_hz"]
            for pitch in (300, 3000)
        )
        self.assertAlmostEqual(low, 300, delta=60)
        self.assertAlmostEqual(high, 3000, delta=60)

    def test_short_and_silent_tracks_are_skipped_and_other_rates_refused(self) -> None:
        with self.assertRaisesRegex(Skip, "too short"):
            run_transform(tags, audio=sine(1, rate=RATE))
        with self.assertRaisesRegex(Skip, "silence"):
            run_transform(tags, audio=Audio(np.zeros(6 * RATE, np.float32), RATE))
        with self.assertRaisesRegex(BadInput, "44100 Hz"):
            run_transform(tags, audio=sine(6))


if __name__ == "__main__":
    unittest.main()

"""The automixer's promises: its length, its power, a seam without a click, and clear refusals."""

import unittest

import numpy as np

from automix import automix
from euterpe import Audio, Fatal
from euterpe.testing import run_transform, sine


def noise(seconds: float, seed: int, rate: int = 8000, channels: int = 2) -> Audio:
    """Even noise at half of full scale."""
    dice = np.random.default_rng(seed)
    return Audio(dice.uniform(-0.5, 0.5, (round(seconds * rate), channels)), rate)


def largest_step(samples: np.ndarray) -> float:
    return float(np.abs(np.diff(samples, axis=0)).max())


class Automix(unittest.TestCase):
    def test_it_lasts_as_long_as_both_without_the_fade(self) -> None:
        mix = run_transform(automix, "t-1,t-2", "ogg", a=noise(6, 1), b=noise(4, 2), fade=1.5)
        self.assertEqual((mix.frames, mix.channels, mix.rate), (68_000, 2, 8000))

    def test_outside_of_the_seam_the_tracks_are_as_they_were(self) -> None:
        a, b = noise(3, 1), noise(3, 2)
        mix = automix(a, b, fade=1.0)
        np.testing.assert_array_equal(mix.samples[:16_000], a.samples[:16_000])
        np.testing.assert_array_equal(mix.samples[24_000:], b.samples[8000:])

    def test_the_power_stays_the_same_through_the_seam(self) -> None:
        mix = automix(noise(20, 1), noise(20, 2), fade=10.0)
        power = np.square(mix.samples).reshape(-1, 8000, 2).mean(axis=(1, 2))  # by seconds
        np.testing.assert_allclose(power, power[0], rtol=0.1)

    def test_the_seam_has_no_click(self) -> None:
        a, b = sine(2, 220, channels=2), sine(2, 330, channels=2)
        for fade in (0.02, 0.5, 2.0, 99.0):
            # A step of the mix is at most both tracks' own, at equal power, and what the ramp moves in a sample.
            ramp = np.pi / 2 / (min(fade, 2.0) * a.rate)
            most = np.hypot(largest_step(a.samples), largest_step(b.samples)) + ramp
            self.assertLessEqual(largest_step(automix(a, b, fade=fade).samples), most)

    def test_a_fade_longer_than_a_track_takes_all_of_the_shorter_one(self) -> None:
        self.assertEqual(automix(noise(5, 1), noise(2, 2), fade=60.0).seconds, 5.0)
        self.assertEqual(automix(noise(1, 1), Audio(np.zeros((0, 2), np.float32), 8000)).seconds, 1.0)
        self.assertEqual(automix(noise(2, 1), noise(2, 2), fade=0.0).seconds, 4.0)

    def test_tracks_that_differ_are_refused_in_words(self) -> None:
        with self.assertRaisesRegex(Fatal, "8000 Hz, stereo> and .* 44100 Hz, mono> do not fit together"):
            automix(noise(1, 1), sine(1))


if __name__ == "__main__":
    unittest.main()

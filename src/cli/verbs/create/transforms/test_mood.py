"""The promises of mood.py, which `euterpe test graph.yaml` runs."""

import unittest

from euterpe import Skip
from euterpe.testing import run_transform
from mood import mood

LOUD = {"integrated_lufs": -9.0, "range_lu": 3.0, "true_peak_dbtp": -0.5}


class Mood(unittest.TestCase):
    def test_loudness_and_range_decide(self) -> None:
        self.assertEqual(mood(LOUD)["mood"], "driving")
        self.assertEqual(mood({**LOUD, "range_lu": 12.0})["mood"], "dramatic")
        self.assertEqual(mood(LOUD, loud=-5.0)["mood"], "calm")

    def test_the_energy_stays_between_0_and_1(self) -> None:
        for lufs, energy in [(-70.0, 0.0), (-21.0, 0.5), (0.0, 1.0)]:
            self.assertEqual(mood({**LOUD, "integrated_lufs": lufs})["energy"], energy)

    def test_silence_is_skipped(self) -> None:
        with self.assertRaises(Skip):
            mood({**LOUD, "integrated_lufs": None})

    def test_it_runs_as_a_node_runs_it(self) -> None:
        made = run_transform(mood, "t-1", "json", loudness=LOUD, loud=-12)
        self.assertEqual(made, {"mood": "driving", "energy": 0.9, "headroom_db": 0.5})


if __name__ == "__main__":
    unittest.main()

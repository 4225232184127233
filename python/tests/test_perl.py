"""The example worker in Perl keeps to the protocol."""

from __future__ import annotations

import json
import math
import shutil
import struct
import unittest
from pathlib import Path
from typing import Any

from node import Node

WORKER = Path(__file__).resolve().parents[2] / "config" / "workers" / "peaks.pl"


@unittest.skipUnless(shutil.which("perl") and WORKER.is_file(), "needs perl and the examples")
class Peaks(unittest.TestCase):
    def audio(self, node: Node, frames: int, channels: int = 2, rate: int = 1000) -> dict[str, Any]:
        samples = [-0.001 * (n // channels % 1000) for n in range(frames * channels)]
        path = node.place / f"in-{frames}.f32"
        path.write_bytes(struct.pack(f"<{len(samples)}f", *samples))
        shape = {"rate": rate, "channels": channels, "frames": frames}
        return {"audio": str(path), "path": "tracks/t-1.wav", **shape}

    def test_peaks_are_those_of_the_samples(self) -> None:
        with Node(["perl", str(WORKER)]) as node:
            ready = node.open(None, inputs=("audio",), per_second=4)["ready"]
            self.assertEqual((ready["inputs"], ready["attach"]), ({"audio": "audio"}, 0))
            for frames in (2600, 0, 1):
                made, attached = node.work(audio=self.audio(node, frames))
                self.assertEqual(attached, b"")
                result = json.loads(Path(made["made"][0]["file"]).read_text())
                self.assertEqual((result["per_second"], result["seconds"]), (4, frames / 1000))
                ends = [min(frames, 250 * (n + 1)) for n in range(math.ceil(frames / 250))]
                wanted = [0.001 * ((end - 1) % 1000) for end in ends]
                self.assertEqual(result["peaks"], [round(peak, 6) for peak in wanted])
            gone = {**self.audio(node, 1), "audio": "/nowhere"}
            fault = node.work(audio=gone)[0]["fault"]
            self.assertEqual((fault["kind"], fault["text"][:21]), ("failed", "cannot read the audio"))
            node.socket.close()
            self.assertEqual(node.process.wait(5), 0)

    def test_options_that_make_no_sense_are_refused(self) -> None:
        with Node(["perl", str(WORKER)]) as node:
            fault = node.open(None, inputs=("audio",), per_second=0)["fault"]
            self.assertEqual(fault["kind"], "fatal")


if __name__ == "__main__":
    unittest.main()

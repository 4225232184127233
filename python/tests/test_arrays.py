"""Arrays and audio through the worker: mapped in, checked out."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

from node import Node

try:
    import numpy as np
    from numpy.typing import NDArray
except ImportError as error:
    raise unittest.SkipTest("numpy is not installed") from error

from euterpe import Audio
from euterpe.testing import run_transform, sine

HEAD = "import numpy as np\nfrom numpy.typing import NDArray\nfrom euterpe import Audio\n"


def raw(node: Node, samples: Any, rate: int = 8000) -> dict[str, Any]:
    """Lays audio out as a node does."""
    path = node.place / "in.f32"
    samples.astype("<f4").tofile(path)
    shape = {"frames": samples.shape[0], "channels": samples.shape[1]}
    return {"audio": str(path), "rate": rate, "path": "pcm/t-1.flac", **shape}


class Arrays(unittest.TestCase):
    def test_an_array_comes_mapped_or_attached_and_may_be_written_to(self) -> None:
        source = "def f(mel: NDArray[np.float32]) -> np.ndarray:\n    mel[0] = 9\n    return mel * 2\n"
        with Node() as node:
            ready = node.open(HEAD + source, "f", ("mel",), {"": "npy"})["ready"]
            self.assertEqual(ready["inputs"], {"mel": "bytes"})
            self.assertIn(f"numpy {np.__version__}", ready["about"])
            path = node.place / "mel.npy"
            for shape in ((4,), (200, 300)):
                np.save(path, np.ones(shape, np.float32))
                before = path.read_bytes()
                for given in (path, before[: 1 << 20]):
                    made, attached = node.work(mel=given)
                    entry = made["made"][0]
                    out = Path(entry["file"]).read_bytes() if "file" in entry else attached
                    (node.place / "out.npy").write_bytes(out)
                    array = np.load(node.place / "out.npy")
                    self.assertEqual((array.shape, array.dtype), (shape, np.float32))
                    self.assertEqual((array.flat[0], array.flat[-1]), (18, 2))
                    self.assertEqual(path.read_bytes(), before)

    def test_what_is_no_array_is_bad_input(self) -> None:
        with Node() as node:
            node.open(HEAD + "def f(mel: np.ndarray) -> str: ...\n", "f", ("mel",))
            path = node.place / "mel.npy"
            np.save(path, np.array([{}], object), allow_pickle=True)
            pickled = path.read_bytes()
            np.save(path, np.ones(1000))
            for content in (b"", b"PK\3\4", b"\x80\4.", pickled, path.read_bytes()[:500]):
                path.write_bytes(content)
                for given in (path, content):
                    fault = node.work(mel=given)[0]["fault"]
                    self.assertEqual(fault["kind"], "bad_input", fault)
                    self.assertRegex(fault["text"], r"^input `mel` \(mel/\S+\) is no \.npy file: ")

    def test_numbers_of_numpy_go_into_json(self) -> None:
        source = (
            "def f():\n    return {'a': np.float32(0.5), 'b': np.int64(3), 'c': np.arange(3), 'd': np.bool_(True)}\n"
        )
        with Node() as node:
            node.open(HEAD + source, "f")
            self.assertEqual(node.work()[1], b'{"a": 0.5, "b": 3, "c": [0, 1, 2], "d": true}\n')

    def test_what_json_cannot_hold_of_numpy_is_named(self) -> None:
        for value, words in [
            ("{'a': {'b': np.float32('nan')}}", "holds nan at `a.b`"),
            ("{'a': np.array([0.0, np.inf])}", "holds inf at `a[1]`"),
            ("np.zeros(70000)", "an array of 70000 items"),
            ("{np.int64(1): 2}", "the key "),
        ]:
            with Node() as node:
                node.open(HEAD + f"def f():\n    return {value}\n", "f")
                self.assertIn(words, node.work()[0]["fault"]["text"])


class Sound(unittest.TestCase):
    def test_audio_comes_mapped_and_goes_out_raw(self) -> None:
        source = "def f(a: Audio, *, gain: float = 1.0) -> Audio:\n    a.samples *= gain\n    return a\n"
        with Node() as node:
            ready = node.open(HEAD + source, "f", ("a",), {"": "ogg"}, gain=2)["ready"]
            self.assertEqual(ready["inputs"], {"a": "audio"})
            for frames in (0, 1, 5000):
                samples = np.linspace(-0.5, 0.5, frames * 2, dtype=np.float32).reshape(frames, 2)
                given = raw(node, samples)
                entry = node.work(a=given)[0]["made"][0]
                self.assertEqual((entry["rate"], entry["channels"]), (8000, 2))
                self.assertIn("scratch", entry["audio"])
                out = np.fromfile(entry["audio"], "<f4").reshape(-1, 2)
                np.testing.assert_array_equal(out, samples * 2)
                np.testing.assert_array_equal(np.fromfile(given["audio"], "<f4").reshape(-1, 2), samples)

    def test_audio_that_cannot_be_written_is_explained(self) -> None:
        for value, suffix, words in [
            ("Audio(np.array([0, np.nan, 0.5]), 8000)", "wav", "1 frames of the audio are nan or infinite, the first"),
            ("Audio(np.zeros(9, np.int16), 8000)", "wav", "samples are int16; full scale is ±1.0 in float"),
            ("np.zeros(9)", "flac", "a ndarray does not fit the output `.flac`; return Audio(samples, rate)"),
            ("Audio(np.zeros(9), 8000)", "mp3", "an Audio does not fit the output `.mp3`"),
            ("Audio(np.zeros((2, 900)), 8000)", "wav", "give samples.T"),
        ]:
            with self.subTest(value), Node() as node:
                node.open(HEAD + f"def f():\n    return {value}\n", "f", (), {"": suffix})
                self.assertIn(words, node.work()[0]["fault"]["text"])


class AudioItself(unittest.TestCase):
    def test_it_knows_its_shape(self) -> None:
        audio = sine(1.5, rate=8000, channels=2)
        self.assertEqual((audio.frames, audio.channels, audio.seconds), (12000, 2, 1.5))
        self.assertEqual(repr(audio), "<Audio 1.500 s, 8000 Hz, stereo>")
        mono = audio.mono()
        self.assertEqual((mono.channels, mono.samples.dtype), (1, np.float32))
        np.testing.assert_allclose(mono.samples[:, 0], audio.samples[:, 0], atol=1e-7)
        self.assertIs(mono.mono(), mono)

    def test_it_keeps_float32_and_takes_other_floats(self) -> None:
        samples = np.zeros((5, 1), np.float32)
        self.assertIs(Audio(samples, 8000).samples, samples)
        self.assertEqual(Audio([0.0, 0.5], 8000.0).samples.shape, (2, 1))  # type: ignore[arg-type]
        self.assertEqual(Audio(np.zeros(0), 8000).seconds, 0.0)

    def test_it_refuses_what_is_no_audio(self) -> None:
        for samples, rate, kind in [
            (np.zeros((2, 2, 2)), 8000, ValueError),
            (np.zeros((2, 0)), 8000, ValueError),
            (np.zeros(2), 0, ValueError),
            (np.zeros(2), 44100.5, ValueError),
            (np.zeros(2), True, ValueError),
            (np.zeros(2, np.uint8), 8000, TypeError),
            (np.zeros(2, bool), 8000, TypeError),
            (["a"], 8000, TypeError),
        ]:
            with self.assertRaises(kind):
                Audio(samples, rate)  # type: ignore[arg-type]


class Calling(unittest.TestCase):
    def test_audio_and_arrays_go_through_a_plain_test(self) -> None:
        def louder(audio: Audio, *, gain: float = 2.0) -> Audio:
            audio.samples *= gain
            return audio

        tone = sine(0.1)
        made = run_transform(louder, suffix="wav", audio=tone, gain=0.5)
        np.testing.assert_array_equal(made.samples, tone.samples * 0.5)
        self.assertEqual(made.rate, tone.rate)

        def tall(mel: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.ascontiguousarray(mel.T)

        self.assertEqual(run_transform(tall, suffix="npy", mel=np.zeros((2, 3))).shape, (3, 2))
        with self.assertRaisesRegex(TypeError, "give an Audio"):
            run_transform(louder, suffix="wav", audio=np.zeros(3))


if __name__ == "__main__":
    unittest.main()

"""What the documentation shows is true: its Python runs, its frames are frames."""

from __future__ import annotations

import json
import re
import struct
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "python.md", ROOT / "python" / "README.md"]


@unittest.skipUnless(all(page.is_file() for page in PAGES), "needs the documentation")
class Documentation(unittest.TestCase):
    def test_the_python_of_the_pages_runs(self) -> None:
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("numpy is not installed")
        for page in PAGES:
            names: dict[str, Any] = {"__name__": page.stem}
            blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
            self.assertGreater(len(blocks), 1)
            for block in blocks:
                exec(compile(block, str(page), "exec"), names)
            for name, suite in list(names.items()):
                if isinstance(suite, type) and issubclass(suite, unittest.TestCase):
                    result = unittest.TestResult()
                    unittest.defaultTestLoader.loadTestsFromTestCase(suite).run(result)
                    self.assertTrue(result.wasSuccessful() and result.testsRun, (name, result))

    def test_the_frames_of_the_protocol_are_frames(self) -> None:
        page = (ROOT / "docs" / "worker-protocol.md").read_text()
        dumps = re.findall(r"^```text\n(0000  .*?)^```", page, re.M | re.S)
        self.assertEqual(len(dumps), 4)
        for dump in dumps:
            lines = dump.splitlines()
            data = b"".join(bytes.fromhex(line[6:53]) for line in lines if re.match(r"[0-9a-f]{4}  ", line))
            length, extra = struct.unpack_from("<II", data)
            if len(data) > 16:
                self.assertEqual(len(data), 8 + length + extra)
                self.assertEqual(json.loads(data[8 : 8 + length]), {"made": [{"attached": extra}]})
            else:  # the beginning in hex, then all of it as text
                text = lines[1].strip().encode()
                self.assertTrue(text.startswith(data[8:]))
                self.assertEqual(len(text), length)
                self.assertEqual(sum(len(line.strip()) for line in lines[2:]), extra)
        for block in re.findall(r"^```json\n(.*?)^```", page, re.M | re.S):
            for frame in re.split(r"\n(?=\{)", block.strip()):
                self.assertEqual(len(json.loads(frame)), 1)


if __name__ == "__main__":
    unittest.main()

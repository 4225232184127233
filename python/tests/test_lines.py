"""What each line takes: by the tracer of our own, in the files of the user alone."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from euterpe import lines
from euterpe.load import load

SOURCE = """import json


def helper(count):
    total = 0
    for number in range(count):
        total += number
    return json.dumps(total)


def f(count):
    text = helper(count)
    if count > 5:
        raise ValueError(text)
    return text
"""


class Lines(unittest.TestCase):
    def measured(self, count: int) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            file, out = Path(folder, "t.py"), Path(folder, "lines.json")
            file.write_text(SOURCE)
            function = load(str(file), "f")
            no_profiler = mock.patch.dict(sys.modules, {"line_profiler": None})
            with no_profiler, mock.patch.dict(os.environ, {lines.VARIABLE: str(out)}):
                measured = lines.measured(function)
            before = sys.gettrace()
            with contextlib.suppress(ValueError):
                measured(count)
            self.assertIs(sys.gettrace(), before)
            found = json.loads(out.read_text())
            self.assertEqual((found["by"], [entry["file"] for entry in found["files"]]), ("euterpe", [str(file)]))
            return {line["source"].strip(): line for line in found["files"][0]["lines"]}

    def test_each_line_has_its_hits_and_holds_what_it_calls(self) -> None:
        found = self.measured(5)
        self.assertEqual(found["total += number"]["hits"], 5)
        self.assertEqual(found["for number in range(count):"]["hits"], 6)
        inner = sum(found[line]["seconds"] for line in ("total += number", "return json.dumps(total)"))
        self.assertGreater(inner, 0.0)
        self.assertGreaterEqual(found["text = helper(count)"]["seconds"], inner)

    def test_what_raises_is_measured_too(self) -> None:
        found = self.measured(6)
        self.assertEqual((found["raise ValueError(text)"]["hits"], found["total += number"]["hits"]), (1, 6))
        self.assertNotIn("return text", found)

    def test_a_function_that_is_not_measured_is_itself(self) -> None:
        with mock.patch.dict(os.environ):
            os.environ.pop(lines.VARIABLE, None)
            self.assertIs(lines.measured(len), len)

"""The worker as a process, with the test as its node: every form of inputs and results."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path
from typing import Any

from node import Node

HEAD = "from __future__ import annotations\nfrom pathlib import Path\nfrom typing import Any\nfrom euterpe import *\n"


class Working(unittest.TestCase):
    def run_one(self, source: str, inputs: dict[str, Any], suffix: str = "json", **options: Any) -> Any:
        with Node() as node:
            self.assertIn("ready", node.open(HEAD + source, "f", tuple(inputs), {"": suffix}, **options))
            answer, attached = node.work(**inputs)
            entry = answer.get("made", [answer])[0]
            return Path(entry["file"]).read_bytes() if "file" in entry else attached if "attached" in entry else entry

    def test_attached_inputs_come_in_their_order_and_form(self) -> None:
        source = "def f(b: str, a: bytes, c: dict) -> dict:\n    return {'a': len(a), 'b': b, 'c': c}\n"
        inputs = {"a": b"\0" * 7, "b": "grün".encode(), "c": b'{"x": 1}'}
        self.assertEqual(self.run_one(source, inputs).decode(), '{"a": 7, "b": "grün", "c": {"x": 1}}\n')

    def test_an_entity_that_lacks_an_optional_input_gets_the_default(self) -> None:
        source = "def f(a: str, b: Optional[str] = None, c: bytes = b'none') -> str:\n    return a + str(b) + str(c)\n"
        with Node() as node:
            node.open(HEAD + "from typing import Optional\n" + source, "f", ("b", "a", "c"), {"": "txt"}, ("b", "c"))
            self.assertEqual(node.work(a=b"A")[1], b"ANoneb'none'")
            self.assertEqual(node.work(a=b"A", c=b"C")[1], b"ANoneb'C'")
            self.assertEqual(node.work(a=b"A", b=b"B", c=b"C")[1], b"ABb'C'")
            self.assertEqual(node.work(a=b"A")[1], b"ANoneb'none'")

    def test_what_is_loaded_and_tells_its_version_is_told(self) -> None:
        source = "import sys, types\nt = sys.modules['tones'] = types.ModuleType('tones')\nt.__version__ = '1.5'\n"
        with Node() as node:
            packages = node.open(HEAD + source + "def f(a: str) -> str: ...\n", "f", ("a",))["ready"]["packages"]
            version = "{}.{}.{}".format(*sys.version_info[:3])
            self.assertEqual((packages["python"], packages["tones"]), (version, "1.5"))

    def test_an_optional_input_without_a_default_is_told_before_any_work(self) -> None:
        with Node() as node:
            fault = node.open(HEAD + "def f(a: str) -> str: ...\n", "f", ("a",), optional=("a",))["fault"]
            self.assertEqual(fault["kind"], "fatal")
            self.assertIn("an entity may lack the input `a`, and `f` has no default for it", fault["text"])

    def test_inputs_come_from_files_as_well(self) -> None:
        source = "def f(a: Path, b: str, c: list) -> str:\n    return a.name + b + str(c)\n"
        with Node() as node:
            node.open(HEAD + source, "f", ("a", "b", "c"), {"": "txt"})
            for name, text in [("a", "A"), ("b", "B"), ("c", "[1]")]:
                (node.place / name).write_text(text)
            _, attached = node.work(a=node.place / "a", b=node.place / "b", c=node.place / "c")
            self.assertEqual(attached, b"aB[1]")

    def test_bad_inputs_are_named(self) -> None:
        with Node() as node:
            node.open(HEAD + "def f(a: str, b: dict) -> str: ...\n", "f", ("a", "b"))
            for a, b, words in [
                (b"\xff", b"{}", "input `a` (a/t-1.bin) is not UTF-8: invalid start byte at byte 0"),
                (b"", b"{", "input `b` (b/t-1.bin) is not JSON"),
                (b"", b"[" * 200_000, "input `b` (b/t-1.bin) is nested too deeply"),
                (b"", b"[]", "input `b` (b/t-1.bin) holds a list, not an object"),
            ]:
                fault = node.work(a=a, b=b)[0]["fault"]
                self.assertEqual(fault["kind"], "bad_input")
                self.assertIn(words, fault["text"])

    def test_large_results_go_to_a_file(self) -> None:
        self.assertEqual(len(self.run_one("def f() -> bytes:\n    return bytes(65537)\n", {})), 65537)
        self.assertEqual(len(self.run_one("def f() -> bytes:\n    return bytes(65536)\n", {})), 65536)

    def test_attachments_of_a_megabyte_pass(self) -> None:
        source = "def f(a: bytes) -> str:\n    return str(len(a))\n"
        self.assertEqual(self.run_one(source, {"a": bytes(1 << 20)}, "txt"), b"1048576")

    def test_what_fits_no_suffix_is_fatal_and_names_the_remedy(self) -> None:
        for body, suffix, kind, words in [
            ("{}", "txt", "fatal", "a dict does not fit the output `.txt`"),
            ("[1]", "npy", "fatal", "return a numpy array"),
            ("{1, 2}", "json", "fatal", "holds a set"),
            ("[d := {}, d.update(a=d, b=d)]", "json", "fatal", "Circular reference"),
            ("{'a': [1, float('nan')]}", "json", "failed", "holds nan at `a[1]`"),
            ("'happy'", "json", "fatal", "return the value itself"),
            ("'text'", "wav", "fatal", "return Audio(samples, rate)"),
            ("None", "json", "failed", "nothing was made for the output `.json`"),
            ("Path('/nowhere')", "txt", "failed", "a path without a file"),
        ]:
            with self.subTest(body):
                fault = self.run_one(f"def f():\n    return {body}\n", {}, suffix)["fault"]
                self.assertEqual(fault["kind"], kind)
                self.assertIn(words, fault["text"])

    def test_a_path_outside_is_copied_and_one_inside_is_taken(self) -> None:
        with Node() as node:
            source = "def f(a: Path, ctx: Context) -> Path:\n    (ctx.tmp / 'x').write_text('in')\n"
            source += "    return a if ctx.entity == 'out' else ctx.tmp / 'x'\n"
            node.open(HEAD + source, "f", ("a",), {"": "txt"})
            outside = node.place / "outside"
            outside.write_text("out")
            made = Path(node.work("out", a=outside)[0]["made"][0]["file"])
            self.assertEqual((made.read_text(), outside.read_text()), ("out", "out"))
            self.assertIn("scratch", str(made))
            self.assertEqual(Path(node.work("in", a=outside)[0]["made"][0]["file"]).name, "x")

    def test_output_is_where_to_write(self) -> None:
        self.assertEqual(self.run_one("def f(output: Path):\n    output.write_text('me')\n", {}), b"me")

    def test_several_outputs_come_as_a_dict_a_tuple_or_files(self) -> None:
        source = """
def f(a: str, outputs: dict[str, Path]):
    if a == "dict":
        return {"two": b"2", "one": {"n": 1}}
    if a == "tuple":
        return {"n": 1}, "2"
    if a == "files":
        outputs["one"].write_text("{}")
        return {"two": b"2"}
    return {"tow": 1} if a == "typo" else b"one" if a == "bytes" else (1,)
"""
        with Node() as node:
            node.open(HEAD + source, "f", ("a",), {"one": "json", "two": "txt"})
            for way in (b"dict", b"tuple"):
                answer, attached = node.work(a=way)
                self.assertEqual(answer["made"], [{"attached": 9}, {"attached": 1}])
                self.assertEqual(attached, b'{"n": 1}\n2')
            answer, attached = node.work(a=b"files")
            self.assertIn("out-1.json", answer["made"][0]["file"])
            self.assertIn("did you mean `two`?", node.work(a=b"typo")[0]["fault"]["text"])
            self.assertIn("return a dict by their names", node.work(a=b"bytes")[0]["fault"]["text"])
            self.assertIn("a tuple of 1", node.work(a=b"short")[0]["fault"]["text"])

    def test_options_are_fresh_for_each_entity(self) -> None:
        with Node() as node:
            source = "def f(*, names: list[str]) -> str:\n    names.append('x')\n    return str(len(names))\n"
            node.open(HEAD + source, "f", (), {"": "txt"}, names=["a"])
            self.assertEqual([node.work()[1] for _ in range(2)], [b"2", b"2"])

    def test_the_context_tells_and_reports(self) -> None:
        source = """
def f(*, ctx: Context) -> dict:
    ctx.log.info("at %s", ctx.entity)
    ctx.log.error("half \\udc80 a character")
    ctx.metric("tags.found", 12)
    for n in range(1000):
        ctx.progress(n / 999)
    return {"job": ctx.job, "attempt": ctx.attempt, "left": 0 < ctx.remaining() <= ctx.timeout}
"""
        with Node() as node:
            node.open(HEAD + source, "f")
            self.assertEqual(node.work("t-9")[1], b'{"job": "job", "attempt": 0, "left": true}\n')
            self.assertEqual(node.told[0], {"log": {"level": "info", "text": "at t-9"}})
            self.assertEqual(node.told[1], {"log": {"level": "error", "text": "half ? a character"}})
            self.assertEqual(node.told[2], {"metric": {"name": "tags.found", "value": 12.0}})
            self.assertEqual(node.told[-1], {"progress": 1.0})
            self.assertLess(len(node.told), 20)


if __name__ == "__main__":
    unittest.main()

"""The worker as a process is opened for a job: what fits, and what is refused with its remedy."""

from __future__ import annotations

import sys
import unittest
from typing import Any

from node import Node

HEAD = "from __future__ import annotations\nfrom pathlib import Path\nfrom typing import Any\nfrom euterpe import *\n"


def one(source: str, function: str = "f", inputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """Opens a worker on `source` and gives its answer to `open`."""
    with Node() as node:
        return node.open(HEAD + source, function, inputs, **more)


class Opening(unittest.TestCase):
    def fault(self, source: str, function: str = "f", inputs: tuple[str, ...] = (), **more: Any) -> dict[str, str]:
        answer = one(source, function, inputs, **more)
        self.assertIn("fault", answer)
        fault: dict[str, str] = answer["fault"]
        self.assertEqual(fault["kind"], "fatal")
        self.assertNotIn("euterpe/", fault["trace"])
        return fault

    def test_it_says_in_which_form_it_wants_each_input(self) -> None:
        source = "def f(a: Path, b: bytes, c: str, d: dict[str, Any], e: list, f: Any, ctx: Context) -> str: ...\n"
        ready = one(source, inputs=tuple("abcdef"))["ready"]
        self.assertEqual(ready["inputs"], {"a": "file", **dict.fromkeys("bcdef", "bytes")})
        self.assertEqual((ready["protocol"], ready["attach"]), (1, 65536))
        self.assertIn("Python {}.{}.{}".format(*sys.version_info[:3]), ready["about"])

    def test_inputs_that_do_not_fit_are_named(self) -> None:
        fault = self.fault("def automix(a: bytes, b: bytes): ...\n", "automix", ("a", "c"))
        self.assertEqual(fault["text"], "`automix` takes the inputs a and b; the job gives a and c")
        self.assertRegex(fault["trace"], r'File ".*mine\.py", line 5, in automix')

    def test_all_options_that_do_not_fit_are_named_at_once(self) -> None:
        source = "def f(*, fade: float, bits: int = 1, mode: str = 'a'): ...\n"
        text = self.fault(source, fad=1, bits=1.5, mode=True)["text"]
        self.assertIn("option `fade` is missing", text)
        self.assertIn("option `bits`: expected a whole number, got 1.5", text)
        self.assertIn("option `mode`: expected a text, got True", text)
        self.assertIn("`f` takes no option `fad`; did you mean `fade`?", text)

    def test_an_input_without_an_annotation_is_told_the_forms(self) -> None:
        text = self.fault("def f(a, fade: float = 1.0): ...\n", inputs=("a",))["text"]
        self.assertIn("input `a` of `f` has no annotation; annotate it as Path, bytes, str", text)
        self.assertIn("input `fade` of `f` is annotated as float, which is no form of an input", text)
        self.assertIn("if it is an option, put it after a `*`", text)

    def test_inputs_and_options_on_the_wrong_side_of_the_star_are_told(self) -> None:
        self.assertIn(
            "input of the job; put it before the `*`", self.fault("def f(*, a: bytes): ...\n", inputs=("a",))["text"]
        )
        self.assertIn("put it after a `*`", self.fault("def f(fade: float): ...\n", fade=1)["text"])

    def test_a_function_that_is_not_there_is_told_those_that_are(self) -> None:
        text = self.fault("def tags() -> str: ...\n", "tag")["text"]
        self.assertEqual(text, "mine.py has no function `tag`; did you mean `tags`?")
        with Node() as node:
            self.assertEqual(node.open("/nowhere/x.py", "f")["fault"]["text"], "there is no file /nowhere/x.py")

    def test_an_import_error_has_a_traceback_that_begins_in_the_users_file(self) -> None:
        fault = self.fault("import nowhere_to_be_found\n")
        self.assertEqual(fault["text"], "ModuleNotFoundError: No module named 'nowhere_to_be_found'")
        self.assertRegex(fault["trace"].splitlines()[1], r'File ".*mine\.py", line 5')
        self.assertRegex(self.fault("def f(:\n")["trace"], r'File ".*mine\.py", line 5')

    def test_odd_functions_are_refused_with_the_remedy(self) -> None:
        for source, words in [
            ("def f(*a): ...\n", "name each input"),
            ("def f(**a): ...\n", "name each option"),
            ("async def f(): ...\n", "asyncio.run"),
            ("def f():\n    yield 1\n", "return the whole"),
            ("f = print\n", "no plain function"),
            ("def f(a: Nowhere): ...\n", "NameError"),
            ("def f(output: bytes): ...\n", "annotate it as Path"),
        ]:
            with self.subTest(source):
                self.assertIn(words, self.fault(source)["text"])

    def test_setup_runs_once_and_its_result_comes_first(self) -> None:
        source = """
def load(*, size: int = 2) -> list[int]:
    print("loading")
    return [size]

@transform(setup=load)
def f(model: list[int], text: str, *, more: int = 0) -> dict:
    model[0] += 1
    return {"model": model[0], "text": text, "more": more}
"""
        with Node() as node:
            self.assertIn("ready", node.open(HEAD + source, "f", ("text",), size=5, more=1))
            self.assertEqual(node.work(text=b"x")[1], b'{"model": 6, "text": "x", "more": 1}\n')
            self.assertEqual(node.work(text=b"y")[1], b'{"model": 7, "text": "y", "more": 1}\n')
            self.assertEqual(node.log().count("loading"), 1)

    def test_a_setup_that_fails_is_a_fault(self) -> None:
        fault = self.fault("def load(): exit(3)\n\n@transform(setup=load)\ndef f(model) -> str: ...\n")
        self.assertIn("SystemExit", fault["text"])
        fault = self.fault("def load(): 1/0\n\n@transform(setup=load)\ndef f(model) -> str: ...\n")
        self.assertEqual(fault["text"], "ZeroDivisionError: division by zero")

    def test_another_version_of_the_protocol_and_a_missing_source_are_refused(self) -> None:
        with Node() as node:
            self.assertIn("no Python file", node.open(None)["fault"]["text"])
        with Node() as node:
            node.send({"open": {"protocol": 2}})
            self.assertIn("version 2", node.answer()[0]["fault"]["text"])

    def test_a_module_of_a_taken_name_and_a_neighbour_can_be_used(self) -> None:
        with Node() as node:
            (node.place / "neighbour.py").write_text("WORD = 'hello'\n")
            file = node.place / "json.py"
            file.write_text("import neighbour\n\ndef f() -> bytes:\n    return neighbour.WORD.encode()\n")
            self.assertIn("ready", node.open(str(file), "f"))
            self.assertEqual(node.work()[1], b"hello")


if __name__ == "__main__":
    unittest.main()

"""Transforms in plain unit tests: `run_transform`, `Context`, and the decorator."""

from __future__ import annotations

import io
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Dict, List, Literal, Optional, Union

from euterpe import BadInput, Context, Fatal, Skip, transform
from euterpe.options import Unfit, fitted
from euterpe.testing import run_transform

loads = 0


def load(*, size: int = 1) -> List[int]:
    global loads
    loads += 1
    return [size]


@transform(setup=load)
def tags(model: List[int], words: Dict[str, Any], ctx: Context, *, top: int = 5) -> Dict[str, Any]:
    """Needs everything."""
    if not words:
        raise Skip("no words")
    ctx.log.info("%d words", len(words))
    return {"entity": ctx.entity, "top": top, "size": model[0], "words": sorted(words)}


class Calling(unittest.TestCase):
    def test_a_transform_is_the_function_that_it_was(self) -> None:
        self.assertEqual((tags.__name__, tags.__doc__), ("tags", "Needs everything."))
        with redirect_stderr(io.StringIO()) as told:
            self.assertEqual(tags([7], {"a": 1}, Context("x"))["size"], 7)
        self.assertEqual(told.getvalue(), "info: 1 words\n")
        with self.assertRaises(TypeError):
            transform(int)
        with self.assertRaises(TypeError):
            transform(setup=3)  # type: ignore[call-overload]

    def test_it_runs_as_in_a_node(self) -> None:
        told: list[tuple[str, Any]] = []
        made = run_transform(tags, "t-7", words={"b": 1, "a": 2}, top=3, size=9, report=lambda *what: told.append(what))
        self.assertEqual(made, {"entity": "t-7", "top": 3, "size": 9, "words": ["a", "b"]})
        self.assertEqual(told, [("log", {"level": "info", "text": "2 words"})])
        before = loads
        run_transform(tags, words={"a": 1}, size=9, top=3, report=lambda *_: None)
        self.assertEqual(loads, before, "setup ran again")

    def test_exceptions_come_through_and_misfits_are_type_errors(self) -> None:
        with self.assertRaisesRegex(Skip, "no words"):
            run_transform(tags, words={})
        with self.assertRaisesRegex(TypeError, "takes no option `tpo`; did you mean `top`"):
            run_transform(tags, words={}, tpo=1)
        with self.assertRaisesRegex(TypeError, "takes the input words; the job gives none"):
            run_transform(tags)
        with self.assertRaisesRegex(BadInput, "holds a list, not an object"):
            run_transform(tags, words=[1])
        with self.assertRaisesRegex(TypeError, "does not fit the output `.npy`"):
            run_transform(tags, suffix="npy", words={"a": 1}, report=lambda *_: None)
        self.assertTrue(issubclass(BadInput, Fatal))

    def test_files_texts_and_several_outputs(self) -> None:
        def split(text: str, file: Path, data: bytes, output: Path, outputs: dict[str, Path]) -> None:
            outputs["two"].write_bytes(data + file.read_bytes())
            output.write_text(text)

        kinds = {"one": "txt", "two": "bin"}
        made = run_transform(split, outputs=kinds, text="grün", file="f", data=b"d")
        self.assertEqual(made, {"one": "grün", "two": b"df"})
        with TemporaryDirectory() as folder:
            path = Path(folder, "x")
            path.write_text("X")
            made = run_transform(split, outputs=kinds, tmp=folder, text=path, file=path, data=path)
            self.assertEqual(made, {"one": "X", "two": b"XX"})
            self.assertEqual(list(Path(folder).iterdir()), [path])

    def test_an_input_with_a_default_may_be_left_out(self) -> None:
        def card(a: bytes, lyrics: Optional[str] = None) -> str:
            return "none" if lyrics is None else lyrics

        self.assertEqual(run_transform(card, suffix="txt", a=b""), "none")
        self.assertEqual(run_transform(card, suffix="txt", a=b"", lyrics="la"), "la")

    def test_a_context_needs_no_node(self) -> None:
        ctx = Context(timeout=10)
        self.assertTrue(9 < ctx.remaining() <= 10)
        self.assertEqual((ctx.entity, ctx.job, ctx.attempt), ("t-1", "test", 0))
        self.assertTrue(ctx.tmp.is_dir())
        self.assertEqual(ctx.tmp, ctx.tmp)
        self.assertEqual(Context(timeout=-1).remaining(), 0.0)
        with redirect_stderr(io.StringIO()) as told:
            ctx.metric("n", 1)
            ctx.progress(0.5)
            ctx.progress(0.6)
            ctx.log.warning("x" * 20_000)
        lines = told.getvalue().splitlines()
        self.assertEqual(lines[:2], ["metric n = 1.0", "progress 50%"])
        self.assertTrue(lines[2].endswith("(3616 characters more)"))
        with self.assertRaises(ValueError):
            ctx.metric("n", float("nan"))


class Options(unittest.TestCase):
    def test_values_become_what_their_annotation_says(self) -> None:
        for value, written, wanted in [
            (8, float, 8.0),
            ([1, 2], tuple, (1, 2)),
            ([1, 2], "tuple[float, float]", (1.0, 2.0)),
            ([1, 2, 3], "tuple[int, ...]", (1, 2, 3)),
            ([1], List[float], [1.0]),
            ({"a": 1}, Dict[str, float], {"a": 1.0}),
            ({"a": 1}, Dict, {"a": 1}),
            (None, Optional[int], None),
            (3, Union[str, int], 3),
            (3, Union[float, int], 3),
            ("a", Literal["a", "b"], "a"),
            ("a", Optional[Literal["a", "b"]], "a"),
            ([{"x"}], Any, [{"x"}]),
        ]:
            annotation = eval(written) if isinstance(written, str) else written
            with self.subTest(annotation=annotation):
                found = fitted(value, annotation)
                self.assertEqual((found, type(found)), (wanted, type(wanted)))

    def test_values_of_other_types_are_refused(self) -> None:
        for value, written, words in [
            (1.5, int, "expected a whole number, got 1.5"),
            (True, int, "expected a whole number, got True"),
            (1, bool, "expected true or false"),
            ("1", float, "expected a number, got '1'"),
            (None, str, "expected a text, got None"),
            ([1, "a"], List[int], "item 1: expected a whole number"),
            ({"k": 1}, Dict[str, str], "at `k`: expected a text"),
            ([1], "tuple[int, int]", "expected a list of 2"),
            ("c", Literal["a", "b"], "expected 'a' or 'b', got 'c'"),
            (True, Literal[1], "expected 1, got True"),
            ("x", Optional[int], "expected"),
            ("x", Path, "no value of a graph file is a Path"),
        ]:
            annotation = eval(written) if isinstance(written, str) else written
            with self.subTest(annotation=annotation), self.assertRaisesRegex(Unfit, words):
                fitted(value, annotation)


if __name__ == "__main__":
    unittest.main()

"""The worker as a process, with the test as its node: every form, every end of a piece of work."""

from __future__ import annotations

import os
import signal
import sys
import time
import unittest
from pathlib import Path
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


class Failing(unittest.TestCase):
    SOURCE = """
import os, sys, subprocess, threading

class Odd(Exception):
    def __str__(self): raise ValueError

def f(what: str, ctx: Context) -> bytes:
    if what == "skip": raise Skip("too short")
    if what == "fatal": raise Fatal("no licence")
    if what == "bad": raise BadInput("cut off")
    if what == "value": raise ValueError("first line\\nsecond")
    if what == "long": raise ValueError("x" * 1_000_000)
    if what == "empty": raise KeyError
    if what == "odd": raise Odd
    if what == "exit": sys.exit(0)
    if what == "interrupt": raise KeyboardInterrupt
    if what == "memory": raise MemoryError
    if what == "deep": return f(what, ctx)
    if what == "print": print("\\0" * 100 + "\\x10\\0\\0\\0\\0\\0\\0\\0{}"); os.write(1, b"raw")
    if what == "close": sys.stdout.close(); sys.stderr.close()
    if what == "closed": os.close(1); print("lost")
    if what == "none": sys.stdout = None
    if what == "fork" and os.fork() == 0: return b"child"
    if what == "forkraise" and os.fork() == 0: ctx.log.info("from the child"); raise ValueError("child")
    if what == "descriptors":
        return subprocess.run(["ls", "-l", "/proc/self/fd"], stdout=subprocess.PIPE, close_fds=False).stdout
    if what == "thread":
        threading.Timer(0.2, lambda: ctx.log.info("too late")).start()
    if what == "chatter":
        threads = [threading.Thread(target=lambda: [ctx.log.info("x" * 1000) for _ in range(200)]) for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
    if what == "abort": print("before"); os.abort()
    if what == "segfault": import ctypes; ctypes.string_at(0)
    if what == "sigint": os.kill(os.getpid(), 2)
    if what == "environment": return ",".join(k for k in os.environ if "EUTERPE" in k).encode()
    return b"fine"
"""

    def setUp(self) -> None:
        self.node = Node()
        self.addCleanup(self.node.__exit__)
        self.assertIn("ready", self.node.open(HEAD + self.SOURCE, "f", ("what",), {"": "bin"}))

    def fault(self, what: bytes) -> dict[str, str]:
        fault: dict[str, str] = self.node.work(what=what)[0]["fault"]
        self.assertEqual(self.node.work(what=b"")[1], b"fine", "the worker lives on")
        return fault

    def test_each_exception_is_a_kind_of_fault(self) -> None:
        for what, kind, text in [
            (b"skip", "skip", "too short"),
            (b"fatal", "fatal", "no licence"),
            (b"bad", "bad_input", "cut off"),
            (b"value", "failed", "ValueError: first line"),
            (b"empty", "failed", "KeyError"),
            (b"odd", "failed", "Odd: (its text cannot be had: ValueError)"),
            (b"exit", "failed", "SystemExit: the transform asked to exit with 0"),
            (b"interrupt", "failed", "KeyboardInterrupt"),
            (b"memory", "failed", "MemoryError: not enough memory"),
            (b"deep", "failed", "RecursionError: maximum recursion depth exceeded"),
        ]:
            with self.subTest(what):
                fault = self.fault(what)
                self.assertEqual(fault["kind"], kind)
                self.assertTrue(fault["text"].startswith(text), fault["text"])
                self.assertRegex(fault["trace"].splitlines()[1], r'File ".*mine\.py", line \d+, in f')
        self.assertEqual(len(self.fault(b"long")["text"]), 300)

    def test_whatever_is_printed_closed_or_replaced_the_answer_arrives(self) -> None:
        for what in (b"print", b"close", b"print", b"none", b"sigint", b"chatter"):
            self.assertEqual(self.node.work(what=what)[1], b"fine", what)
        self.assertEqual(len(self.node.told), 800)
        self.assertIn("raw", self.node.log())

    def test_a_descriptor_that_was_closed_is_open_again_for_the_next_entity(self) -> None:
        self.assertIn("OSError", self.fault(b"closed")["text"])
        self.assertEqual(self.node.work(what=b"print")[1], b"fine")
        self.assertIn("raw", self.node.log())

    def test_only_the_parent_of_a_fork_answers(self) -> None:
        self.assertEqual(self.node.work(what=b"fork")[1], b"fine")
        self.assertEqual(self.node.work(what=b"forkraise")[1], b"fine")
        for _ in range(20):
            self.assertEqual(self.node.work(what=b"")[1], b"fine")
        deadline = time.monotonic() + 5
        while "ValueError: child" not in self.node.log() and time.monotonic() < deadline:
            time.sleep(0.01)  # another process: there is nothing to wait on
        self.assertIn("ValueError: child", self.node.log())
        self.assertIn("info: from the child", self.node.log())
        self.assertEqual(self.node.told, [])

    def test_programs_that_it_starts_do_not_get_the_socket(self) -> None:
        self.assertNotIn(b"socket", self.node.work(what=b"descriptors")[1])
        self.assertEqual(self.node.work(what=b"environment")[1], b"")

    def test_what_a_thread_tells_after_the_answer_does_not_reach_the_node(self) -> None:
        self.node.work(what=b"thread")
        deadline = time.monotonic() + 5
        while "too late" not in self.node.log() and time.monotonic() < deadline:
            time.sleep(0.01)  # as above
        self.assertIn("info: too late", self.node.log())
        self.assertEqual(self.node.work(what=b"")[1], b"fine")
        self.assertEqual(self.node.told, [])

    def test_a_crash_leaves_a_traceback_in_the_log(self) -> None:
        for what, number in ((b"abort", signal.SIGABRT), (b"segfault", signal.SIGSEGV)):
            with Node() as node:
                node.open(HEAD + self.SOURCE, "f", ("what",))
                with self.assertRaises((EOFError, ConnectionError)):
                    node.work(what=what)
                self.assertEqual(node.process.wait(5), -number)
                self.assertRegex(node.log(), r'Fatal Python error: [^$]*File ".*mine\.py", line \d+ in f')
                self.assertEqual("before" in node.log(), what == b"abort")

    def test_it_ends_with_the_stream_and_by_sigterm(self) -> None:
        self.node.socket.close()
        self.assertEqual(self.node.process.wait(5), 0)
        with Node() as node:
            node.open(HEAD + self.SOURCE, "f", ("what",))
            os.kill(node.process.pid, signal.SIGTERM)
            self.assertEqual(node.process.wait(5), -signal.SIGTERM)

    def test_it_says_how_it_is_started(self) -> None:
        source = "import os; del os.environ['EUTERPE_FD']; from euterpe.worker import main; main()"
        with Node([sys.executable, "-c", source]) as node:
            self.assertEqual(node.process.wait(10), 1)
            self.assertIn("started by a node", node.log())


if __name__ == "__main__":
    unittest.main()

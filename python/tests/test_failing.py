"""The worker as a process when its function fails, prints, forks, crashes or is left alone."""

from __future__ import annotations

import os
import signal
import sys
import time
import unittest

from node import Node

HEAD = "from __future__ import annotations\nfrom pathlib import Path\nfrom typing import Any\nfrom euterpe import *\n"


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
    if what.startswith("oserror "):
        _, number, *name = what.split()
        raise OSError(int(number), "said by the system", *[str(ctx.tmp / n) if n == "mine" else n for n in name])
    if what == "nothread": raise RuntimeError("can't start new thread")
    if what == "noprocess":
        import resource
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)); os.setresuid(65534, 65534, 65534)
        subprocess.run(["true"])
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

    def test_what_the_machine_is_out_of_is_no_fault_of_the_work(self) -> None:
        for what, kind in [
            (b"oserror 28", "node_trouble"),
            (b"oserror 28 mine", "node_trouble"),
            (b"oserror 122 mine", "node_trouble"),
            (b"oserror 28 /elsewhere/a", "failed"),
            (b"oserror 23", "node_trouble"),
            (b"oserror 24", "failed"),
            (b"oserror 11", "failed"),
            (b"oserror 2 mine", "failed"),
            (b"nothread", "node_trouble"),
        ]:
            with self.subTest(what):
                self.assertEqual(self.fault(what)["kind"], kind)

    @unittest.skipUnless(os.getuid() == 0, "only root may become a user without processes")
    def test_a_process_that_cannot_be_started_is_no_fault_of_the_work(self) -> None:
        fault = self.fault(b"noprocess")
        self.assertEqual(fault["kind"], "node_trouble", fault)

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

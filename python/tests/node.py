"""Plays the node's side of the protocol over a real socket, against any worker."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SOURCES = Path(__file__).resolve().parents[1] / "src"
PYTHON = [sys.executable, "-m", "euterpe.worker"]


class Node:
    """Starts a worker, opens one job on it, and gives it work. A context manager, which hangs up at its end."""

    def __init__(self, argv: list[str] | None = None) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="euterpe-node-")
        self.place = Path(self.folder.name)
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(30)
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "EUTERPE_FD": str(theirs.fileno())}
        self.process = subprocess.Popen(
            argv or PYTHON,
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=self.printed,
            env=environment,
            cwd="/",
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self.told: list[dict[str, Any]] = []
        self.works = 0
        self.inputs: list[str] = []
        self.outputs: list[dict[str, str]] = []

    def __enter__(self) -> Node:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.process.wait(10)
        self.printed.close()
        self.folder.cleanup()

    def send(self, message: dict[str, Any], attachment: bytes = b"") -> None:
        text = json.dumps(message).encode()
        self.socket.sendall(struct.pack("<II", len(text), len(attachment)) + text + attachment)

    def read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            got = self.socket.recv(count - len(data))
            if not got:
                raise EOFError
            data += got
        return data

    def receive(self) -> tuple[dict[str, Any], bytes]:
        length, extra = struct.unpack("<II", self.read(8))
        assert length <= 1 << 20 and extra <= 1 << 20, (length, extra)
        message = json.loads(self.read(length))
        assert len(message) == 1, message
        return message, self.read(extra)

    def answer(self) -> tuple[dict[str, Any], bytes]:
        """The next frame that is no report; reports are kept in `told`."""
        while True:
            message, attachment = self.receive()
            if not {"log", "metric", "progress"} & set(message):
                return message, attachment
            self.told.append(message)

    def open(
        self,
        source: str | None,
        function: str = "",
        inputs: tuple[str, ...] = (),
        outputs: dict[str, str] | None = None,
        optional: tuple[str, ...] = (),
        **options: Any,
    ) -> dict[str, Any]:
        """Opens a job; `source` is the text of a Python file, or the path of one. Gives the answer."""
        file = self.place / "mine.py"
        if source is not None and "\n" in source:
            file.write_text(source)
        elif source is not None:
            file = Path(source)
        self.inputs = list(inputs)
        self.outputs = [{"name": name, "suffix": suffix} for name, suffix in (outputs or {"": "json"}).items()]
        opened = {
            "protocol": 1,
            "job": "job",
            "source": {"file": str(file), "function": function} if source else None,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "options": options,
            "timeout": 60.0,
        }
        if optional:
            opened["optional"] = list(optional)
        self.send({"open": opened})
        return self.answer()[0]

    def work(self, entity: str = "t-1", attached: bytes = b"", **inputs: Any) -> tuple[dict[str, Any], bytes]:
        """Gives one entity: inputs as bytes (attached), a Path (a file) or a dict (as it is). Gives the answer."""
        self.works += 1
        scratch = self.place / f"scratch-{self.works}"
        given: dict[str, Any] = {}
        for name in self.inputs:
            if name not in inputs:
                continue  # optional
            value = inputs[name]
            if isinstance(value, bytes):
                given[name] = {"attached": len(value), "path": f"{name}/{entity}.bin"}
                attached += value
            elif isinstance(value, Path):
                given[name] = {"file": str(value), "size": value.stat().st_size, "path": f"{name}/{value.name}"}
            else:
                given[name] = value
        paths = [str(scratch / f"out-{at}.{output['suffix']}") for at, output in enumerate(self.outputs, 1)]
        work = {
            "entity": entity,
            "attempt": 0,
            "timeout": 60.0,
            "scratch": str(scratch),
            "inputs": given,
            "outputs": paths,
        }
        self.send({"work": work}, attached)
        return self.answer()

    def log(self) -> str:
        """What the worker has printed so far."""
        self.printed.seek(0)
        return self.printed.read().decode()

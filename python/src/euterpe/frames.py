"""Frames over the socket to the node: two lengths, a JSON object, an attachment."""

from __future__ import annotations

import os
from _thread import allocate_lock
from json import JSONDecoder, JSONEncoder
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MOST = 1 << 20
"""The most bytes that the JSON or the attachment of a frame may have."""

HEAD = Struct("<II")
decode = JSONDecoder().decode
encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def text_of(message: dict[str, Any]) -> bytes:
    """The JSON of a frame. Half characters, as in the names of odd files, become `?`: they are no UTF-8."""
    return encode(message).encode("utf-8", "replace")


class Closed(Exception):
    """The node has gone, or it has no more work."""


class Channel:
    """One side of the conversation. Not inherited by programs that a transform starts, closed in forked children."""

    def __init__(self, descriptor: int) -> None:
        """Takes a connected stream socket over."""
        os.set_inheritable(descriptor, False)
        self.descriptor = descriptor
        self.ours = True
        self._process = os.getpid()
        self._lock = allocate_lock()
        self._work = 0
        self._buffer = memoryview(bytearray(HEAD.size + (1 << 17)))
        self._have = 0
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self.ours = False
        self._lock = allocate_lock()
        os.close(self.descriptor)

    def is_ours(self) -> bool:
        """Whether this process is the one that the node started, rather than a fork of it."""
        return self.ours and os.getpid() == self._process

    def receive(self) -> tuple[dict[str, Any], bytes]:
        """Waits for the next frame and gives its JSON and its attachment.

        Raises:
            Closed: at the end of the stream.
            ValueError: for what is no frame.
        """
        while self._have < HEAD.size:
            self._read()
        length, extra = HEAD.unpack_from(self._buffer)
        if length > MOST or extra > MOST:
            raise ValueError(f"a frame of {length} and {extra} bytes; the most is {MOST} each")
        end = HEAD.size + length
        whole = end + extra
        if whole > len(self._buffer):
            larger = memoryview(bytearray(whole))
            larger[: self._have] = self._buffer[: self._have]
            self._buffer = larger
        while self._have < whole:
            self._read()
        message = decode(str(self._buffer[HEAD.size : end], "utf-8"))
        attachment = bytes(self._buffer[end:whole])
        rest = self._have - whole
        self._buffer[:rest] = self._buffer[whole : self._have]
        self._have = rest
        return message, attachment

    def _read(self) -> None:
        try:
            got = os.readv(self.descriptor, [self._buffer[self._have :]])
        except ConnectionError:
            got = 0
        if got == 0:
            raise Closed
        self._have += got

    def _write(self, text: bytes, attachment: bytes) -> None:
        data = HEAD.pack(len(text), len(attachment)) + text + attachment
        try:
            sent = os.write(self.descriptor, data)
            while sent < len(data):
                sent += os.write(self.descriptor, data[sent:])
        except ConnectionError:
            raise Closed from None

    def answer(self, text: bytes, attachment: bytes = b"") -> None:
        """Ends the work in hand: what its threads report later goes nowhere."""
        with self._lock:
            self._work += 1
            self._write(text, attachment)

    def reporter(self) -> Any:
        """Gives the function `report(kind, value)` for the work in hand; threads may call it."""
        work = self._work

        def report(kind: str, value: Any) -> None:
            text = text_of({kind: value})
            with self._lock:
                if self._work == work and self.is_ours():
                    return self._write(text, b"")
            from euterpe.context import to_stderr

            return to_stderr(kind, value)

        return report

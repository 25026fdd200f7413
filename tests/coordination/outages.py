"""Ways in which a Redis cannot be used, and out of them again."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from redis_server import RedisServer

Act = Callable[[RedisServer], object]


def _setting(name: str, value: str | int) -> Act:
    return lambda server: server.admin.config_set(name, value)


OUTAGES: dict[str, tuple[Act, Act]] = {
    "dead": (RedisServer.kill, RedisServer.start),
    "hanging": (RedisServer.stop, RedisServer.go_on),
    "a replica": (
        lambda server: server.admin.replicaof("127.0.0.1", 1),
        lambda server: server.admin.replicaof("NO", "ONE"),
    ),
    "without replicas": (
        _setting("min-replicas-to-write", 1),
        _setting("min-replicas-to-write", 0),
    ),
    "full": (_setting("maxmemory", 1), _setting("maxmemory", 0)),
    "crowded": (_setting("maxclients", 1), _setting("maxclients", 1000)),
    "asking for a password": (_setting("requirepass", "x"), _setting("requirepass", "")),
    "without scripts": (
        lambda server: server.admin.execute_command("ACL", "SETUSER", "default", "-@scripting"),
        lambda server: server.admin.execute_command("ACL", "SETUSER", "default", "+@scripting"),
    ),
}
every_outage = pytest.mark.parametrize(("begin", "end"), OUTAGES.values(), ids=OUTAGES)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the first word of all that was logged, nothing of which is below a warning."""
    assert {(record.name, record.levelno) for record in caplog.records} <= {
        ("authkit_asgi.redis_connection", logging.WARNING)
    }
    return [record.getMessage().partition(":")[0] for record in caplog.records]


@contextlib.contextmanager
def odd_server(answer: bytes) -> Iterator[tuple[str, list[socket.socket]]]:
    """Serve one answer to whatever is asked; yield a URL and the list of connections taken."""
    taken: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while connection.recv(65536):
                connection.sendall(answer)
                if answer == b"":
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                taken.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", taken
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def slowed(port: int, seconds: float) -> Iterator[str]:
    """Pass on what a server answers, each time after a while; yield the URL for it."""

    def answer(connection: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", port))
        with connection, server, contextlib.suppress(OSError):
            while asked := connection.recv(65536):
                server.sendall(asked)
                time.sleep(seconds)
                connection.sendall(server.recv(65536))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

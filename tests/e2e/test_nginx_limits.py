"""What passes nginx of a session's cookies: with its defaults, and as the guide says to set it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from nginx_front import DEFAULTS, DOCUMENTED, run_nginx
from nginx_process import check_nginx
from processes import free_port

from authkit_asgi import AuthKitConfig
from authkit_asgi.cookies import CookieWriter, SetCookie
from authkit_asgi.session_cookies import SessionCookies, sent_cookies

PAGE = os.sysconf("SC_PAGE_SIZE")  # what nginx's `proxy_buffer_size` is by default
NAME = "wos-session"
SMALL_PAGES = "proxy_buffer_size 4k; proxy_buffers 8 4k;"  # the defaults where `PAGE` is 4,096
LARGEST = 7168  # bytes of a session's cookies, unless a setting raises it
RAISED = "large_client_header_buffers 4 32k; proxy_buffer_size 32k; proxy_buffers 8 32k;"
GUIDE = (Path(__file__).parents[2] / "docs/guides/proxy.md").read_text(encoding="utf-8")
WORDS = " ".join(GUIDE.split())
# What uvicorn and Starlette put into the response of a page, and the package beside its cookies.
START = (
    b"HTTP/1.1 200 OK\r\ndate: Fri, 15 Jan 2027 08:00:00 GMT\r\nserver: uvicorn\r\n"
    b"content-length: 2\r\ncontent-type: text/html; charset=utf-8\r\n"
    b"cache-control: private, no-store\r\nvary: Cookie\r\nconnection: close\r\n"
)
TIMEOUT_SECONDS = 60


def writer(**changes: Any) -> CookieWriter:
    return CookieWriter(
        AuthKitConfig(
            client_id="client_1",
            api_key="sk_1",
            redirect_uri="https://app.example.com/callback",
            cookie_password="a cookie password of 32 characters or more",
            **changes,
        )
    )


def largest(cookies: CookieWriter, limit: int = LARGEST) -> list[SetCookie]:
    """Return the lines of the largest session that is written, which takes so many bytes."""
    size = 2 * limit
    while not cookies.fits("x" * size):
        size -= 1
    lines = cookies.session("x" * size)
    assert sum(len(pair(line)) - len("=") for line in lines) >= limit
    return lines


def pair(line: SetCookie) -> bytes:
    return line.line.partition(b";")[0]


class Backend:
    """A server that answers with the head that it is told to, and keeps that of the request."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self.port: int = listener.getsockname()[1]
        self.head = START
        self.request = b""

    def serve(self) -> None:
        """Serve until the listener is shut down."""
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        request = b""
        while not request.endswith(b"\r\n\r\n"):
            if not (received := connection.recv(65_536)):
                return
            request += received
        self.request = request
        connection.sendall(self.head + b"\r\nok")

    def answers(self, *lines: SetCookie, size: int = 0) -> int:
        """Send these cookies from now on, up to a head of `size` bytes; return what it takes."""
        cookies = b"".join(b"set-cookie: " + line.line + b"\r\n" for line in lines)
        missing = size - len(START + cookies) - len(b"x: \r\n\r\n")
        filling = b"x: " + b"x" * missing + b"\r\n" if size else b""
        self.head = START + cookies + filling
        return len(self.head) + len(b"\r\n")


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Backend(listener)
        thread = threading.Thread(target=running.serve)
        thread.start()
        yield running
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def nginx(
    backend: Backend, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], int]]:
    """Start nginx with some settings and return its port."""
    with contextlib.ExitStack() as stack:
        ports: dict[str, int] = {}

        def port_of(settings: str) -> int:
            if settings not in ports:
                folder, port = tmp_path_factory.mktemp("nginx"), free_port()
                running = run_nginx(folder, port=port, backend=backend.port, settings=settings)
                stack.enter_context(running)
                ports[settings] = port
            return ports[settings]

        yield port_of


def ask(port: int, cookie: bytes = b"a=b") -> tuple[int, bytes]:
    """Ask for a page and return status and head of the answer."""
    with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\nCookie: %b\r\n\r\n" % cookie
        )
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    return int(answer.split()[1]), answer.partition(b"\r\n\r\n")[0]


def cookies_in(head: bytes) -> list[bytes]:
    return re.findall(rb"(?im)^set-cookie: (.*?)\r?$", head)


@pytest.mark.parametrize("name", [NAME, "__Host-a-much-longer-cookie-name"])
def test_largest_session_passes_the_defaults_on_its_way_in(
    nginx: Callable[[str], int], backend: Backend, name: str
) -> None:
    backend.answers()
    line = b"; ".join(map(pair, largest(writer(cookie_name=name))))
    assert ask(nginx(DEFAULTS), line)[0] == 200
    assert b"\r\nCookie: " + line + b"\r\n" in backend.request
    found = sent_cookies([(b"cookie", line)], name.encode()).chunks
    assert found == {0, 1}


def test_cookie_header_of_8182_bytes_is_the_largest_that_passes_the_defaults(
    nginx: Callable[[str], int], backend: Backend
) -> None:
    backend.answers()
    assert ask(nginx(DEFAULTS), b"a=" + b"x" * 8180)[0] == 200
    assert ask(nginx(DEFAULTS), b"a=" + b"x" * 8181)[0] == 400
    assert "8,182 bytes" in WORDS


def test_head_of_one_page_of_memory_is_the_largest_that_passes_the_defaults_on_its_way_out(
    nginx: Callable[[str], int], backend: Backend
) -> None:
    for size, status in ((PAGE, 200), (PAGE + 1, 502)):
        assert backend.answers(size=size) == size
        assert ask(nginx(DEFAULTS))[0] == status


@pytest.mark.parametrize(("size", "status"), [(3600, 200), (4000, 502), (LARGEST, 502)])
def test_session_of_3600_bytes_passes_a_page_of_4096_on_its_way_out_and_larger_ones_do_not(
    nginx: Callable[[str], int], backend: Backend, size: int, status: int
) -> None:
    cookies = writer()
    lines = largest(cookies) if size == LARGEST else cookies.session("x" * (size - len(NAME)))
    backend.answers(*lines)
    got, head = ask(nginx(SMALL_PAGES))
    assert got == status
    assert (cookies_in(head) == [line.line for line in lines]) is (status == 200)


def test_block_of_the_guide_is_one_that_nginx_takes(tmp_path: Path) -> None:
    (block,) = re.findall(r"^```nginx\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
    assert check_nginx(tmp_path, block.replace("8080", f"127.0.0.1:{free_port()}")) == 0
    assert check_nginx(tmp_path, block.replace("map $http_upgrade", "map")) != 0


def with_deletions(cookies: CookieWriter, limit: int) -> list[SetCookie]:
    """Return what a response writes whose request has brought left-overs of every kind."""
    names = [NAME, *(f"{NAME}.{index}" for index in range(10))]
    header = "; ".join(f"{name}=x" for name in names).encode()
    changes = SessionCookies(cookies, sent_cookies([(b"cookie", header)], NAME.encode()))
    changes.store("".join(pair(one).partition(b"=")[2].decode() for one in largest(cookies, limit)))
    lines = changes.close()
    assert len(lines) > len(names)
    return lines


@pytest.mark.parametrize(
    ("settings", "limit"), [(DOCUMENTED, LARGEST), (RAISED, 16_384)], ids=["usual", "raised"]
)
def test_largest_session_passes_both_ways_as_documented(
    nginx: Callable[[str], int], backend: Backend, settings: str, limit: int
) -> None:
    for setting in settings.split("; "):
        assert setting.rstrip(";") in WORDS
    lines = with_deletions(
        writer(max_session_cookie_bytes=limit, cookie_domain="example.com"), limit
    )
    assert backend.answers(*lines) > limit
    request = b"; ".join(pair(line) for line in lines if b"Max-Age=0" not in line.line)
    status, head = ask(nginx(settings), request)
    assert status == 200
    assert cookies_in(head) == [line.line for line in lines]
    assert b"\r\nCookie: " + request + b"\r\n" in backend.request


def test_documented_settings_take_a_head_of_16_kb(
    nginx: Callable[[str], int], backend: Backend
) -> None:
    for size, status in ((16_384, 200), (16_385, 502)):
        backend.answers(size=size)
        assert ask(nginx(DOCUMENTED))[0] == status

"""Each way in which a response can lose the new cookie: the old one finds the session again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import pytest
from asgi_driver import Answer, collect, drive, http_scope, websocket_scope
from asgi_site import SESSION, signed_in_cookie, who
from faulty_workers import Line, worker
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope
from starlette.websockets import WebSocket
from successors import LATER, LIFETIME, come, gets_the_successor, keeps_its_cookies

from authkit_asgi import AuthKit, AuthKitMiddleware
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

Way = Callable[[ASGIApp, tuple[str, str]], Awaitable[Answer]]
REQUEST: Message = {"type": "http.request", "body": b"", "more_body": False}


async def redirect(_: Request) -> Response:
    return RedirectResponse("/who")


async def not_modified(_: Request) -> Response:
    return Response(status_code=304, headers={"ETag": '"1"'})


async def raising(_: Request) -> Response:
    raise RuntimeError("before the start")


async def raising_late(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        raise RuntimeError("after the start")

    return StreamingResponse(body())


async def streaming(_: Request) -> Response:
    async def body() -> AsyncIterator[bytes]:
        yield b"x"
        await anyio.sleep_forever()

    return StreamingResponse(body())


async def waiting(request: Request) -> Response:
    request.app.state.entered.set()
    await anyio.sleep_forever()
    raise AssertionError


async def refuse(websocket: WebSocket) -> None:
    await websocket.close()


ROUTES = [
    Route("/who", who),
    *(
        Route(f"/{endpoint.__name__}", endpoint)
        for endpoint in (redirect, not_modified, raising, raising_late, streaming, waiting)
    ),
    WebSocketRoute("/refuse", refuse),
]


def site_of(authkit: AuthKit) -> Starlette:
    """Return a site whose error page is outside of the middleware, as Starlette's always is."""
    app = Starlette(routes=ROUTES, middleware=[Middleware(AuthKitMiddleware, authkit=authkit)])
    app.state.entered = anyio.Event()
    return app


def answered(target: str, status: int, method: str = "GET") -> Way:
    """Return a request whose answer a proxy takes the cookie off, or a browser does not keep."""

    async def way(app: ASGIApp, header: tuple[str, str]) -> Answer:
        answer = await drive(app, http_scope(method, target, [header]))
        assert answer.status == status
        return answer

    return way


async def client_goes_before_the_start(app: ASGIApp, header: tuple[str, str]) -> Answer:
    answer = Answer()
    async with anyio.create_task_group() as group:

        async def ask() -> None:
            await drive(app, http_scope("GET", "/waiting", [header]), answer=answer)

        group.start_soon(ask)
        await app.state.entered.wait()
        group.cancel_scope.cancel()
    return answer


async def client_goes_during_a_stream(app: ASGIApp, header: tuple[str, str]) -> Answer:
    answer, gone, requests = Answer(), anyio.Event(), [REQUEST]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        answer.messages.append(message)
        if message["type"] == "http.response.body":
            gone.set()

    await app(http_scope("GET", "/streaming", [header]), receive, send)
    return answer


async def server_cannot_send(app: ASGIApp, header: tuple[str, str]) -> Answer:
    tried = []

    async def send(message: Message) -> None:
        tried.append(message)
        raise OSError("the connection is gone")

    async def receive() -> Message:
        return REQUEST

    with pytest.raises(OSError, match="is gone"):
        await app(http_scope("GET", "/who", [header]), receive, send)
    return Answer(tried[:1])


async def application_fails(app: ASGIApp, header: tuple[str, str]) -> Answer:
    answer = Answer()
    with pytest.raises(RuntimeError, match="before the start"):
        await drive(app, http_scope("GET", "/raising", [header]), answer=answer)
    assert answer.status == 500
    return answer


async def application_fails_after_the_start(app: ASGIApp, header: tuple[str, str]) -> Answer:
    answer = Answer()
    scope: Scope = http_scope("GET", "/raising_late", [header])
    receive: Receive = anyio.sleep_forever
    with pytest.raises(RuntimeError, match="after the start"):
        await app(scope, receive, collect(answer))
    return answer


async def websocket_is_refused(app: ASGIApp, header: tuple[str, str]) -> Answer:
    answer = await drive(app, websocket_scope("/refuse", [header], denial=False))
    assert [message["type"] for message in answer.messages] == ["websocket.close"]
    return answer


# With each, whether the new cookie goes out, to be lost on the way.
WAYS: dict[str, tuple[Way, bool]] = {
    "client goes before the start": (client_goes_before_the_start, False),
    "client goes during a stream": (client_goes_during_a_stream, True),
    "server cannot send": (server_cannot_send, True),
    "application fails": (application_fails, False),
    "application fails after the start": (application_fails_after_the_start, True),
    "WebSocket is refused": (websocket_is_refused, False),
    "proxy drops the cookie": (answered("/who", 200), True),
    "redirect": (answered("/redirect", 307), True),
    "304": (answered("/not_modified", 304), True),
    "404": (answered("/missing", 404), True),
    "HEAD": (answered("/who", 200, "HEAD"), True),
}


@pytest.fixture
def line(emulator: WorkOSEmulator) -> Line:
    """The line to a WorkOS that ends a session when a refresh token comes twice."""
    emulator.configure(reuse_revokes_session=True)
    return Line(emulator)


@pytest.fixture(params=["the same worker", "another worker"])
async def workers(request: pytest.FixtureRequest, line: Line) -> AsyncIterator[list[AuthKit]]:
    """Who serves the request whose response is lost, and who the next one."""
    if request.param == "the same worker":
        first = second = worker(line)
    else:
        server = request.getfixturevalue("server")
        first, second = worker(line, server), worker(line, server)
    yield [first, second]
    for authkit in (first, second):
        await authkit.aclose()


@pytest.mark.parametrize("seconds", LATER.values(), ids=LATER)
@pytest.mark.parametrize("way", WAYS)
async def test_old_cookie_gets_the_successor_that_a_response_has_lost(
    line, workers, clock, way, seconds
):
    first, second = workers
    old = signed_in_cookie(line.emulator, lifetime=-100)
    lose, goes_out = WAYS[way]
    lost = await lose(site_of(first), ("cookie", f"{SESSION}={old}"))
    assert lost.set_cookies.keys() == ({SESSION} if goes_out else set())
    clock.now += seconds
    successor = await gets_the_successor(second, {SESSION: old})
    if goes_out and seconds < LIFETIME:
        assert lost.set_cookies[SESSION].startswith(f"{SESSION}={successor[SESSION]};")
    await keeps_its_cookies(second, successor)
    await keeps_its_cookies(first, successor)
    # After 50 minutes the successor has expired as well: its own token has been exchanged.
    assert len(line.tokens) == len(set(line.tokens)) == (1 if seconds < LIFETIME else 2)


async def test_old_cookie_works_for_30_s_after_the_new_one_has_come_back(emulator, clock, line):
    authkit = worker(line)
    old = {SESSION: signed_in_cookie(emulator, lifetime=-100)}
    new = await gets_the_successor(authkit, old)
    clock.now += 200  # not seen yet
    assert await gets_the_successor(authkit, old) == new
    await keeps_its_cookies(authkit, new)
    for seconds in (0, 29):
        clock.now += seconds
        assert await gets_the_successor(authkit, old) == new
    assert len(line.tokens) == 1
    clock.now += 2
    answer, _ = await come(authkit, old)
    assert answer.json == {"user": None, "reason": "refresh_denied"}
    await authkit.aclose()

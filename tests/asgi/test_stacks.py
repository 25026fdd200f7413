"""The middleware inside and outside of other middlewares, and what applications raise."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import anyio
import pytest
from asgi_driver import Answer, drive, http_scope
from asgi_site import SESSION, cookie_header, who
from emulated import service
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import AuthKit, AuthKitMiddleware

pytestmark = pytest.mark.anyio

START: Message = {"type": "http.response.start", "status": 200, "headers": []}
PAGE = ["http.response.start", "http.response.body"]
LONG = "a text that would be compressed, since it is long enough " * 20


def base(app: ASGIApp) -> ASGIApp:
    async def dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)

    return BaseHTTPMiddleware(app, dispatch=dispatch)


def cors(app: ASGIApp) -> ASGIApp:
    return CORSMiddleware(app, allow_origins=["https://other.example"], allow_methods=["PUT"])


OTHERS: dict[str, Callable[[ASGIApp], ASGIApp]] = {
    "server errors": ServerErrorMiddleware,
    "exceptions": ExceptionMiddleware,
    "base": base,
    "gzip": GZipMiddleware,
    "cors": cors,
}


def nothing(app: ASGIApp) -> ASGIApp:
    return app


def everything(app: ASGIApp) -> ASGIApp:
    for other in OTHERS.values():
        app = other(app)
    return app


# What stands outside of the middleware, and what inside.
STACKS = {
    "alone": (nothing, nothing),
    **{f"{name} outside": (other, nothing) for name, other in OTHERS.items()},
    **{f"{name} inside": (nothing, other) for name, other in OTHERS.items()},
    "everything on both sides": (everything, everything),
}
each_stack = pytest.mark.parametrize(("outside", "inside"), STACKS.values(), ids=STACKS)


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await (await who(Request(scope)))(scope, receive, send)


async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
    await StreamingResponse(iter([LONG, LONG]))(scope, receive, send)


def raising(error: BaseException, *before: Message) -> ASGIApp:
    async def application(_: Scope, __: Receive, send: Send) -> None:
        for message in before:
            await send(message)
        raise error

    return application


async def ask(app: ASGIApp, header: tuple[str, str], answer: Answer | None = None) -> Answer:
    headers = [header, ("origin", "https://other.example")]
    return await drive(app, http_scope("GET", "/", headers), answer=answer)


@each_stack
@pytest.mark.parametrize("application", [answering, streaming])
async def test_stack_takes_a_new_cookie_along(emulator, outside, inside, application):
    app = outside(AuthKitMiddleware(inside(application), authkit=service(emulator)))
    answer = await ask(app, cookie_header(emulator, lifetime=-100))
    assert (answer.status, answer.set_cookies.keys()) == (200, {SESSION})
    assert answer.headers["cache-control"] == "private, no-store"
    assert "cookie" in answer.headers["vary"].lower()
    if application is streaming:
        assert answer.text == LONG * 2
    else:
        assert answer.json["user"] == "user_ada"
    new = ("cookie", answer.set_cookies[SESSION].partition(";")[0])
    assert (await ask(app, new)).set_cookies == {}
    assert emulator.count("authenticate") == 1


@each_stack
@pytest.mark.parametrize("before", [(), (START,)], ids=["before the start", "after the start"])
async def test_stack_passes_an_exception_on_and_starts_once(emulator, outside, inside, before):
    error = RuntimeError("of the application")
    authkit = service(emulator)
    app = outside(AuthKitMiddleware(inside(raising(error, *before)), authkit=authkit))
    header, answer = cookie_header(emulator, lifetime=-100), Answer()
    with pytest.raises(RuntimeError) as raised:
        await ask(app, header, answer)
    assert raised.value is error
    kinds = [message["type"] for message in answer.messages]
    assert kinds.count("http.response.start") <= 1
    if not before:
        has_error_page = {ServerErrorMiddleware, everything} & {outside, inside}
        assert kinds[:2] == (PAGE if has_error_page else [])
        assert not has_error_page or answer.status == 500
    await is_signed_in_still(emulator, authkit, header)


async def is_signed_in_still(emulator, authkit: AuthKit, header: tuple[str, str]) -> None:
    """Ask with the old cookie: the session that was exchanged has not been lost."""
    app = AuthKitMiddleware(answering, authkit=authkit)
    assert (await ask(app, header)).json["user"] == "user_ada"
    assert emulator.count("authenticate") == 1


@pytest.mark.parametrize(
    ("outside", "inside"), [(GZipMiddleware, nothing), (nothing, GZipMiddleware)]
)
async def test_a_compressed_stream_takes_a_new_cookie_along(emulator, outside, inside):
    app = outside(AuthKitMiddleware(inside(streaming), authkit=service(emulator)))
    headers = [cookie_header(emulator, lifetime=-100), ("accept-encoding", "gzip")]
    answer = await drive(app, http_scope("GET", "/", headers))
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(answer.body).decode() == LONG * 2
    assert answer.headers["vary"].lower() in ("accept-encoding, cookie", "cookie, accept-encoding")
    assert (answer.set_cookies.keys(), emulator.count("authenticate")) == ({SESSION}, 1)


class OwnError(BaseException):
    pass


RAISED = {
    "OSError": ConnectionResetError("of the application"),
    "AssertionError": AssertionError(),
    "BaseException": OwnError(),
    "SystemExit": SystemExit(1),
    "group": ExceptionGroup("g", [ValueError(1), ExceptionGroup("h", [KeyError(2)])]),
    "group of one": ExceptionGroup("g", [ValueError(1)]),
    "base group": BaseExceptionGroup("g", [OwnError()]),
}


@pytest.mark.parametrize("before", [(), (START,)], ids=["before the start", "after the start"])
@pytest.mark.parametrize("error", RAISED.values(), ids=RAISED)
async def test_every_exception_of_the_application_passes_as_it_is(emulator, error, before):
    app = AuthKitMiddleware(raising(error, *before), authkit=service(emulator))
    error.__traceback__ = None
    answer = Answer()
    with pytest.raises(type(error)) as raised:
        await ask(app, cookie_header(emulator, lifetime=-100), answer)
    assert raised.value is error
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert len(answer.messages) == len(before)


async def test_exceptions_of_an_anyio_task_group_pass_as_their_group(emulator):
    groups: list[BaseException] = []

    async def fail(error: Exception) -> None:
        raise error

    async def application(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(fail, ValueError("one"))
                group.start_soon(fail, KeyError("two"))
        except BaseException as error:
            groups.append(error)
            raise

    app = AuthKitMiddleware(application, authkit=service(emulator))
    with pytest.raises(ExceptionGroup) as raised:
        await ask(app, cookie_header(emulator))
    assert raised.value is groups[0]
    assert [str(error) for error in raised.value.exceptions] == ["one", "'two'"]


async def test_middleware_that_raises_later_does_not_start_again(emulator):
    """An error page that an application sends after its own start is the server's to refuse."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await ServerErrorMiddleware(raising(RuntimeError(), START))(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=service(emulator))
    answer = Answer()
    with pytest.raises(RuntimeError):
        await ask(app, cookie_header(emulator), answer)
    assert [message["type"] for message in answer.messages] == ["http.response.start"]


async def test_preflights_are_answered_outside_and_inside_alike(emulator):
    headers = [("origin", "https://other.example"), ("access-control-request-method", "PUT")]
    for outside, inside in ((cors, nothing), (nothing, cors)):
        app = outside(AuthKitMiddleware(inside(answering), authkit=service(emulator)))
        answer = await drive(app, http_scope("OPTIONS", "/", headers))
        assert (answer.status, answer.set_cookies) == (200, {})
        assert answer.headers["access-control-allow-origin"] == "https://other.example"

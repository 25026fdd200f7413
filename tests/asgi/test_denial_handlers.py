"""Denials go to the handlers that an application has of its own, and only then to ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser, drive, http_scope
from asgi_site import SESSION, signed_in_cookie
from emulated import service
from fastapi import Depends, FastAPI
from fastapi.exception_handlers import http_exception_handler
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from authkit_asgi import (
    AuthKitError,
    AuthKitMiddleware,
    DenialError,
    ForbiddenError,
    NotSignedInError,
    SignedOutReason,
    SignInRedirectError,
    TemporarilyUnavailableError,
    require,
    require_permission,
    require_signed_in,
)
from authkit_asgi import fastapi as dependencies
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


@require(require_permission("data:burn"))
async def burn(request: Request) -> Response:
    del request
    raise AssertionError("nobody may")


async def own(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"own {error.detail}", error.status_code, error.headers)


def own_in_thread(request: Request, error: Exception) -> Response:
    del request, error
    return PlainTextResponse("own Not signed in", 401)


async def own_by_the_framework(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = await http_exception_handler(request, error)
    assert answer is not None
    return PlainTextResponse(f"own {error.detail}", answer.status_code)


def starlette(emulator: WorkOSEmulator, handlers: Any = None, **options: Any) -> ASGIApp:
    return Starlette(
        routes=[Route("/burn", burn)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator), **options)],
        exception_handlers=handlers,
    )


def fastapi(emulator: WorkOSEmulator, handlers: Any = None, **options: Any) -> ASGIApp:
    app = FastAPI(exception_handlers=handlers)
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator), **options)
    guard = dependencies.require_permission("data:burn")
    app.add_api_route("/burn", burn, dependencies=[Depends(guard)])
    return app


def protected_starlette(emulator: WorkOSEmulator, handlers: Any = None) -> ASGIApp:
    return starlette(emulator, handlers, protect=True)


def protected_fastapi(emulator: WorkOSEmulator, handlers: Any = None) -> ASGIApp:
    return fastapi(emulator, handlers, protect=True)


Builder = Callable[..., ASGIApp]
frameworks = pytest.mark.parametrize(
    "build", [starlette, fastapi, protected_starlette, protected_fastapi]
)

HANDLERS: dict[str, Any] = {
    "class": {NotSignedInError: own},
    "base": {DenialError: own},
    "root": {AuthKitError: own},
    "HTTPException": {HTTPException: own},
    "status": {401: own},
    "plain function": {NotSignedInError: own_in_thread},
    "through FastAPI's": {HTTPException: own_by_the_framework},
    "class before base": {NotSignedInError: own, AuthKitError: None, HTTPException: None},
}


@frameworks
@pytest.mark.parametrize("handlers", HANDLERS.values(), ids=HANDLERS)
async def test_handler_of_the_application_answers(emulator, build: Builder, handlers):
    browser = Browser(build(emulator, handlers))
    for _ in range(2):  # before a denial has been seen, and after
        answer = await browser.get("/burn", FETCH)
        assert (answer.status, answer.text) == (401, "own Not signed in")
        assert answer.headers["vary"] == "Cookie"
    assert NotSignedInError(SignedOutReason.INVALID_JWT).headers["Cache-Control"] == "no-store"


@frameworks
@pytest.mark.parametrize(
    "handlers",
    [None, {ForbiddenError: own}, {500: own}, {Exception: own}, {404: own}],
    ids=["none", "of another denial", "500", "Exception", "404"],
)
async def test_handler_of_something_else_does_not(emulator, build: Builder, handlers):
    browser = Browser(build(emulator, handlers))
    for _ in range(2):
        assert (await browser.get("/burn", FETCH)).json["code"] == "not_signed_in"
        assert (await browser.get("/burn", NAVIGATION)).location == "/login?return_to=%2Fburn"


@frameworks
async def test_redirect_has_the_handlers_as_well(emulator, build: Builder):
    browser = Browser(build(emulator, {SignInRedirectError: own}))
    answer = await browser.get("/burn", NAVIGATION)
    assert (answer.status, answer.text) == (303, "own Sign in to see this page")
    assert answer.location == "/login?return_to=%2Fburn"


@frameworks
async def test_outage_has_the_handlers_as_well(emulator, build: Builder):
    browser = Browser(build(emulator, {TemporarilyUnavailableError: own}))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"})
    answer = await browser.get("/burn", NAVIGATION)
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert answer.text.startswith("own ")


@pytest.mark.parametrize("build", [starlette, fastapi])
async def test_handlers_of_http_exceptions_do_not_lose_the_other_ones(emulator, build: Builder):
    browser = Browser(build(emulator))
    await browser.get("/burn", FETCH)
    assert (await browser.get("/nowhere", FETCH)).text in {"Not Found", '{"detail":"Not Found"}'}


async def test_mounted_application_answers_for_itself(emulator):
    inner = Starlette(routes=[Route("/burn", burn)], exception_handlers={DenialError: own})
    app = Starlette(
        routes=[
            Mount("/inner", inner),
            Mount("/plain", Starlette(routes=[Route("/burn", burn)])),
            Mount("/routes", routes=[Route("/burn", burn)]),
        ],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator))],
        exception_handlers={401: own_in_thread},
    )
    browser = Browser(app)
    assert (await browser.get("/inner/burn", FETCH)).text == "own Not signed in"
    assert (await browser.get("/plain/burn", FETCH)).json["code"] == "not_signed_in"
    assert (await browser.get("/routes/burn", FETCH)).text == "own Not signed in"


async def test_handler_of_a_protected_application_may_read_what_was_sent(emulator):
    async def reads(request: Request, error: Exception) -> Response:
        assert isinstance(error, NotSignedInError)
        return PlainTextResponse(await request.body(), error.status_code)

    app = protected_starlette(emulator, {NotSignedInError: reads})
    answer = await drive(app, http_scope("POST", "/burn", FETCH), body=b"what was sent")
    assert (answer.status, answer.text) == (401, "what was sent")


async def test_application_without_a_framework_catches_what_a_guard_raises(emulator):
    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            require_signed_in(HTTPConnection(scope))
        except NotSignedInError as denial:
            await PlainTextResponse(denial.detail, denial.status_code)(scope, receive, send)

    browser = Browser(AuthKitMiddleware(plain, authkit=service(emulator)))
    answer = await browser.get("/", FETCH)
    assert (answer.status, answer.text) == (401, "Not signed in")


async def test_protected_application_that_is_no_starlette_gets_the_bundled_answers(emulator):
    async def plain(*_: object) -> None:
        raise AssertionError("nobody may")

    browser = Browser(AuthKitMiddleware(plain, authkit=service(emulator), protect=True))
    assert (await browser.get("/", FETCH)).json["code"] == "not_signed_in"
    assert (await browser.get("/")).location == "/login?return_to=%2F"

"""The end of a connection: nothing of it stays in memory until the garbage collector runs."""

from __future__ import annotations

import gc
import weakref

import pytest
from asgi_driver import answer_briefly, drive, http_scope
from asgi_site import SESSION, signed_in_cookie
from emulated import service
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware

pytestmark = pytest.mark.anyio


class Trace:
    """Something that the application keeps on the request."""


@pytest.mark.parametrize("failing", [False, True])
async def test_request_that_is_over_is_freed_at_once(emulator, failing):
    traces: list[weakref.ref[Trace]] = []
    signed_in: list[bool] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["trace"] = trace = Trace()
        traces.append(weakref.ref(trace))
        signed_in.append(scope["state"]["auth"].user is not None)
        if failing:
            raise LookupError
        await answer_briefly(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=service(emulator))
    headers = [("cookie", f"{SESSION}={signed_in_cookie(emulator)}")]

    async def request() -> None:
        try:
            await drive(app, http_scope("GET", "/", headers))
        except LookupError:
            assert failing

    await request()  # the keys are fetched meanwhile
    gc.collect()
    gc.disable()
    try:
        await request()
        assert traces[-1]() is None
    finally:
        gc.enable()
    assert signed_in == [True, True]


async def test_session_that_outlives_its_request_still_knows_who_it_was(emulator):
    kept = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        kept.append(scope["state"]["authkit"])
        await answer_briefly(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=service(emulator))
    headers = [("cookie", f"wos-auth-verifier-0a1b2c3d=x; {SESSION}={signed_in_cookie(emulator)}")]
    await drive(app, http_scope("GET", "/", headers))
    [session] = kept
    assert session.auth.user.email == "ada@example.com"
    assert session.verifiers() == {"wos-auth-verifier-0a1b2c3d": "x"}

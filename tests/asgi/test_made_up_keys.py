"""Bearer tokens that name made-up keys, while WorkOS begins to sign with a new one."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, signed_in_cookie
from bearer_cases import claims_of
from bearer_site import authorization, bearer_service
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import AuthKitMiddleware, get_auth, require, require_access_token
from authkit_asgi.testing.signing import SigningKeys

pytestmark = pytest.mark.anyio


@require(require_access_token)
async def for_tokens(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


async def who(request: Request) -> Response:
    auth = get_auth(request)
    return PlainTextResponse("nobody" if auth.user is None else auth.user.id)


async def test_made_up_tokens_keep_no_new_key_from_who_is_signed_in(emulator):
    app = Starlette(
        routes=[Route("/tokens", for_tokens), Route("/who", who)],
        middleware=[Middleware(AuthKitMiddleware, authkit=bearer_service(emulator))],
    )
    browser, stranger = Browser(app), Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/who")).text == "user_ada"
    made_up = emulator.mint_access_token(claims_of(emulator), key=SigningKeys().current)
    for _ in range(3):
        answer = await stranger.get("/tokens", [*FETCH, authorization(made_up)])
        assert answer.status == 401
    emulator.rotate_keys()
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/who")).text == "user_ada"
    assert emulator.count("authenticate") == 0

"""The page of a 403: whoever stands there can sign out, for somebody else to sign in."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, signed_in_cookie, site
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from authkit_asgi import ForbiddenError, require, require_permission
from authkit_asgi.denials import present
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


@require(require_permission("data:burn"))
async def burn(request: Request) -> Response:
    del request
    return PlainTextResponse("burnt")


ROUTES = [Route("/burn", burn), Mount("/sub", routes=[Route("/burn", burn)])]


@pytest.mark.parametrize(
    ("settings", "path", "root_path", "sign_out"),
    [
        ({}, "/burn", "", "/logout"),
        ({}, "/sub/burn", "", "/logout"),
        ({}, "/burn", "/app", "/app/logout"),
        ({"login_path": "/auth/login"}, "/burn", "", "/auth/logout"),
        ({"login_path": "/auth/login", "logout_path": "/bye"}, "/burn", "", "/bye"),
    ],
)
async def test_page_leads_to_the_sign_out_route(
    emulator: WorkOSEmulator, settings: dict[str, str], path: str, root_path: str, sign_out: str
):
    browser = Browser(site(emulator, ROUTES, **settings))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get(path, headers=NAVIGATION, root_path=root_path)
    assert answer.status == 403
    assert answer.text.count("href=") == 1
    assert f'<a href="{sign_out}">Sign out</a>' in answer.text


async def test_program_is_not_told_where_to_sign_out(emulator: WorkOSEmulator):
    browser = Browser(site(emulator, ROUTES))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert "logout" not in (await browser.get("/burn", headers=FETCH)).text


@pytest.mark.parametrize("is_known", [True, False])
async def test_page_for_whom_no_session_let_in_leads_nowhere(emulator, is_known):
    async def endpoint(request: Request) -> Response:
        assert request.state.auth.user is None
        if not is_known:
            del request.scope["state"]["auth"]
        return await present(request, ForbiddenError("This needs a key that may", {}))

    answer = await Browser(site(emulator, [Route("/burn", endpoint)])).get("/burn", NAVIGATION)
    assert answer.status == 403
    assert "<h1>You may not do this</h1>" in answer.text
    assert "href" not in answer.text


async def test_page_where_the_sign_out_route_is_not_known_leads_nowhere(emulator: WorkOSEmulator):
    async def without_settings(request: Request) -> Response:
        assert request.state.auth.user.id == "user_ada"
        del request.scope["state"]["authkit"]
        return await present(request, ForbiddenError("This needs more", {}))

    browser = Browser(site(emulator, [Route("/burn", without_settings)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get("/burn", headers=NAVIGATION)
    assert (answer.status, "href" in answer.text) == (403, False)

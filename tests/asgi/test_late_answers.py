"""A slow answer does not undo what another request has done to the session meanwhile."""

from __future__ import annotations

import anyio
import pytest
from asgi_driver import Browser
from asgi_site import SESSION, signed_in_cookie, site
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import SessionTooLargeError, get_session

pytestmark = pytest.mark.anyio


async def switch(request: Request) -> Response:
    auth = await get_session(request).switch_organization("org_globex")
    return PlainTextResponse(auth.organization_id or "")


async def refresh(request: Request) -> Response:
    auth = await get_session(request).refresh()
    return PlainTextResponse(auth.organization_id or "")


@pytest.mark.parametrize("path", ["/switch", "/refresh"])
async def test_slow_answer_writes_the_newest_session(emulator, path):
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    routes = [Route("/switch", switch), Route("/refresh", refresh), Route("/slow", slow)]
    app = site(emulator, routes)
    one, other = Browser(app), Browser(app)
    one.cookies[SESSION] = other.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    async with anyio.create_task_group() as group:
        group.start_soon(one.get, "/slow")
        await entered.wait()
        exchanged = await other.get(path)
        go_on.set()
    assert exchanged.status == 200
    assert one.cookies == other.cookies
    assert (await one.get("/who")).json["organization"] == exchanged.text


async def test_late_request_writes_the_newest_session(emulator):
    app = site(emulator, [Route("/switch", switch)])
    browser = Browser(app)
    browser.cookies[SESSION] = old = signed_in_cookie(emulator, lifetime=-100)
    await browser.get("/switch")
    newest = browser.cookies[SESSION]
    late = Browser(app)
    late.cookies[SESSION] = old
    answer = await late.get("/who")
    assert answer.json == {"user": "user_ada", "organization": "org_acme"}
    assert late.cookies[SESSION] == newest


async def test_late_request_is_answered_when_the_newest_session_is_too_large(emulator):
    """The request that made it has failed; this one must not, while it sends its headers."""
    app = site(emulator, [Route("/refresh", refresh)])
    browser, late = Browser(app), Browser(app)
    browser.cookies[SESSION] = late.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    await browser.get("/who")
    emulator.update_user("user_ada", metadata={"note": "x" * 4000})
    with pytest.raises(SessionTooLargeError):
        await browser.get("/refresh")
    assert (await late.get("/who")).json["user"] == "user_ada"

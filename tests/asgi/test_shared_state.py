"""What is left over in a state that somebody shares between requests signs nobody in."""

from __future__ import annotations

import anyio
import pytest
from asgi_driver import Answer, Browser, drive, http_scope
from asgi_site import SESSION, signed_in_cookie, site, who
from emulated import OTHER_PASSWORD, service
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from authkit_asgi import AuthKitMiddleware

pytestmark = pytest.mark.anyio


async def test_shared_state_does_not_hand_one_user_to_another(emulator):
    app, shared = site(emulator), {"database": object()}

    async def ask(user: str | None) -> Answer:
        cookie = [("cookie", f"{SESSION}={signed_in_cookie(emulator, user)}")] if user else []
        return await drive(app, http_scope("GET", "/who", cookie, state=shared))

    assert (await ask("user_ada")).json["user"] == "user_ada"
    assert (await ask("user_bob")).json["user"] == "user_bob"
    stranger = await ask(None)
    assert stranger.json["user"] is None
    again = await ask("user_ada")
    assert again.json["user"] == "user_ada"
    assert again.headers["cache-control"] == "private, no-store"


async def test_shared_state_does_not_mix_requests_that_overlap(emulator):
    entered, go_on = anyio.Event(), anyio.Event()
    shared: dict[str, object] = {}
    answers: list[Answer] = []

    async def slow(request: Request) -> Response:
        entered.set()
        await go_on.wait()
        return await who(request)

    app = site(emulator, [Route("/slow", slow)])

    async def ask(path: str, user: str) -> None:
        cookie = [("cookie", f"{SESSION}={signed_in_cookie(emulator, user)}")]
        answers.append(await drive(app, http_scope("GET", path, cookie, state=shared)))

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "/slow", "user_ada")
        await entered.wait()
        await ask("/who", "user_bob")
        go_on.set()
    assert [answer.json["user"] for answer in answers] == ["user_bob", "user_ada"]


async def test_copied_state_keeps_what_the_lifespan_put_there(emulator):
    app, shared = site(emulator), {"database": "postgres"}
    seen = []
    for _ in range(2):
        scope = http_scope("GET", "/who", state=shared)
        await drive(app, scope)
        seen.append(scope["state"]["database"])
    assert seen == ["postgres", "postgres"]


async def test_inner_middleware_with_another_password_reads_the_cookie_itself(emulator):
    other = service(emulator, cookie_password=OTHER_PASSWORD)
    admin = Starlette(
        routes=[Route("/who", who)], middleware=[Middleware(AuthKitMiddleware, authkit=other)]
    )
    browser = Browser(site(emulator, [Mount("/admin", app=admin)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/who")).json["user"] == "user_ada"
    assert (await browser.get("/admin/who")).json["reason"] == "invalid_session_cookie"

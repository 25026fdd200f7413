"""A callback route of one's own is as safe as the bundled one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, begin, query_of, signed_in_cookie, site
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from authkit_asgi import ResponseStartedError, SignInError, get_session

pytestmark = pytest.mark.anyio

ISSUER = "https://api.workos.com/user_management/client_emulator"


async def own_callback(request: Request) -> Response:
    session = get_session(request)
    query = request.query_params
    try:
        result = await session.complete_sign_in(query["code"], query["state"], iss=query.get("iss"))
    except SignInError as error:
        return PlainTextResponse(error.code, status_code=400)
    await session.adopt(result)
    return PlainTextResponse(result.user.id)


@pytest.fixture
def app(emulator):
    return site(emulator, [Route("/own", own_callback)])


def own(target: str) -> str:
    return target.replace("/callback", "/own")


async def test_own_callback_signs_in_the_browser_that_began(app, emulator):
    browser = Browser(app)
    answer = await browser.get(own(await begin(browser, emulator)))
    assert (answer.status, answer.text) == (200, "user_ada")
    assert browser.cookies.keys() == {SESSION}


@pytest.mark.parametrize("signed_in", [True, False])
async def test_own_callback_refuses_a_strangers_sign_in(app, emulator, signed_in):
    attacker, victim = Browser(app), Browser(app)
    if signed_in:
        victim.cookies[SESSION] = signed_in_cookie(emulator)
    before = dict(victim.cookies)
    answer = await victim.get(own(await begin(attacker, emulator, user="bob")))
    assert (answer.status, answer.text) == (400, "pkce_cookie_missing")
    assert victim.cookies == before
    assert emulator.count("authenticate") == 0


async def test_own_callback_refuses_another_of_this_browsers_states(app, emulator):
    browser = Browser(app)
    first = query_of(await begin(browser, emulator))
    names = set(browser.cookies)
    second = query_of(await begin(browser, emulator))
    (name,) = names
    browser.cookies[name] = second["state"]
    answer = await browser.get(f"/own?code={first['code']}&state={first['state']}")
    assert (answer.status, answer.text) == (400, "oauth_state_mismatch")
    assert name not in browser.cookies


@pytest.mark.parametrize(
    ("iss", "status"), [(ISSUER, 200), ("https://evil.example", 400), ("", 400)]
)
async def test_own_callback_compares_the_issuer(emulator, iss, status):
    browser = Browser(site(emulator, [Route("/own", own_callback)], issuers=[ISSUER]))
    answer = await browser.get(f"{own(await begin(browser, emulator))}&iss={iss}")
    assert (answer.status, answer.text) == (
        status,
        "user_ada" if status == 200 else "callback_rejected",
    )
    assert emulator.count("authenticate") == (1 if status == 200 else 0)


async def test_callback_is_not_completed_once_the_response_has_started(app, emulator):
    refused: list[str] = []

    async def late(request: Request) -> Response:
        session = get_session(request)

        async def body() -> AsyncIterator[bytes]:
            yield b"begun"
            for ask in (session.complete_callback, session.restart_sign_in):
                with pytest.raises(ResponseStartedError):
                    await ask()
                refused.append(ask.__name__)

        return StreamingResponse(body())

    browser = Browser(site(emulator, [Route("/own", late)]))
    await browser.get(own(await begin(browser, emulator)))
    assert refused == ["complete_callback", "restart_sign_in"]
    assert emulator.count("authenticate") == 0

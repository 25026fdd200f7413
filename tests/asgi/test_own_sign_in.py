"""Sign-in routes of one's own: what `AuthSession` takes as an answer, and from which forms."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, query_of, site
from emulated import ORIGIN, PASSWORD
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from workos.user_management.models import AuthenticateResponse

from authkit_asgi import AuthKitError, get_session
from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio


def own_site(emulator: Any, answer: Any = None) -> Any:
    async def own(request: Request) -> Response:
        session = get_session(request)
        try:
            session.check_own_form()
            auth = await session.sign_in(answer)
        except AuthKitError as error:
            return PlainTextResponse(error.code, status_code=400)
        return PlainTextResponse(auth.user.id)

    async def clear(request: Request) -> Response:
        get_session(request).clear_pending_verifier(request.query_params["state"])
        return Response()

    return site(emulator, [Route("/own", own, methods=["POST"]), Route("/clear", clear)])


async def test_answer_of_the_sdk_makes_the_session_that_its_json_makes(emulator):
    tokens = {
        "provider": "GoogleOAuth",
        "access_token": "at",
        "refresh_token": "rt",
        "expires_at": 1,
        "scopes": ["email"],
    }
    emulator.update_user(
        "user_ada", external_id="7", metadata={"plan": "gold"}, locale="en", oauth_tokens=tokens
    )
    answer = emulator.sign_in("user_ada", impersonator={"email": "eve@example.com", "reason": "T"})
    sessions = []
    for given in (answer, AuthenticateResponse.from_dict(answer)):
        browser = Browser(own_site(emulator, given))
        assert (await browser.post("/own")).text == "user_ada"
        sessions.append(unseal_session(browser.cookies[SESSION], PASSWORD))
    assert sessions[0] == sessions[1]
    assert sessions[0].user.metadata == {"plan": "gold"}


@pytest.mark.parametrize("answer", [None, {}, object(), []])
async def test_what_is_no_answer_signs_nobody_in(emulator, answer):
    browser = Browser(own_site(emulator, answer))
    refused = await browser.post("/own")
    assert (refused.status, refused.text) == (400, "untrusted_response")
    assert browser.cookies == {}


@pytest.mark.parametrize("headers", [NAVIGATION, FETCH, [("origin", ORIGIN)]])
async def test_form_of_this_site_signs_in(emulator, headers):
    browser = Browser(own_site(emulator, emulator.sign_in("user_ada")))
    assert (await browser.post("/own", headers)).text == "user_ada"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("origin", "https://evil.example")],
        [("origin", "null")],
        [("origin", f"{ORIGIN}.evil.example")],
        [("origin", ORIGIN), ("origin", "https://evil.example")],
        [("referer", f"{ORIGIN}/")],
        [("sec-fetch-site", "same-site"), ("origin", ORIGIN)],
        [("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
        [("sec-fetch-site", "none")],
        [("host", "app.example.com"), ("x-forwarded-host", "app.example.com")],
    ],
)
async def test_form_of_another_site_or_of_none_signs_nobody_in(emulator, headers):
    browser = Browser(own_site(emulator, emulator.sign_in("user_ada")))
    refused = await browser.post("/own", headers)
    assert (refused.status, refused.text) == (400, "cross_site_request")
    assert browser.cookies == {}


async def test_verifier_that_is_cleared_is_that_of_its_state_alone(emulator):
    browser = Browser(own_site(emulator))
    state = query_of(await begin(browser, emulator))["state"]
    (first,) = browser.cookies
    await begin(browser, emulator)
    cleared = await browser.get(f"/clear?state={state}")
    assert list(cleared.set_cookies) == [first]
    assert first not in browser.cookies
    assert [name.startswith(VERIFIER) for name in browser.cookies] == [True]
    for unknown in (state, "x", "x" * 5000):
        assert (await browser.get(f"/clear?state={unknown}")).set_cookies == {}

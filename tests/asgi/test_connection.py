"""AuthSession, get_auth and get_session: what an application does with its user's session."""

from __future__ import annotations

import pytest
from asgi_driver import Answer, Browser, drive, http_scope
from asgi_site import SESSION, VERIFIER, query_of, sign_in, signed_in_cookie, site
from emulated import PASSWORD
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from authkit_asgi import (
    AuthSession,
    GrantRejectedError,
    InvalidSessionError,
    KeysUnavailableError,
    MiddlewareMissingError,
    PKCEPayloadTooLargeError,
    SignedIn,
    UnavailableError,
    get_auth,
    get_session,
)
from authkit_asgi.seal import unseal
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


async def switch(request: Request) -> Response:
    auth = await get_session(request).switch_organization(request.path_params["organization"])
    assert isinstance(auth, SignedIn)
    assert request.state.auth is auth
    assert get_auth(request) is auth
    return JSONResponse([auth.organization_id, auth.role])


async def refresh(request: Request) -> Response:
    return JSONResponse((await get_session(request).refresh()).role)


async def sign_out(request: Request) -> Response:
    url = await get_session(request).sign_out(request.query_params.get("return_to"))
    assert request.state.auth.user is None
    return RedirectResponse(url, 303)


async def custom(request: Request) -> Response:
    url = await get_session(request).authorization_url(
        return_to="/who",
        custom_state=request.query_params["custom"],
        organization_id="org_globex",
        login_hint="ada@example.com",
    )
    return RedirectResponse(url, 303)


async def twice(request: Request) -> Response:
    session = get_session(request)
    urls = [await session.authorization_url(), await session.authorization_url()]
    return JSONResponse([query_of(url)["state"] for url in urls])


ROUTES = [
    Route("/switch/{organization}", switch),
    Route("/refresh", refresh),
    Route("/sign-out", sign_out),
    Route("/custom", custom),
    Route("/twice", twice),
]


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    browser = Browser(site(emulator, ROUTES))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    return browser


async def test_switch_organization_changes_the_session_and_its_cookie(browser, emulator):
    answer = await browser.get("/switch/org_globex")
    assert answer.json == ["org_globex", "member"]
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await browser.get("/who")).json["organization"] == "org_globex"
    assert emulator.count("authenticate") == 1


async def test_switch_organization_refused_leaves_the_session(browser, emulator):
    emulator.add_organization("Strict", sso_required=True, organization_id="org_strict")
    emulator.add_membership("user_ada", "org_strict")
    before = browser.cookies[SESSION]
    with pytest.raises(GrantRejectedError) as raised:
        await browser.get("/switch/org_strict")
    assert raised.value.reason == "sso_required"
    assert browser.cookies[SESSION] == before
    assert (await browser.get("/who")).json["organization"] == "org_acme"


async def test_refresh_brings_a_new_role(browser, emulator):
    emulator.add_membership("user_ada", "org_acme", role="viewer")
    answer = await browser.get("/refresh")
    assert (answer.json, answer.set_cookies.keys()) == ("viewer", {SESSION})
    assert (await browser.get("/who")).json["organization"] == "org_acme"


async def test_refresh_during_an_outage_leaves_the_session(browser, emulator):
    emulator.fail("authenticate", status=500)
    before = browser.cookies[SESSION]
    with pytest.raises(UnavailableError):
        await browser.get("/refresh")
    assert browser.cookies[SESSION] == before
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_refresh_without_a_session_says_so(browser):
    browser.cookies.clear()
    with pytest.raises(InvalidSessionError, match="no session to refresh"):
        await browser.get("/refresh")


async def test_refresh_whose_token_cannot_be_verified_yet_keeps_the_successor(emulator):
    """The keys change with the token and cannot be fetched: the old refresh token is spent."""
    answers: list[Answer] = []

    async def endpoint(request: Request) -> Response:
        session = get_session(request)
        with pytest.raises(KeysUnavailableError) as raised:
            await session.refresh()
        assert raised.value.retry_after >= 1
        return JSONResponse(session.has_session)

    browser = Browser(site(emulator, [Route("/refresh", endpoint)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answers.append(await browser.get("/who"))
    emulator.rotate_keys()
    emulator.fail("jwks", times=None, status=500)
    answers.append(await browser.get("/refresh"))
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[1].set_cookies.keys() == {SESSION}
    emulator.clear_faults()
    emulator._state.clock.now += 5
    assert (await browser.get("/who")).json["user"] == "user_ada"
    assert emulator.count("authenticate") == 1


async def test_sign_out_of_ones_own_route_deletes_the_session(browser):
    answer = await browser.get("/sign-out?return_to=/bye")
    assert query_of(answer.location)["return_to"] == "https://app.example.com/bye"
    assert answer.set_cookies.keys() == {SESSION, f"{SESSION}.0", f"{SESSION}.1"}
    assert browser.cookies == {}


async def test_authorization_url_of_ones_own_route_keeps_a_custom_state(browser, emulator):
    seen = []
    browser.app = site(
        emulator, ROUTES, auth_options={"on_success": lambda _, r: seen.append(r.custom_state)}
    )
    answer = await sign_in(browser, emulator, "/custom?custom=an+%C3%A9")
    assert (answer.status, answer.location) == (303, "/who")
    assert seen == ["an é"]
    assert (await browser.get("/who")).json["organization"] == "org_globex"


async def test_authorization_url_with_too_long_a_custom_state_raises(browser):
    with pytest.raises(PKCEPayloadTooLargeError):
        await browser.get("/custom?custom=" + "x" * 2049)


async def test_authorization_url_twice_in_one_request_keeps_both(browser, clock):
    answer = await browser.get("/twice")
    cookies = {n: v for n, v in browser.cookies.items() if n.startswith(VERIFIER)}
    assert sorted(cookies.values()) == sorted(answer.json)
    assert all(unseal(value, PASSWORD, ttl=600, clock=clock) for value in cookies.values())


@pytest.mark.parametrize("ask", [get_auth, get_session])
@pytest.mark.parametrize("state", [None, {}, {"auth": 1}, {"auth": None, "authkit": object()}])
def test_without_the_middleware_the_error_says_what_to_do(ask, state):
    scope = http_scope("GET", "/")
    if state is None:
        del scope["state"]
    else:
        scope["state"] = state
    with pytest.raises(MiddlewareMissingError, match=r"app\.add_middleware\(AuthKitMiddleware\)"):
        ask(HTTPConnection(scope))


async def test_session_shows_no_secret(browser, emulator):
    shown = []

    async def endpoint(request: Request) -> Response:
        session = get_session(request)
        shown.append(repr(session))
        assert isinstance(session, AuthSession)
        assert session.config.client_id == "client_emulator"
        user = await session.client.user_management.get_user("user_ada")
        return JSONResponse(user.email)

    browser.app = site(emulator, [Route("/", endpoint)])
    assert (await browser.get("/")).json == "ada@example.com"
    assert shown[0].startswith("AuthSession(auth=SignedIn(user=User(id='user_ada'")
    assert "eyJ" not in shown[0]
    assert "Fe26" not in shown[0]


async def test_get_session_where_skip_applies_says_so(emulator):
    async def endpoint(request: Request) -> Response:
        assert get_auth(request).user is None
        get_session(request)
        raise AssertionError

    app = site(emulator, [Route("/static", endpoint)], skip=("/static",))
    with pytest.raises(MiddlewareMissingError):
        await drive(app, http_scope("GET", "/static"))

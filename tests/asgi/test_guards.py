"""Guards: 401 for programs, the way to sign in for browsers, 503 when nobody can tell."""

from __future__ import annotations

import pytest
from asgi_driver import FETCH, NAVIGATION, Browser, Headers, drive, http_scope
from asgi_site import SESSION, query_of, sign_in, signed_in_cookie, site
from emulated import ORIGIN
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from authkit_asgi import (
    AuthKitError,
    MiddlewareMissingError,
    NotSignedInError,
    RecentSignInRequiredError,
    SignedOutReason,
    SignInRedirectError,
    TemporarilyUnavailableError,
    require_signed_in,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


async def guarded(request: Request) -> Response:
    return PlainTextResponse(require_signed_in(request).user.id)


METHODS = ["GET", "POST", "HEAD", "PUT"]
ROUTES = [
    Route("/me", guarded, methods=METHODS),
    Mount("/sub", routes=[Route("/me", guarded), Mount("/sub", routes=[Route("/me", guarded)])]),
    Route("/{rest:path}", guarded),
]


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    return Browser(site(emulator, ROUTES))


def metadata(mode: str, destination: str | None = None, accept: str = "text/html") -> Headers:
    headers = [("accept", accept), ("sec-fetch-mode", mode)]
    return headers if destination is None else [*headers, ("sec-fetch-dest", destination)]


KINDS: dict[str, tuple[str, Headers, int]] = {
    "navigation": ("GET", NAVIGATION, 303),
    "navigation in a frame": ("GET", metadata("navigate", "iframe"), 303),
    "navigation in an object": ("GET", metadata("navigate", "object"), 401),
    "navigation without a destination": ("GET", metadata("navigate"), 303),
    "form sent": ("POST", NAVIGATION, 303),
    "fetch": ("GET", FETCH, 401),
    "fetch that accepts HTML": ("GET", metadata("cors", "empty"), 401),
    "image": ("GET", metadata("no-cors", "image"), 401),
    "older browser": ("GET", [("accept", "text/html,*/*")], 303),
    "older browser's form": ("POST", [("accept", "text/html")], 401),
    "older browser's HEAD": ("HEAD", [("accept", "text/html")], 401),
    "HEAD": ("HEAD", NAVIGATION, 401),
    "API client": ("GET", [("accept", "application/json")], 401),
    "curl": ("GET", [("accept", "*/*")], 401),
    "nothing": ("GET", [], 401),
}


@pytest.mark.parametrize(("method", "headers", "status"), KINDS.values(), ids=KINDS)
async def test_guard_tells_documents_from_data(browser, method, headers, status):
    answer = await browser.request(method, "/me", headers)
    assert answer.status == status
    assert answer.headers["vary"] == "Cookie"
    assert answer.set_cookies == {}
    if status == 303:
        assert answer.location == "/login?return_to=%2Fme"
        assert answer.headers["cache-control"] == "no-store"
    else:
        assert answer.headers["www-authenticate"] == "Cookie"
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("referrer", "return_to"),
    [
        (f"{ORIGIN}/settings?tab=2", "%2Fsettings%3Ftab%3D2"),
        (f"{ORIGIN}.evil.example/settings", "%2Fme"),
        ("https://evil.example/settings", "%2Fme"),
        (ORIGIN, "%2Fme"),
        ("", "%2Fme"),
    ],
)
async def test_guard_sends_a_form_back_to_the_page_it_stood_on(browser, referrer, return_to):
    answer = await browser.request("POST", "/me", [*NAVIGATION, ("referer", referrer)])
    assert answer.location == f"/login?return_to={return_to}"


async def test_guard_lets_a_user_through(browser, emulator):
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    answer = await browser.get("/me")
    assert (answer.status, answer.text) == (200, "user_ada")


SPECULATIVE = [
    ("sec-purpose", "prefetch"),
    ("sec-purpose", "prefetch;prerender"),
    ("sec-purpose", "prefetch;anonymous-client-ip"),
    ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
]


@pytest.mark.parametrize("header", SPECULATIVE)
async def test_guard_sends_no_prefetch_to_sign_in(browser, header):
    answer = await browser.get("/me", [*NAVIGATION, header])
    assert (answer.status, answer.set_cookies) == (401, {})
    assert answer.headers["cache-control"] == "no-store"
    assert "location" not in answer.headers


RETURNS = [
    "/a/b?c=d&e=f",
    "/a?return_to=/x%26y",
    "/a%2Fb/c%20d?q=%C3%A9&r=a+b",
    "/%C3%A9?x",
    "/a;b=c,d/@:!$&'()*+~?=?/",
    "/a%00?b=%0d%0a",
    "/%2525",
]


@pytest.mark.parametrize("target", RETURNS)
async def test_guard_brings_people_back_to_exactly_the_page(browser, emulator, target):
    answer = await browser.get(target)
    assert answer.status == 303
    assert query_of(answer.location) == {"return_to": target}
    done = await sign_in(browser, emulator, answer.location)
    assert (done.status, done.location) == (303, target)


@pytest.mark.parametrize(
    ("path", "sent"),
    [("/é/ü b", "/%C3%A9/%C3%BC%20b"), ("/a?b", "/a%3Fb"), ("/\udcff", "/%ED%B3%BF")],
)
async def test_guard_quotes_the_path_where_the_server_does_not_tell_it(browser, path, sent):
    scope = http_scope("GET", "/", NAVIGATION, path=path)
    del scope["raw_path"]
    answer = await drive(browser.app, scope)
    assert query_of(answer.location) == {"return_to": sent}


@pytest.mark.parametrize("target", ["//evil.example/", "/\\evil.example", "//evil.example//me"])
async def test_guard_does_not_lead_off_the_site(browser, emulator, target):
    answer = await browser.get(target)
    assert answer.location.startswith("/login?return_to=")
    assert (await sign_in(browser, emulator, answer.location)).location == "/"


@pytest.mark.parametrize("target", ["/me?a=1", "/sub/me", "/sub/sub/me"])
@pytest.mark.parametrize("root", ["", "/app"])
async def test_guard_knows_the_root_path(browser, target, root):
    answer = await browser.get(root + target, root_path=root)
    assert answer.location.partition("?")[0] == f"{root}/login"
    assert query_of(answer.location) == {"return_to": root + target}


@pytest.mark.parametrize("root", ["/app", "/app/"])
async def test_guard_knows_a_root_path_that_the_proxy_has_taken_off(browser, root):
    answer = await browser.get("/me?a=1", root_path=root)
    assert answer.location == "/app/login?return_to=%2Fapp%2Fme%3Fa%3D1"


async def test_guard_of_a_path_that_only_looks_like_the_root_path(browser):
    answer = await browser.get("/application", root_path="/app")
    assert query_of(answer.location) == {"return_to": "/app/application"}


async def test_guard_sends_to_the_configured_login_path(emulator):
    browser = Browser(site(emulator, ROUTES, login_path="/auth/login"))
    assert (await browser.get("/me")).location == "/auth/login?return_to=%2Fme"


async def test_guard_where_skip_applies_says_so_instead_of_sending_to_sign_in_for_ever(emulator):
    browser = Browser(site(emulator, ROUTES, skip=("/me",)))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    with pytest.raises(MiddlewareMissingError):
        await browser.get("/me")


async def test_guard_does_not_pass_on_a_path_too_long_to_be_kept(browser):
    assert (await browser.get(f"/me?q={'x' * 3000}")).location == "/login"
    assert (await browser.get(f"/me?q={'x' * 2000}")).location.endswith("x" * 2000)


@pytest.mark.parametrize(
    ("root_path", "location"),
    [
        ("/app/", "/app/login?return_to=%2Fapp%2Fme"),
        ("//evil.example", "/evil.example/login?return_to=%2Fevil.example%2Fme"),
        ("/réseau", "/r%C3%A9seau/login?return_to=%2Fr%25C3%25A9seau%2Fme"),
        ("/", "/login?return_to=%2Fme"),
    ],
)
async def test_guard_puts_any_root_path_into_a_location_of_this_site(browser, root_path, location):
    assert (await browser.get("/me", root_path=root_path)).location == location


@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["document", "fetch"])
async def test_guard_during_an_outage_answers_503_and_keeps_the_session(browser, emulator, headers):
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"})
    answer = await browser.get("/me", headers)
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.set_cookies == {}
    assert "location" not in answer.headers
    assert (await browser.get("/me", headers)).text == "user_ada"


async def test_guard_during_an_outage_of_the_jwks_answers_503(browser, emulator):
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    emulator.fail("jwks", times=None, status=500)
    answer = await browser.get("/me", FETCH)
    assert (answer.status, int(answer.headers["retry-after"]) >= 1) == (503, True)


REASONS = {
    "invalid_grant": SignedOutReason.REFRESH_DENIED,
    "sso_required": SignedOutReason.SSO_REQUIRED,
    "mfa_enrollment": SignedOutReason.MFA_ENROLLMENT,
}


@pytest.mark.parametrize(("word", "reason"), REASONS.items())
async def test_guard_errors_can_be_handled_by_the_application(emulator, word, reason):
    async def handler(_: Request, error: Exception) -> Response:
        assert isinstance(error, NotSignedInError)
        assert isinstance(error, AuthKitError)
        return JSONResponse({"code": error.code, "reason": error.reason}, 418)

    app = site(emulator, ROUTES)
    app.add_exception_handler(NotSignedInError, handler)
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=400, body={"error": word})
    answer = await browser.get("/me", FETCH)
    assert (answer.status, answer.json) == (418, {"code": "not_signed_in", "reason": reason})


async def test_guard_without_the_middleware_says_what_to_do():
    app = Starlette(routes=[Route("/", guarded)])
    with pytest.raises(MiddlewareMissingError, match="add_middleware"):
        await drive(app, http_scope("GET", "/"))


@pytest.mark.parametrize(
    ("kind", "about", "code", "told", "headers"),
    [
        (
            NotSignedInError,
            SignedOutReason.INVALID_JWT,
            "not_signed_in",
            (401, "Not signed in"),
            {"WWW-Authenticate": "Cookie"},
        ),
        (
            SignInRedirectError,
            "/login",
            "sign_in_redirect",
            (303, "Sign in to see this page"),
            {"Location": "/login"},
        ),
        (
            RecentSignInRequiredError,
            60,
            "recent_sign_in_required",
            (401, "This needs a recent sign-in"),
            {"WWW-Authenticate": 'Cookie error="insufficient_user_authentication", max_age="60"'},
        ),
        (
            TemporarilyUnavailableError,
            3,
            "temporarily_unavailable",
            (503, "You have not been signed out: try again in 3 s"),
            {"Retry-After": "3"},
        ),
    ],
)
def test_guard_errors_are_http_exceptions_with_stable_codes(kind, about, code, told, headers):
    error = kind(about)
    assert isinstance(error, HTTPException)
    assert (error.code, error.status_code, error.detail) == (code, *told)
    assert error.headers == {**headers, "Cache-Control": "no-store"}

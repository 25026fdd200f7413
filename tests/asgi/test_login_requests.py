"""/login and /signup with hostile parameters, and asked by whatever browsers send of themselves."""

from __future__ import annotations

import itertools
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from asgi_driver import Browser, drive, http_scope
from asgi_site import SESSION, VERIFIER, query_of, sign_in, signed_in_cookie, site
from emulated import API, Clock
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from user_agent import read

from authkit_asgi import PKCEPayloadTooLargeError, get_session, require_signed_in
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

AUTHORIZE = f"{API}/user_management/authorize"
OWN = {"provider", "client_id", "redirect_uri", "response_type", "state", "code_challenge",
       "code_challenge_method"}  # fmt: skip
OPTIONS = ("organization_id", "login_hint", "prompt")
HOSTILE = [
    "x&redirect_uri=https://evil.example", "x&state=1", "x#fragment", "x?y", "x;y=z", "x%26y=z",
    "x%2526client_id=1", "x\r\nSet-Cookie: a=b", "x\r\n\r\n<script>", "\x00", "\x7f", "\t", "+",
    " ", "=", "&", "#", "%", "%zz", "\\", "/../..", "//evil.example", "@evil.example",
    "https://evil.example", "<script>alert(1)</script>", "\"'>", "é", "日本", "\U0001f600",
    "\u2028", "\ufeff", "\u202e", "javascript:alert(1)", "x" * 1024, "\uffff" * 300,
    "org_1,org_2", "null", "[]", "{}",
]  # fmt: skip


def assert_asked_of_workos_only(location: str) -> dict[str, str]:
    """Return the parameters of the authorization URL, each of which stands there once."""
    parts = urlsplit(location)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == AUTHORIZE
    assert parts.fragment == ""
    assert location.isascii()
    assert location.isprintable()
    assert " " not in location
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True, separator="&")
    assert len(dict(pairs)) == len(pairs)
    query = dict(pairs)
    assert query["client_id"] == "client_emulator"
    assert query["redirect_uri"] == "https://app.example.com/callback"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    return query


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("name", OPTIONS)
async def test_hostile_option_stays_one_parameter(browser, name, value):
    answer = await browser.get(f"/login?{name}={quote(value, safe='')}")
    query = assert_asked_of_workos_only(answer.location)
    assert query.keys() == OWN | {name}
    assert query[name] == value


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("name", ["screen_hint", "max_age"])
async def test_hostile_option_of_a_fixed_form_is_refused_without_being_shown(browser, name, value):
    answer = await browser.get(f"/login?{name}={quote(value, safe='')}")
    assert (answer.status, answer.set_cookies) == (400, {})
    assert answer.json == {"detail": f"The parameter {name} is not one that can be passed on"}


names = st.sampled_from([*OPTIONS, "screen_hint", "max_age", "return_to", "state",
                         "redirect_uri", "client_id", "code_challenge", "x"])  # fmt: skip
values = st.text(max_size=30) | st.sampled_from([*HOSTILE, "sign-up", "0", "34560000", "/who"])


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(names, values), max_size=6), st.sampled_from(["/login", "/signup"]))
@example([("login_hint", "a&client_id=b")], "/login")
async def test_any_query_asks_workos_for_this_site_only(emulator, pairs, path):
    browser = Browser(site(emulator))
    query = "&".join(f"{k}={quote(v.encode('utf-8', 'replace'), safe='')}" for k, v in pairs)
    answer = await browser.get(f"{path}?{query}")
    if answer.status == 303:
        asked = assert_asked_of_workos_only(answer.location)
        assert asked.keys() <= OWN | {*OPTIONS, "screen_hint", "max_age"}
        (cookie,) = [
            read(line.encode(), "https://app.example.com/") for line in answer.all("set-cookie")
        ]
        assert cookie is not None
        assert cookie.value == asked["state"]
    else:
        assert (answer.status, answer.set_cookies) == (400, {})


@pytest.mark.parametrize("size", [3_000, 100_000])
@pytest.mark.parametrize("unit", ["x", "%C3%A9", "%00", "%22", "/..", "&a=", "+"])
async def test_return_to_of_any_size_begins_a_sign_in_with_a_small_cookie(
    browser, emulator, unit, size
):
    wanted = "/" + unit * (size // len(unit))
    answer = await sign_in(browser, emulator, f"/login?return_to={wanted}")
    assert answer.status == 303
    assert answer.location == ("/" + "%22" * 1_000 if (unit, size) == ("%22", 3_000) else "/")
    assert SESSION in browser.cookies


def with_custom_state(emulator: WorkOSEmulator) -> Starlette:
    async def own(request: Request) -> Response:
        try:
            state = (await request.body()).decode("utf-8", "surrogatepass")
            url = await get_session(request).authorization_url(custom_state=state)
        except PKCEPayloadTooLargeError as error:
            return PlainTextResponse(error.code, 400)
        return RedirectResponse(url, 303)

    return site(emulator, [Route("/own", own, methods=["POST"])])


@pytest.mark.parametrize(
    ("state", "status"),
    [(b"", 303), (b"x" * 2048, 303), (b"x" * 2049, 400), (b"x" * 3_000, 400),
     (b"x" * 100_000, 400), (b"\x00" * 2048, 400), (b'"' * 2048, 400), (b"\xed\xa0\x80", 303),
     (b"\r\nSet-Cookie: a=b", 303)],
    ids=lambda value: repr(value)[:16],
)  # fmt: skip
async def test_custom_state_of_any_size_is_kept_whole_or_refused_without_a_cookie(
    emulator, state, status
):
    app = with_custom_state(emulator)
    answer = await drive(app, http_scope("POST", "/own"), body=state)
    assert answer.status == status
    if status == 400:
        assert (answer.text, answer.set_cookies) == ("pkce_payload_too_large", {})
    else:
        assert_asked_of_workos_only(answer.location)
        (line,) = answer.all("set-cookie")
        assert len(line) <= 3800
        assert read(line.encode(), "https://app.example.com/") is not None


MODES = [
    "navigate",
    "cors",
    "no-cors",
    "same-origin",
    "websocket",
    "nested-navigate",
    "",
    "NAVIGATE",
]
DESTINATIONS = [None, "document", "iframe", "image", "empty", "script", "style", "prefetch"]
SITES = ["same-origin", "same-site", "cross-site", "none"]


@pytest.mark.parametrize("path", ["/login", "/signup"])
@pytest.mark.parametrize("mode", MODES)
async def test_only_navigations_begin_a_sign_in(browser, path, mode):
    for destination, origin in itertools.product(DESTINATIONS, SITES):
        headers = [("sec-fetch-mode", mode), ("sec-fetch-site", origin)]
        headers += [] if destination is None else [("sec-fetch-dest", destination)]
        answer = await browser.get(path, headers)
        assert answer.status == (303 if mode == "navigate" else 400)
        assert bool(answer.set_cookies) == (mode == "navigate")
        assert len(browser.cookies) <= 5


SPECULATION = [
    ("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"),
    ("sec-purpose", "prefetch; anonymous-client-ip"), ("purpose", "prefetch"),
    ("x-moz", "prefetch"),
]  # fmt: skip


@pytest.mark.parametrize("header", SPECULATION, ids="=".join)
@pytest.mark.parametrize("path", ["/login", "/signup", "/callback?code=1", "/callback?error=x"])
async def test_speculative_request_changes_nothing_whatever_comes_with_it(
    browser, emulator, path, header
):
    browser.cookies = {f"{VERIFIER}{number:08x}": "x" for number in range(7)}
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    before = dict(browser.cookies)
    for mode in MODES:
        answer = await browser.get(path, [("sec-fetch-mode", mode), header])
        assert (answer.status, answer.set_cookies, answer.body) == (204, {}, b"")
    assert browser.cookies == before
    assert emulator.count("authenticate") == 0


@pytest.mark.parametrize("count", [5, 6, 40, 120])
@pytest.mark.parametrize("kind", ["alive", "rubbish", "both"])
async def test_any_number_of_verifiers_comes_down_to_five(emulator, clock: Clock, count, kind):
    """As many as a response can carry go at once, and the rest with the sign-ins after it."""
    browser = Browser(site(emulator))
    alive = {}
    for _ in range(count if kind != "rubbish" else 0):
        begun = await Browser(browser.app).get("/login")
        state = query_of(begun.location)["state"]
        alive |= dict.fromkeys(begun.set_cookies, state)
        clock.now += 0.5
    rubbish = {f"{VERIFIER}{number:08x}": "x" for number in range(count if kind != "alive" else 0)}
    browser.cookies = {**rubbish, **alive}
    for _ in range(len(browser.cookies) // 20 + 1):
        answer = await browser.get("/login")
        assert len(answer.set_cookies) <= 21
    assert len(browser.cookies) <= 5
    begun = await browser.get("/login")
    newest = query_of(begun.location)["state"]
    assert newest in browser.cookies.values()


async def test_guarded_page_sends_no_hostile_address_on(emulator):
    async def guarded(request: Request) -> Response:
        return PlainTextResponse(require_signed_in(request).user.id)

    browser = Browser(site(emulator, [Route("/{rest:path}", guarded)]))
    for value in HOSTILE:
        target = f"/{quote(value, safe='/?&=;:@+')}"
        answer = await browser.get(target)
        if answer.status == 404:
            assert "\n" in value  # Starlette's paths end at a line's end
            continue
        path, _, query = answer.location.partition("?")
        assert path == "/login"
        assert query == "" or (query.startswith("return_to=%2F") and "&" not in query)
        assert answer.location.isascii()

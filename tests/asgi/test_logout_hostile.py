"""/logout under what other sites, odd programs and broken clients send."""

from __future__ import annotations

import itertools
from urllib.parse import quote, urlsplit

import anyio
import pytest
from asgi_driver import Answer, Browser, collect, drive, http_scope
from asgi_site import SESSION, query_of, signed_in_cookie, site
from emulated import ORIGIN
from hypothesis import given
from hypothesis import strategies as st

from authkit_asgi.fetch_metadata import is_own_form, is_own_link
from authkit_asgi.testing import WorkOSEmulator

# No server lets such requests through; whatever stands in front of the middleware might.
pytestmark = [pytest.mark.anyio, pytest.mark.breaks_asgi("upper case", "with CR, LF or NUL")]

SITE = site(WorkOSEmulator())
SAME_ORIGIN = [("sec-fetch-site", "same-origin")]
LINK = [*SAME_ORIGIN, ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
CROSS_SITE = [("sec-fetch-site", "cross-site"), *LINK[1:]]

# Fetch Metadata Request Headers, 2.1-2.4; then what is no value of the header, or looks like one.
SITES = [None, "same-origin", "same-site", "cross-site", "none", "", "Same-Origin", "SAME-ORIGIN",
         " same-origin", "same-origin ", "same-origin;a=1", '"same-origin"', "same-origin, none",
         "same-origin,same-origin", "same_origin", "sameorigin", "same-origin\x00", "null", "*",
         "?1", "same-origin\xa0", "same-origins", "self"]  # fmt: skip
MODES = [None, "navigate", "cors", "no-cors", "same-origin", "websocket", "", "Navigate",
         "navigate, cors", "navigate;a", "nested-navigate", "webtransport"]  # fmt: skip
DESTINATIONS = [None, "document", "iframe", "frame", "embed", "object", "empty", "image", "script",
                "style", "font", "fencedframe", "serviceworker", "", "Document", "document, iframe",
                "report", "track", "video", "xslt", "webidentity"]  # fmt: skip
USERS = [None, "?1", "?0"]


def fetch_headers(*values):
    """Return Sec-Fetch-Site, -Mode, -Dest and -User as headers, but for those that are `None`."""
    names = ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "sec-fetch-user")
    pairs = zip(names, values, strict=True)
    return [(name, value) for name, value in pairs if value is not None]


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    """Has a session cookie."""
    browser = Browser(site(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    return browser


def check_nothing_happened(browser: Browser, answer: Answer) -> None:
    assert answer.set_cookies == {}
    assert "location" not in answer.headers
    assert SESSION in browser.cookies


def test_of_all_fetch_metadata_one_kind_of_get_and_one_site_of_post_count():
    own_links, own_forms = set(), set()
    for values in itertools.product(SITES, MODES, DESTINATIONS, USERS):
        headers = fetch_headers(*values)
        if is_own_link(http_scope("GET", "/logout", headers)):
            own_links.add(values[:3])
        if is_own_form(http_scope("POST", "/logout", headers), ORIGIN):
            own_forms.add(values[0])
    assert own_links == {("same-origin", "navigate", "document")}
    assert own_forms == {"same-origin"}


@pytest.mark.parametrize("header", ["sec-purpose", "purpose", "x-moz"])
@pytest.mark.parametrize(
    "value", ["prefetch", "prefetch;prerender", "prefetch;anonymous-client-ip"]
)
async def test_logout_that_a_browser_only_warms_up_changes_nothing(browser, header, value):
    answer = await browser.get("/logout", [*LINK, (header, value)])
    assert answer.status == 200
    check_nothing_happened(browser, answer)


@pytest.mark.parametrize("value", SITES)
async def test_logout_by_post_under_any_value_of_the_site_but_one_is_refused(browser, value):
    headers = [("origin", ORIGIN), *fetch_headers(value, "navigate", "document", "?1")]
    answer = await browser.post("/logout", headers)
    if value in {"same-origin", None}:  # without metadata its Origin speaks for it
        assert (answer.status, browser.cookies) == (303, {})
    else:
        assert answer.status == 403
        check_nothing_happened(browser, answer)


@pytest.mark.parametrize("second", ["same-origin", "same-site", "cross-site", "none", ""])
async def test_logout_with_fetch_metadata_twice_changes_nothing(browser, second):
    for pair in itertools.permutations([("sec-fetch-site", second), SAME_ORIGIN[0]]):
        answer = await browser.post("/logout", [*pair, ("origin", ORIGIN)])
        assert answer.status == 403
        check_nothing_happened(browser, answer)
        answer = await browser.get("/logout", [*pair, *LINK[1:]])
        assert answer.status == 200
        check_nothing_happened(browser, answer)


@pytest.mark.parametrize("header", ["sec-fetch-mode", "sec-fetch-dest"])
async def test_logout_by_get_with_mode_or_destination_twice_changes_nothing(browser, header):
    answer = await browser.get("/logout", [*LINK, (header, "empty")])
    assert answer.status == 200
    check_nothing_happened(browser, answer)


OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"]


@pytest.mark.parametrize("header", OVERRIDES)
async def test_logout_does_not_know_method_overrides(browser, header):
    for method, status in (("GET", 200), ("HEAD", 200), ("PUT", 405)):
        answer = await browser.request(
            method, "/logout?_method=POST", [(header, "POST"), ("origin", ORIGIN), *CROSS_SITE]
        )
        assert answer.status == status
        check_nothing_happened(browser, answer)
    answer = await browser.post("/logout?_method=GET", [(header, "GET"), *CROSS_SITE])
    assert answer.status == 403
    check_nothing_happened(browser, answer)


@pytest.mark.parametrize(
    "method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PURGE", "post", "Get", ""]
)
async def test_logout_by_any_other_method_changes_nothing(browser, method):
    answer = await browser.request(method, "/logout", [*LINK, ("origin", ORIGIN)])
    assert answer.status == 405
    check_nothing_happened(browser, answer)


@pytest.mark.parametrize(
    "path", ["/logout/", "//logout", "/LOGOUT", "/logout;x", "/logout%00", "/./logout", "/x/logout"]
)
async def test_logout_at_an_address_that_looks_alike_changes_nothing(browser, path):
    for method in ("GET", "POST"):
        answer = await browser.request(method, path, LINK)
        assert answer.status in {307, 404}  # Starlette takes a trailing slash off
        assert answer.set_cookies == {}
    assert SESSION in browser.cookies


BODIES = {
    "none": [],
    "a form": [("content-type", "application/x-www-form-urlencoded"), ("content-length", "40")],
    "huge": [("content-type", "multipart/form-data"), ("content-length", "9" * 30)],
    "bad multipart": [("content-type", "multipart/form-data; boundary="), ("content-length", "1")],
    "JSON": [("content-type", "application/json"), ("content-length", "-1")],
    "text": [("content-type", "text/plain"), ("transfer-encoding", "chunked")],
    "odd charset": [("content-type", "text/html; charset=\xff"), ("content-length", "\xb2")],
    "waits": [("expect", "100-continue"), ("content-length", "10")],
}


@pytest.mark.parametrize("headers", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("own", [True, False])
async def test_logout_does_not_read_its_body(browser, headers, own):
    """So that none can be too long, too slow, broken, or say where to go."""

    async def receive():
        raise AssertionError("the body was asked for")

    answer = Answer()
    target = "/logout?return_to=/bye"
    metadata = SAME_ORIGIN if own else CROSS_SITE
    scope = http_scope("POST", target, [*headers, *metadata, *browser._cookie_header()])
    await browser.app(scope, receive, collect(answer))
    assert answer.status == (303 if own else 403)
    assert bool(answer.set_cookies) == own
    if own:
        assert query_of(answer.location)["return_to"] == f"{ORIGIN}/bye"


async def test_logout_does_not_take_return_to_from_the_body(browser):
    form = b"return_to=https%3A%2F%2Fshop.example.com%2F"
    headers = [("content-type", "application/x-www-form-urlencoded"), *SAME_ORIGIN]
    scope = http_scope("POST", "/logout", [*headers, *browser._cookie_header()])
    answer = await drive(browser.app, scope, body=form)
    assert query_of(answer.location).keys() == {"session_id"}


QUERIES = {
    "return_to=/a&return_to=https://evil.example": f"{ORIGIN}/",
    "return_to=https://evil.example&return_to=/a": f"{ORIGIN}/a",
    "return_to[]=https://evil.example": None,
    "RETURN_TO=https://evil.example": None,
    "return_to=https%3A%2F%2Fevil.example": f"{ORIGIN}/",
    "return_to=%2F%2Fevil.example": f"{ORIGIN}/",
    "return_to=%2F%09%2Fevil.example": f"{ORIGIN}/",
    "return_to=/%0d%0aSet-Cookie:a=b": f"{ORIGIN}/",
    "return_to=%ff": f"{ORIGIN}/",
    "return_to=/%ff": f"{ORIGIN}/%EF%BF%BD",
    "return_to=/%zz": f"{ORIGIN}/%zz",
    "return_to=/\xff": f"{ORIGIN}/%C3%BF",
    "return_to=/%E2%80%AE": f"{ORIGIN}/%E2%80%AE",
    "return_to": f"{ORIGIN}/",
    "&&=&return_to=/a;return_to=//evil.example": f"{ORIGIN}/a;return_to=//evil.example",
    "return_to=" + "/x" * 2000: f"{ORIGIN}/",
    f"return_to={ORIGIN}/" + "x" * 2048: f"{ORIGIN}/",
    "return_to=https://app.example.com%2eevil.example/": f"{ORIGIN}/",
}


@pytest.mark.parametrize(("query", "reached"), QUERIES.items(), ids=lambda text: repr(text)[:40])
async def test_logout_with_an_odd_query_stays_on_the_site(browser, query, reached):
    answer = await browser.post(f"/logout?{query}", SAME_ORIGIN)
    assert answer.status == 303
    assert query_of(answer.location).get("return_to") == reached
    answer = await browser.post(f"/logout?{query}", SAME_ORIGIN)
    assert answer.location == (reached or "/")


async def test_page_that_asks_first_shows_and_keeps_nothing_of_the_query(browser):
    plain = await browser.get("/logout", CROSS_SITE)
    asked = await browser.get("/logout?return_to=%22%3E%3Cscript%3Ealert(1)", CROSS_SITE)
    assert asked.body == plain.body
    assert "frame-ancestors 'none'" in asked.headers["content-security-policy"]


@given(
    st.binary(max_size=60).map(lambda octets: quote(octets, safe="&=/:%?")),
    st.text(st.characters(max_codepoint=0xFF), max_size=40),
    st.lists(st.sampled_from([*LINK, ("origin", "null"), ("sec-fetch-site", "cross-site")])),
)
def test_any_request_either_signs_out_or_changes_nothing(query, cookie, headers):
    headers = [*headers, ("cookie", f"{SESSION}={cookie}")]
    for method in ("GET", "POST"):
        scope = http_scope(method, f"/logout?return_to={query}", headers)
        answer = anyio.run(drive, SITE, scope)
        assert (answer.status == 303) == bool(answer.set_cookies)
        if answer.status == 303:
            values = [value for name, value in headers if name == "sec-fetch-site"]
            assert values == ["same-origin"]
            parts = urlsplit(answer.location)
            assert parts.netloc in {"", "app.example.com"}
        else:
            assert answer.status in {200, 403}

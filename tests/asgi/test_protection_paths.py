"""`protect=True`: no path, however it is written, gets a stranger to what is protected."""

from __future__ import annotations

import functools

import pytest
from asgi_driver import FETCH, Browser, drive, http_scope, websocket_scope
from asgi_site import SESSION, signed_in_cookie
from hypothesis import given, settings
from hypothesis import strategies as st
from protected_sites import OF_PREFLIGHTS, SECRET, SITES, mounted, with_skip
from starlette.types import ASGIApp

from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

sites = pytest.mark.parametrize("build", SITES)

ATTEMPTS = [
    "/admin",
    "/admin/",
    "//admin",
    "///admin",
    "/./admin",
    "/x/../admin",
    "/about/../admin",
    "/about/admin",
    "/about/",
    "/about//",
    "//about",
    "/./about",
    "/About",
    "/ADMIN",
    "/about;/../admin",
    "/about;x=1",
    "/;/admin",
    "/admin;/about",
    "/admin%2f",
    "/admin%00",
    "/admin%00/about",
    "/about%00",
    "/about%0a",
    "/about%0d%0a",
    "/about%20",
    "/about%3f",
    "/about%23",
    "/about%5c..%5cadmin",
    "/%2e/admin",
    "/%61dmin",
    "/%2561dmin",
    "/%2fadmin",
    "/%5cadmin",
    "/assets",
    "/assetsx",
    "/ASSETS/a.css",
    "/assets/../admin",
    "/assets/..%2fadmin",
    "/assets/%2e%2e/admin",
    "/assets/%2e%2e%2fadmin",
    "/assets/%252e%252e/admin",
    "/assets/%252e%252e%252fadmin",
    "/assets/..;/admin",
    "/assets/.;/../admin",
    "/assets/..%5cadmin",
    "/assets/..%00/admin",
    "/assets/%2e%2e%09/admin",
    "/assets/./../admin",
    "/assets//../admin",
    "/assets/a/../../admin",
    "/assets/..",
    "/assets/.",
    "/assets%2f..%2fadmin",
    "/app/admin",
    "/api/admin",
    "/api/about",
    "/login/",
    "/login/../admin",
    "/callback/admin",
    "/logout;/admin",
    "*",
    "",
    "admin",
    "http://app.example.com/about",
]
# What a router answers that stands outside, and where `skip` names the path itself.
OUTSIDE = {(mounted, 404), (mounted, 307), (mounted, 405), (with_skip, 200)}
HEADERS = [
    ("host", "about"),
    ("x-original-url", "/about"),
    ("x-rewrite-url", "/about"),
    ("x-forwarded-prefix", "/assets"),
    ("x-forwarded-uri", "/about"),
    ("forwarded", "for=127.0.0.1;path=/about"),
    ("x-http-method-override", "OPTIONS"),
    ("referer", "https://app.example.com/about"),
]


@sites
@pytest.mark.parametrize("target", ATTEMPTS)
async def test_nobody_gets_by_with_an_odd_path(emulator, build, target):
    app = build(emulator)
    for root in ("", "/app"):
        prefix = root if build is mounted or root else ""
        for method in ("GET", "POST", "PUT"):
            scope = http_scope(method, prefix + target, FETCH, root_path="")
            answer = await drive(app, scope)
            assert SECRET not in answer.text
            assert answer.status == 401 or (build, answer.status) in OUTSIDE
        assert SECRET not in str((await drive(app, websocket_scope(prefix + target))).messages)


@sites
@pytest.mark.parametrize("header", HEADERS)
async def test_no_header_makes_a_path_public(emulator, build, header):
    prefix = "/app" if build is mounted else ""
    answer = await drive(build(emulator), http_scope("GET", f"{prefix}/admin", [*FETCH, header]))
    assert (answer.status, answer.json["code"]) == (401, "not_signed_in")


@sites
@pytest.mark.parametrize("target", ["/", "/about", "/assets/a.css", "/assets/a/b c/é.css"])
async def test_public_paths_are_everybodys(emulator, build, target):
    prefix = "/app" if build is mounted else ""
    answer = await drive(build(emulator), http_scope("GET", prefix + target, FETCH))
    assert (answer.status, answer.text) == (200, "public")
    assert "vary" not in answer.headers


@sites
async def test_whoever_is_signed_in_gets_everything(emulator, build):
    prefix = "/app" if build is mounted else ""
    browser = Browser(build(emulator))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    for target in ("/admin", "/admin/x", "/assets/../admin", "//admin"):
        assert (await browser.get(prefix + target)).text == SECRET
    answer = await browser.websocket(f"{prefix}/admin/ws")
    assert answer.messages[1]["text"] == SECRET


PIECES = [
    *("/", "//", "/./", "/../", "..", ".", "\\", ";", ";a=b", "%2f", "%2e", "%2e%2e", "%5c", "%3b"),
    *("%00", "%0a", "%20", "%09", "%25", "%252f", "%252e", "%3f", "%23", "?", "#", "%", "+", "*"),
    *("admin", "about", "assets", "ADMIN", "Assets", "login", "callback", "app", "api", "ws", "x"),
    *("a.css", "%61dmin", "%C3%A9", "%ff", "~"),
]
STARTS = ["", "/", "/about", "/assets", "/assets/x", "/login", "/app/assets", "/api/assets"]
JOINTS = ["/", "/", "//", "/./", "%2f", "%252f", "\\", "%5c", ";/", "/;", "%00/", "%0a/"]
SEGMENTS = ["..", "..", "%2e%2e", ".%2e", "%252e%252e", "..;", "..;a=b", "..%00", "...", "x"]
ENDS = ["admin", "admin", "admin/", "admin;a=b", "admin%00", "admin/ws", "%61dmin", "%2561dmin"]

joints = st.sampled_from(JOINTS)
anything = st.lists(st.sampled_from(PIECES), max_size=9).map("".join)
climbs = st.lists(st.tuples(joints, st.sampled_from(SEGMENTS)).map("".join), max_size=3)
detours = st.builds(
    lambda climb, joint, end: f"{''.join(climb)}{joint}{end}",
    climbs,
    joints,
    st.sampled_from(ENDS),
)
PREFLIGHT = [("origin", "https://evil.example"), ("access-control-request-method", "GET")]


@pytest.mark.breaks_asgi(*OF_PREFLIGHTS)
@settings(max_examples=500)
@given(
    site=st.integers(0, len(SITES) - 1),
    target=st.builds(str.__add__, st.sampled_from(STARTS), st.one_of(detours, anything)),
    asked=st.sampled_from(
        [("GET", []), ("POST", []), ("HEAD", []), ("OPTIONS", []), ("OPTIONS", PREFLIGHT)]
    ),
    root=st.sampled_from(["", "", "", "/app", "/assets", "/about"]),
)
async def test_whatever_the_path_no_stranger_reaches_what_is_protected(site, target, asked, root):
    app, (method, headers) = _apps()[site], asked
    answer = await drive(app, http_scope(method, target, [*FETCH, *headers], root_path=root))
    assert SECRET not in answer.body.decode()
    answer = await drive(app, websocket_scope(target))
    assert SECRET not in str(answer.messages)


@functools.cache
def _apps() -> list[ASGIApp]:
    """Each site once: nobody signs in at any of them."""
    emulator = WorkOSEmulator()
    return [build(emulator) for build in SITES]

"""Every redirect of ours: 303, to this site or to WorkOS, and to the page that was meant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from asgi_driver import NAVIGATION, Answer, Browser, Headers
from asgi_site import SESSION, begin, query_of, sign_in, signed_in_cookie, site
from emulated import API, ORIGIN, PASSWORD
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import require_signed_in
from authkit_asgi.pkce import safe_return_path, verifier_cookie_name
from authkit_asgi.seal import seal, unseal
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors/return-paths.json").read_text(encoding="utf-8")
)
# What a browser would follow to another site, and what it would follow to this one.
AWAY = [path for path, origin, _ in VECTORS["verdicts"] if origin not in {ORIGIN, None}][::17]
HERE = [path for path, origin, _ in VECTORS["verdicts"]
        if origin == ORIGIN and path and safe_return_path(path, "") == path][::7]  # fmt: skip


def encoded(path: str) -> str:
    return quote(path.encode("utf-8", "replace"), safe="")


async def guarded(request: Request) -> Response:
    return PlainTextResponse(require_signed_in(request).user.id)


def guarded_site(emulator: WorkOSEmulator, **changes: Any) -> Browser:
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return Browser(site(emulator, [Route("/me", guarded, methods=methods)], **changes))


@pytest.mark.parametrize("path", AWAY, ids=repr)
async def test_no_door_leads_off_the_site(emulator, clock, path):
    browser = guarded_site(emulator)
    done = await sign_in(browser, emulator, f"/login?return_to={encoded(path)}")
    assert (done.status, done.location) == (303, "/")
    begun = query_of((await browser.get(f"/signup?return_to={encoded(path)}")).location)
    assert "returnPathname" not in unseal(begun["state"], PASSWORD, clock=clock)
    out = await browser.post(f"/logout?return_to={encoded(path)}")
    assert out.location.startswith(f"{API}/user_management/sessions/logout?")
    assert query_of(out.location)["return_to"] == f"{ORIGIN}/"
    assert (await browser.post(f"/logout?return_to={encoded(path)}")).location == f"{ORIGIN}/"


@pytest.mark.parametrize("path", AWAY[::3], ids=repr)
async def test_path_that_somehow_got_into_the_state_is_looked_at_again(
    browser, emulator, clock, path
):
    """Another kit under the same password may have sealed it, with checks of its own."""
    target = await begin(browser, emulator)
    code = query_of(target)["code"]
    content = {"codeVerifier": "v" * 43, "issuedAt": int(clock() * 1000), "returnPathname": path}
    state = seal(content, PASSWORD, ttl=600, clock=clock)
    browser.cookies = {verifier_cookie_name(state): state}
    emulator.fail("authenticate", body=emulator.sign_in("user_ada"))
    answer = await browser.get(f"/callback?code={code}&state={state}")
    assert (answer.status, answer.location) == (303, "/")


@pytest.mark.parametrize("path", HERE, ids=repr)
async def test_page_of_this_site_is_reached_as_it_was_asked_for(browser, emulator, path):
    answer = await sign_in(browser, emulator, f"/login?return_to={encoded(path)}")
    assert answer.status == 303
    assert unquote(answer.location) == unquote(path)
    if not set(path) & set('"<>^`{|}'):  # which a header had better not hold as they are
        assert answer.location == path


class Refresh(HTMLParser):
    """Collects where a page goes on to, by itself and by its links."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv") == "refresh":
            delay, _, target = str(given["content"]).partition("; url=")
            assert delay == "0"
            self.targets.append(target)
        assert tag not in {"script", "img", "iframe", "base", "form", "object", "svg"}
        if "href" in given:
            self.targets.append(str(given["href"]))


@pytest.mark.parametrize("path", [*AWAY[::5], *HERE[::9], "/'\"><script>x</script>", "/&quot;"])
async def test_page_that_goes_on_by_itself_goes_to_the_page_asked_for_and_nowhere_else(
    emulator, path
):
    browser = Browser(site(emulator, cookie_same_site="strict"))
    answer = await sign_in(browser, emulator, f"/login?return_to={encoded(path)}")
    page = Refresh()
    page.feed(answer.text)
    assert answer.status == 200
    assert page.targets == [path if path not in AWAY else "/"] * 2


Step = Callable[[Browser, WorkOSEmulator], Awaitable[Answer]]


def asking(method: str, target: str, headers: Headers = NAVIGATION, *, signed_in: bool) -> Step:
    async def step(browser: Browser, emulator: WorkOSEmulator) -> Answer:
        if signed_in:
            browser.cookies[SESSION] = signed_in_cookie(emulator)
        return await browser.request(method, target, headers)

    return step


async def reloaded(browser: Browser, emulator: WorkOSEmulator) -> Answer:
    target = await begin(browser, emulator)
    await browser.get(target)
    return await browser.get(target)


STEPS: dict[str, Step] = {
    "login": asking("GET", "/login", signed_in=False),
    "login, signed in": asking("GET", "/login", signed_in=True),
    "sign-up": asking("GET", "/signup", signed_in=False),
    "callback": sign_in,
    "callback without state": asking("GET", "/callback?code=1", signed_in=False),
    "callback reloaded": reloaded,
    "sign-out": asking("POST", "/logout", signed_in=True),
    "sign-out, signed out": asking("POST", "/logout", signed_in=False),
    "sign-out to a page": asking("POST", "/logout?return_to=/bye", signed_in=True),
    "sign-out by a link": asking("GET", "/logout", signed_in=True),
    **{
        f"guard of a {method}": asking(method, "/me", signed_in=False)
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    "guard of a form on a page": asking(
        "POST", "/me", [*NAVIGATION, ("referer", f"{ORIGIN}/form")], signed_in=False
    ),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
async def test_redirect_is_a_303_that_repeats_no_body_and_is_not_stored(emulator, step):
    """RFC 9700, 4.12: after a 307 or 308 a browser would send the form on."""
    answer = await step(guarded_site(emulator), emulator)
    assert answer.status == 303
    assert answer.location.startswith(("/", f"{API}/user_management/"))
    assert not answer.location.startswith("//")
    assert "no-store" in answer.headers["cache-control"]

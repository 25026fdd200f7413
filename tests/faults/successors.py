"""Who comes back with an old cookie, and gets the session that has followed on it."""

from __future__ import annotations

from asgi_driver import FETCH, Answer, Browser
from asgi_site import SESSION, who
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from authkit_asgi import AuthKit, AuthKitMiddleware

LATER = {"at once": 0, "after 31 s": 31, "after 50 minutes": 3000}
LIFETIME = 300  # seconds of an access token; after 50 minutes the successor's has expired as well

Cookies = dict[str, str]


async def come(authkit: AuthKit, cookies: Cookies) -> tuple[Answer, Cookies]:
    """Send a request with a browser's cookies, and return the answer and the cookies kept then."""
    middleware = [Middleware(AuthKitMiddleware, authkit=authkit)]
    browser = Browser(Starlette(routes=[Route("/who", who)], middleware=middleware))
    browser.cookies = dict(cookies)
    answer = await browser.get("/who", FETCH)
    return answer, browser.cookies


async def gets_the_successor(authkit: AuthKit, old: Cookies) -> Cookies:
    """See that old cookies are signed in, and return the new ones, which are to work as well."""
    answer, successor = await come(authkit, old)
    assert answer.json["user"] == "user_ada"
    changed = {name: line for name, line in answer.set_cookies.items() if "Max-Age=0" not in line}
    assert changed.keys() == successor.keys()
    assert {name.partition(".")[0] for name in successor} == {SESSION}
    assert successor != old
    return successor


async def keeps_its_cookies(authkit: AuthKit, cookies: Cookies) -> None:
    """See that cookies are signed in and stay."""
    answer, _ = await come(authkit, cookies)
    assert (answer.json["user"], answer.set_cookies) == ("user_ada", {})

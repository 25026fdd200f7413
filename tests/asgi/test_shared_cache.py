"""Behind a shared cache, nobody is given another one's page or cookie."""

from __future__ import annotations

import itertools

import pytest
from asgi_driver import Answer, http_scope
from asgi_site import SESSION, cookie_header, site
from emulated import service
from shared_cache import SharedCache
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKitMiddleware, get_auth
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

# What a page for its user says of caches, in whatever order people come.
PAGES: dict[str, tuple[int, dict[str, str]]] = {
    "nothing": (200, {}),
    "an age": (200, {"cache-control": "max-age=600"}),
    "an age for shared caches": (200, {"cache-control": "s-maxage=600"}),
    "public": (200, {"cache-control": "public, max-age=600"}),
    "an ETag": (200, {"etag": '"1"'}),
    "a date": (200, {"last-modified": "Thu, 01 Jan 1970 00:00:00 GMT"}),
    "another Vary": (200, {"vary": "accept-encoding", "cache-control": "max-age=600"}),
    "a redirect": (301, {"location": "/"}),
    "an error": (404, {}),
    "gone": (410, {"cache-control": "max-age=600"}),
}
PEOPLE = ("user_ada", "user_bob", None)


def asking(emulator: WorkOSEmulator, user: str | None, lifetime: float | None) -> Scope:
    headers = [] if user is None else [cookie_header(emulator, user, lifetime)]
    return http_scope("GET", "/page", headers)


@pytest.mark.parametrize("lifetime", [None, -100], ids=["signed in", "expired"])
@pytest.mark.parametrize("order", list(itertools.permutations(PEOPLE)))
@pytest.mark.parametrize(("status", "headers"), PAGES.values(), ids=PAGES)
async def test_cache_gives_nobody_another_ones_page_or_cookie(
    emulator, status, headers, order, lifetime
):
    async def page(request: Request) -> Response:
        user = get_auth(request).user
        return JSONResponse(None if user is None else user.id, status, headers)

    cache = SharedCache(site(emulator, [Route("/page", page)]))
    seen: dict[str | None, Answer] = {}
    for user in order:
        seen[user] = await cache.get(asking(emulator, user, lifetime))
    assert {user: answer.json for user, answer in seen.items()} == {user: user for user in PEOPLE}
    assert seen[None].all("set-cookie") == []
    lines = [line for answer in seen.values() for line in answer.all("set-cookie")]
    assert len(set(lines)) == len(lines) == (2 if lifetime else 0)


@pytest.mark.parametrize("order", list(itertools.permutations(PEOPLE)))
async def test_cache_keeps_no_page_of_an_application_that_never_asked(emulator, order):
    """The cookie alone keeps an answer out: the application may know its user by other means."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        user = scope["state"]["auth"].user
        await JSONResponse(None if user is None else user.id)(scope, receive, send)

    cache = SharedCache(AuthKitMiddleware(application, authkit=service(emulator)))
    for user in order:
        assert (await cache.get(asking(emulator, user, None))).json in (user, None)
    # A stranger's page is no secret; an application that asks by `get_auth` keeps it apart, too.
    assert [answer.json for _, answer in cache.stored] == [None]


async def test_cache_keeps_what_is_the_same_for_everybody(emulator):
    async def asset(_: Request) -> Response:
        return Response("body", headers={"cache-control": "public, max-age=600"})

    cache = SharedCache(site(emulator, [Route("/page", asset)], skip=("/page",)))
    for user in (*PEOPLE, *PEOPLE):
        answer = await cache.get(asking(emulator, user, None))
        assert (answer.text, SESSION in answer.set_cookies) == ("body", False)
    assert (len(cache.stored), cache.hits) == (1, 5)

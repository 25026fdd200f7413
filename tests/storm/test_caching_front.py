"""nginx as a cache in front: what one user is given it gives nobody else."""

from __future__ import annotations

import secrets

import pytest
from caching_front import CACHES, GREEDY, SHIPPED, Front
from front_client import Reply, fetch
from soak_browser import SCRIPT, Browser, Surroundings
from soak_checks import FROM_CACHE, SESSION, Asked, faults, opened
from storm_processes import Emulator

pytestmark = pytest.mark.anyio


@pytest.fixture(params=CACHES)
def front(request: pytest.FixtureRequest, soaked_site: Surroundings) -> Front:
    return next(front for front in soaked_site.fronts if front.name == request.param)


async def ask(front: Front, target: str, cookie: str = "") -> Reply:
    """Ask as a script of the site does, and see that nothing of anybody else's comes."""
    cookies = {SESSION: cookie} if cookie else {}
    reply = await fetch(front.port, "GET", target, SCRIPT, cookies=cookies)
    asked = Asked("GET", target, opened(cookie) if cookie else None, has_cookie=bool(cookie))
    assert list(faults(asked, reply)) == []
    return reply


def cold(target: str) -> str:
    """Return an address that no cache has seen."""
    return f"{target}?age=3600&{secrets.token_hex(8)}"


def renewed(reply: Reply) -> str:
    ((name, cookie),) = reply.cookies
    assert name == SESSION
    return cookie


async def test_session_refreshed_on_a_public_page_goes_to_its_browser_alone(
    workos: Emulator, front: Front
):
    ada, bob = workos.members(2)
    page = cold("/news/1")
    cookies = []
    for member in (ada, bob):
        reply = await ask(front, page, member.cookie)
        assert (reply.status, reply.cache) == (200, "MISS")
        assert reply.header("cache-control") == "private, no-store"
        cookies.append(renewed(reply))
    assert [opened(cookie) for cookie in cookies] == [opened(each.cookie) for each in (ada, bob)]
    # The same page without a cookie is everybody's from then on, as the application has said.
    kept = await ask(front, page)
    assert (kept.cache, kept.cookies) == ("MISS", [])
    for cookie in ("", *cookies):
        reply = await ask(front, page, cookie)
        assert (reply.cache, reply.cookies, reply.body) == ("HIT", [], kept.body)
    # Not even one whose session is due: the workers are not asked.
    assert (await ask(front, page, ada.cookie)).cookies == []
    assert workos.exchanges() == [200, 200]


@pytest.mark.parametrize("page", ["/who/plain", "/who/dated", "/session", "/members", "/token"])
@pytest.mark.parametrize("lifetime", [300, -60], ids=["signed in", "expired"])
async def test_no_cache_keeps_a_page_that_a_user_was_given(
    workos: Emulator, front: Front, page: str, lifetime: int
):
    page = cold(page)
    cookies = [member.cookie for member in workos.members(2, lifetime=lifetime)]
    for cookie in cookies * 2:
        reply = await ask(front, page, cookie)
        assert (reply.status, reply.cache) == (200, "MISS")
    # Nor are they given what it keeps of strangers.
    before = [await ask(front, page) for _ in range(2)]
    is_kept = front.name == GREEDY and "who" in page
    assert (before[-1].cache == "HIT") is is_kept
    for cookie in cookies:
        assert (await ask(front, page, cookie)).cache not in FROM_CACHE


@pytest.mark.parametrize("front", [SHIPPED, GREEDY], indirect=True)
async def test_page_said_to_be_public_is_kept_for_each_cookie_apart(workos: Emulator, front: Front):
    page = cold("/who/public")
    cookies = [member.cookie for member in workos.members(2, lifetime=300)]
    for cookie in ("", *cookies):
        assert (await ask(front, page, cookie)).cache == "MISS"
    for cookie in (*cookies, ""):
        reply = await ask(front, page, cookie)
        assert reply.cache == "HIT"
        assert bool(reply.json["user"]) is bool(cookie)


async def test_page_for_bearer_tokens_is_given_to_its_token_alone(workos: Emulator, front: Front):
    page = cold("/api")
    members = workos.members(2, lifetime=300)
    tokens = [(await ask(front, "/token", each.cookie)).json["access_token"] for each in members]
    for member, token in zip(members * 2, tokens * 2, strict=True):
        headers = [("authorization", f"Bearer {token}")]
        reply = await fetch(front.port, "GET", page, headers)
        asked = Asked("GET", page, opened(member.cookie), has_cookie=False)
        assert (reply.status, list(faults(asked, reply))) == (200, [])
    assert (await ask(front, page)).status == 401


async def test_file_that_is_skipped_is_kept_for_all(workos: Emulator, front: Front):
    (member,) = workos.members(1)
    file = cold("/static/1")
    first = await ask(front, file, member.cookie)
    second = await ask(front, file)
    assert (first.cache, second.cache) == ("MISS", "HIT")
    assert first.cookies == second.cookies == []
    validator = [("if-none-match", first.header("etag"))]
    assert (await fetch(front.port, "GET", file, validator)).status == 304
    head = await fetch(front.port, "HEAD", file)
    assert (head.status, head.cache, head.body) == (200, "HIT", b"")
    assert workos.exchanges() == []


async def test_browser_that_changes_its_users_is_given_each_ones_own(
    workos: Emulator, soaked_site: Surroundings
):
    members = workos.members(3, lifetime=300)
    soaked_site.any_worker.set()
    browsers = [Browser(member.user_id, soaked_site) for member in members]
    for browser, member in zip(browsers, members, strict=True):
        browser.take(member.cookie)
    for _ in range(3):
        for browser in browsers:
            await browser.sign_in(until=0)
            for _ in range(4):
                await browser.open_pages()
        await browsers[0].sign_out()
        await browsers[0].open_pages()
    assert soaked_site.violations == []
    assert [browser.losses for browser in browsers] == [[], [], []]
    assert soaked_site.counts["signed in"] == 9
    assert soaked_site.counts["signed out"] == 3

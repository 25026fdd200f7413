"""Workers that know the store beside workers that do not: into Redis, and out of it again."""

from __future__ import annotations

import pytest
from stored_site import (
    ADA,
    GLOBEX,
    INVALID,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
)
from stores_of_workers import store_of

pytestmark = pytest.mark.anyio


def served_by(app, browser):
    """Return the browser as another worker meets it."""
    return with_cookie(app, cookie_of(browser))


async def test_worker_that_does_not_know_the_store_leaves_the_cookie_alone(server, emulator):
    browser = await signed_in(emulator, store_of(server))
    unaware = served_by(shop(emulator), browser)
    answer = await unaware.get("/who")
    assert (answer.json, answer.set_cookies) == (INVALID, {})
    assert await seen(browser) == ADA


async def test_readers_first_and_writers_second_lose_nobody(server, emulator, clock):
    reader = shop(emulator, previous_store=store_of(server))
    writer = shop(emulator, store_of(server))
    browser = with_session(shop(emulator), emulator)
    before = cookie_of(browser)
    browser = served_by(reader, browser)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})  # nothing moves before there are writers
    assert cookie_of(browser) == before
    for _ in range(3):
        browser = served_by(writer, browser)
        assert await seen(browser) == ADA
        assert holds_id(browser)
        browser = served_by(reader, browser)
        assert await seen(browser) == ADA
        assert not holds_id(browser)
        clock.now += 400  # the next of them refreshes it
    browser = served_by(writer, browser)
    assert await seen(browser) == ADA
    assert holds_id(browser)
    assert emulator.count("authenticate", grant_type="refresh_token") == 3


async def test_switch_at_a_worker_that_takes_sessions_out_is_not_undone_by_one_that_puts_them_in(
    server, emulator, clock
):
    reader = shop(emulator, previous_store=store_of(server))
    writer = shop(emulator, store_of(server))
    browser = with_session(writer, emulator)
    assert await seen(browser) == ADA
    clock.now += 10
    browser = served_by(reader, browser)
    assert (await browser.post("/switch")).json == GLOBEX
    for app in (writer, reader, writer):
        browser = served_by(app, browser)
        assert await seen(browser) == GLOBEX


async def test_session_moves_from_one_redis_prefix_to_another(server, emulator):
    browser = await signed_in(emulator, store_of(server))
    old, new = store_of(server), store_of(server, prefix="new")
    moved = served_by(shop(emulator, new, previous_store=old), browser)
    assert await seen(moved) == ADA
    assert cookie_of(moved) != cookie_of(browser)
    alone = served_by(shop(emulator, store_of(server, prefix="new")), moved)
    answer = await alone.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})

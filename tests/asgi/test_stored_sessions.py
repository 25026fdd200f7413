"""Sessions kept on the server: the cookie holds an id, the store the session."""

from __future__ import annotations

import anyio
import pytest
from asgi_site import SESSION
from stored_site import (
    ADA,
    GLOBEX,
    OVER,
    SIGNED_OUT,
    UNAVAILABLE,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
)

pytestmark = pytest.mark.anyio


async def test_sign_in_puts_an_id_into_the_cookie_and_the_session_into_the_store(emulator, store):
    browser = await signed_in(emulator, store)
    assert holds_id(browser)
    assert len(store) == 1
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})


async def test_one_look_into_the_store_a_request(emulator, store):
    browser = await signed_in(emulator, store)
    store.calls.clear()
    for _ in range(3):
        assert await seen(browser) == ADA
    assert store.calls == ["get"] * 3


async def test_refresh_replaces_the_session_in_the_store_and_keeps_the_id(emulator, store, clock):
    browser = await signed_in(emulator, store)
    copy = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    assert await seen(browser) == ADA
    assert emulator.count("authenticate") == 2
    assert await seen(copy) == ADA  # a worker of its own
    assert emulator.count("authenticate") == 2
    assert len(store) == 1


async def test_switch_of_organization_is_seen_at_all_workers(emulator, store):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    assert (await browser.post("/switch")).json == GLOBEX
    assert await seen(other) == GLOBEX
    assert await seen(browser) == GLOBEX


async def test_sign_out_ends_the_session_for_all_who_have_the_cookie(emulator, store):
    browser = await signed_in(emulator, store)
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    assert await seen(thief) == ADA
    await browser.post("/logout")
    assert browser.named(SESSION) == []
    assert await seen(thief) == SIGNED_OUT


async def test_session_of_any_size_works(emulator, store):
    emulator.update_user("user_ada", metadata={"notes": "x" * 14_000})
    browser = await signed_in(emulator, store)
    assert holds_id(browser)
    assert await seen(browser) == ADA


async def test_store_that_is_down_makes_requests_unavailable_and_changes_no_cookie(emulator, store):
    browser = await signed_in(emulator, store)
    store.is_down = True
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (UNAVAILABLE, {})
    store.is_down = False
    assert await seen(browser) == ADA


async def test_session_in_a_cookie_moves_into_the_store(emulator, store):
    browser = with_session(shop(emulator, store), emulator)
    answer = await browser.get("/who")
    assert (answer.json, list(answer.set_cookies)) == (ADA, [SESSION])
    assert holds_id(browser)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies, len(store)) == (ADA, {}, 1)


async def test_parallel_moves_agree(emulator, store):
    session = with_session(shop(emulator, store), emulator)
    browsers = [with_cookie(shop(emulator, store), cookie_of(session)) for _ in range(5)]
    async with anyio.create_task_group() as tasks:
        for browser in browsers:
            tasks.start_soon(seen, browser)
    assert len(store) == 1
    assert [await seen(browser) for browser in browsers] == [ADA] * 5


async def test_move_of_an_expired_session_exchanges_it_once(emulator, store):
    browser = with_session(shop(emulator, store), emulator, lifetime=-100)
    full = cookie_of(browser)
    assert await seen(browser) == ADA
    assert holds_id(browser)
    late = with_cookie(shop(emulator, store), full)  # whose response was lost
    assert await seen(late) == ADA
    assert holds_id(late)
    assert (emulator.count("authenticate"), len(store)) == (1, 1)


async def test_cookie_left_behind_does_not_open_the_moved_session(emulator, store, clock):
    browser = with_session(shop(emulator, store), emulator)
    full = cookie_of(browser)
    assert await seen(browser) == ADA
    clock.now += 4000
    assert await seen(browser) == ADA  # refreshed
    thief = with_cookie(shop(emulator, store), full)
    assert (await seen(thief))["user"] is None
    assert len(cookie_of(thief)) == len(full)


async def test_session_signed_out_on_the_server_cannot_be_moved_there_again(emulator, store):
    browser = with_session(shop(emulator, store), emulator)
    full = cookie_of(browser)
    assert await seen(browser) == ADA
    await browser.post("/logout")
    assert await seen(with_cookie(shop(emulator, store), full)) == SIGNED_OUT


async def test_session_goes_back_into_the_cookie(emulator, store):
    browser = await signed_in(emulator, store)
    back = with_cookie(shop(emulator, previous_store=store), cookie_of(browser))
    assert await seen(back) == ADA
    assert not holds_id(back)
    alone = with_cookie(shop(emulator), cookie_of(back))
    assert (await alone.get("/who")).set_cookies == {}
    assert await seen(alone) == ADA


async def test_id_of_a_store_without_data_is_nobodys(emulator, store):
    browser = await signed_in(emulator, store)
    empty = with_cookie(shop(emulator, Store()), cookie_of(browser))
    answer = await empty.get("/who")
    assert (answer.json, answer.set_cookies) == (OVER, {})

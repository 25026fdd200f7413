"""What was revoked, signed out or replaced stays so, whoever could not be asked at the time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from asgi_site import SESSION, begin
from emulated import service
from stored_site import (
    ADA,
    SIGNED_OUT,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
)

from authkit_asgi.errors import StoreUnavailableError

pytestmark = pytest.mark.anyio


async def test_copy_from_before_the_move_stays_out_for_as_long_as_a_cookie_lives(
    emulator, store, clock
):
    browser = with_session(shop(emulator, store), emulator, lifetime=100_000)
    copy = cookie_of(browser)
    assert await seen(browser) == ADA
    assert holds_id(browser)
    await service(emulator, store=store).revoke_sessions("user_ada")
    clock.now += 7200
    assert await seen(with_cookie(shop(emulator, store), copy)) == SIGNED_OUT


async def test_session_that_went_back_into_its_cookie_is_revoked_there_too(emulator, store, clock):
    browser = with_session(shop(emulator, store), emulator)
    assert await seen(browser) == ADA
    browser.app = shop(emulator, previous_store=store)
    assert await seen(browser) == ADA
    assert not holds_id(browser)
    assert await service(emulator, previous_store=store).revoke_sessions("user_ada") == 1
    other = with_cookie(shop(emulator, previous_store=store), cookie_of(browser))
    assert await seen(other) == SIGNED_OUT
    store.is_down = True  # a store that sessions have left keeps nobody out
    assert (await seen(with_session(other.app, emulator, "user_bob")))["user"] == "user_bob"


@pytest.mark.parametrize("fails", ["a store", "one look"])
async def test_revocation_ends_what_it_finds_and_says_that_there_may_be_more(
    emulator, store, clock, fails
):
    browsers = [await signed_in(emulator, store) for _ in range(2)]
    previous = Store(clock)
    if fails == "a store":
        previous.is_down = True
    else:
        store.fails_once = True
    authkit = service(emulator, store=store, previous_store=previous)
    with pytest.raises(StoreUnavailableError):
        await authkit.revoke_sessions("user_ada")
    seen_by = [await seen(browser) for browser in browsers]
    assert SIGNED_OUT in seen_by
    assert fails == "one look" or seen_by == [SIGNED_OUT] * 2


async def test_sign_in_while_the_store_could_not_be_read_ends_what_the_cookie_names(
    emulator, store
):
    browser = await signed_in(emulator, store)
    thief = with_cookie(shop(emulator, store), cookie_of(browser))
    callback = await begin(browser, emulator)
    store.fails_once = True
    await browser.get(callback)
    assert await seen(browser) == ADA
    assert await seen(thief) == SIGNED_OUT


async def test_request_without_its_activity_cookie_drops_no_session(emulator, store, clock):
    browser = await signed_in(emulator, store, inactivity_timeout=200)
    clock.now += 150
    assert await seen(browser) == ADA
    clock.now += 100
    alone = with_cookie(browser.app, browser.named(SESSION)[0])
    assert (await seen(alone))["user"] is None
    assert await seen(browser) == ADA


async def test_workers_that_nothing_coordinates_all_take_what_the_first_has_got(
    emulator, store, clock
):
    browser = await signed_in(emulator, store)
    clock.now += 400
    emulator.fail("authenticate", times=3, delay=0.02)
    workers = [with_cookie(shop(emulator, store), cookie_of(browser)) for _ in range(3)]
    answers = await asyncio.gather(*map(seen, workers))
    assert answers == [ADA] * 3
    assert emulator.count("authenticate", grant_type="refresh_token", status=200) == 1


async def test_refusal_is_one_where_nobody_else_has_won(emulator, store, clock):
    browser = await signed_in(emulator, store)
    clock.now += 400
    emulator.fail("authenticate", times=2, status=400, body={"error": "invalid_grant"})
    answer: dict[str, Any] = await seen(browser)
    assert answer["reason"] == "refresh_denied"

"""Sessions on their way into a store, out of it, and from one to another."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_site import SESSION, sign_in
from emulated import ORIGIN, OTHER_PASSWORD, service
from outdated import LEGACY_KEY, sealed_by_sdk
from stored_site import (
    ADA,
    ROTATED,
    SIGNED_OUT,
    Store,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
    writes,
)

from authkit_asgi.refresh import InProcessRefreshCoordinator

pytestmark = pytest.mark.anyio


async def test_id_and_value_under_an_older_password_are_sealed_anew_once(emulator, store):
    browser = await signed_in(emulator, store)
    old = cookie_of(browser)
    browser.app = shop(emulator, store, **ROTATED)
    store.calls.clear()
    answer = await browser.get("/who")
    assert (answer.json, list(answer.set_cookies)) == (ADA, [SESSION])
    assert writes(store) == ["put"]
    for _ in range(3):
        answer = await browser.get("/who")
        assert (answer.json, answer.set_cookies) == (ADA, {})
    assert writes(store) == ["put"]
    browser.app = shop(emulator, store, cookie_password=OTHER_PASSWORD)
    assert await seen(browser) == ADA
    assert (await seen(with_cookie(browser.app, old)))["user"] is None


async def test_session_moved_before_a_rotation_is_found_after_it(emulator, store):
    browser = with_session(shop(emulator, store), emulator)
    full = cookie_of(browser)
    assert await seen(browser) == ADA
    late = with_cookie(shop(emulator, store, **ROTATED), full)
    assert await seen(late) == ADA
    assert len(store) == 1
    authkit = service(emulator, store=store, **ROTATED)
    assert len(await authkit.stored_sessions("user_ada")) == 1
    assert await authkit.revoke_sessions("user_ada") == 1
    assert await seen(late) == SIGNED_OUT


async def test_session_under_a_password_that_is_no_more_is_nobodys(emulator, store):
    browser = await signed_in(emulator, store)
    browser.app = shop(emulator, store, cookie_password=OTHER_PASSWORD)
    answer = await browser.get("/who")
    assert (answer.json["user"], answer.set_cookies) == (None, {})


async def test_fernet_cookie_moves_into_the_store(emulator, store):
    app = shop(emulator, store, legacy_fernet_key=LEGACY_KEY)
    browser = with_cookie(app, sealed_by_sdk(emulator.sign_in("user_ada")))
    assert await seen(browser) == ADA
    assert holds_id(browser)
    browser.app = shop(emulator, store)
    assert await seen(browser) == ADA


async def test_cookie_left_behind_with_a_token_still_good_stays_what_it_is(emulator, store, clock):
    browser = with_session(shop(emulator, store), emulator, lifetime=9000)
    full = cookie_of(browser)
    assert await seen(browser) == ADA
    clock.now += 4000
    await browser.post("/refresh")
    late = with_cookie(shop(emulator, store), full)
    answer = await late.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    await browser.post("/logout")
    assert await seen(late) == SIGNED_OUT


async def test_session_moves_from_store_to_store_and_keeps_what_it_became(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    second = Store(clock)
    browser = await signed_in(emulator, store)
    old = cookie_of(browser)
    browser.app = shop(emulator, second, previous_store=store)
    answer = await browser.get("/who")
    assert (answer.json, list(answer.set_cookies), len(second)) == (ADA, [SESSION], 1)
    store.calls.clear()
    clock.now += 400
    assert await seen(browser) == ADA
    late = with_cookie(shop(emulator, second, previous_store=store), old)  # its answer was lost
    assert await seen(late) == ADA
    assert writes(store) == []
    for each in (browser, late):
        each.app = shop(emulator, second)
        assert await seen(each) == ADA


async def test_session_goes_there_and_back_and_the_later_of_the_two_counts(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    stores = [store, Store(clock)]
    browser = with_session(shop(emulator, store), emulator)
    for _ in range(4):
        browser.app = shop(emulator, stores[0], previous_store=stores[1])
        assert await seen(browser) == ADA
        clock.now += 400
        assert await seen(browser) == ADA
        stores.reverse()
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)
    authkit = service(emulator, store=stores[0], previous_store=stores[1])
    assert len(await authkit.stored_sessions("user_ada")) == 1
    assert await authkit.revoke_sessions("user_ada") == 1
    for each in stores:
        assert (await seen(with_cookie(shop(emulator, each), cookie_of(browser)))) == SIGNED_OUT


async def test_large_session_stays_in_the_older_store_while_the_new_one_takes_no_writes(
    emulator, store, clock
):
    emulator.update_user("user_ada", metadata={"notes": "x" * 14_000})
    second = Store(clock)
    browser = await signed_in(emulator, store)
    browser.app = shop(emulator, second, previous_store=store)
    second.is_read_only = True
    clock.now += 400
    assert await seen(browser) == ADA
    assert holds_id(browser)
    second.is_read_only = False
    assert await seen(browser) == ADA
    browser.app = shop(emulator, second)
    assert await seen(browser) == ADA


async def test_older_store_with_what_nobody_can_read_is_not_needed(emulator, store, clock):
    older = Store(clock)
    browser = with_session(shop(emulator, store), emulator)
    copy = with_cookie(shop(emulator, older), cookie_of(browser))
    assert [await seen(browser), await seen(copy)] == [ADA, ADA]  # under the same id
    ((key, (_, *rest)),) = older._values.items()
    older._values[key] = ("rubbish", *rest)
    browser.app = shop(emulator, store, previous_store=older)
    assert await seen(browser) == ADA


async def test_session_goes_back_into_the_cookie_with_a_refresh_on_the_way(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    old = cookie_of(browser)
    clock.now += 400
    app = shop(emulator, previous_store=store)
    browser.app = app
    assert await seen(browser) == ADA
    assert not holds_id(browser)
    stored = with_cookie(shop(emulator, store), old)  # a worker that still has the store
    assert await seen(stored) == ADA
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)
    browser.app = shop(emulator)
    assert await seen(browser) == ADA


async def test_session_does_not_leave_the_store_once_it_was_refreshed_there(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    browser.app = shop(emulator, previous_store=store)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        clock.now += 1
        await other.post("/refresh")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    browser.app.mount("/slow", slow)
    answer = await browser.get("/slow/")
    assert answer.set_cookies == {}
    assert holds_id(browser)
    clock.now += 400
    assert await seen(browser) == ADA
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)


async def test_session_does_not_leave_a_store_that_cannot_be_asked(emulator, store):
    browser = await signed_in(emulator, store)
    browser.app = shop(emulator, previous_store=store)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        store.is_down = True
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    browser.app.mount("/slow", slow)
    assert (await browser.get("/slow/")).set_cookies == {}


async def test_slow_answer_does_not_put_a_spent_token_into_a_cookie_again(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = await signed_in(emulator, store)
    clock.now += 400
    app = browser.app = shop(emulator, previous_store=store)
    old = browser.jar.header(ORIGIN)

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        tab = with_cookie(app, old.partition("=")[2])
        assert await seen(tab) == ADA
        await tab.post("/refresh")
        await tab.post("/refresh")
        browser.jar = tab.jar
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app.mount("/slow", slow)
    await browser.get("/slow/")
    clock.now += 4000
    assert await seen(browser) == ADA
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)


async def test_workers_of_before_and_after_serve_one_browser(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    coordinator = InProcessRefreshCoordinator(timeout=5, clock=clock)
    before = shop(emulator, previous_store=store, coordinator=coordinator)
    after = shop(emulator, store, coordinator=coordinator)
    browser = with_session(before, emulator)
    for seconds in (0, 10, 400, 10, 0, 400, 400, 4000, 1):
        clock.now += seconds
        for app in (before, after):
            browser.app = app
            assert await seen(browser) == ADA
            assert browser.names() == [SESSION]
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)
    await browser.post("/logout")
    assert browser.names() == []


async def test_sign_out_at_a_worker_without_the_store_ends_what_is_there(emulator, store):
    browser = await signed_in(emulator, store)
    old = cookie_of(browser)
    browser.app = shop(emulator, previous_store=store)
    assert await seen(browser) == ADA
    assert not holds_id(browser)
    await browser.post("/logout")
    assert await seen(with_cookie(shop(emulator, store), old)) == SIGNED_OUT


async def test_sign_in_at_a_worker_without_the_store_ends_what_is_there(emulator, store):
    browser = await signed_in(emulator, store)
    old = cookie_of(browser)
    browser.app = shop(emulator, previous_store=store)
    await sign_in(browser, emulator, user="bob")
    assert await seen(with_cookie(shop(emulator, store), old)) == SIGNED_OUT
    assert not holds_id(browser)

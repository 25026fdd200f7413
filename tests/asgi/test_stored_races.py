"""Changes of a stored session that overlap, at workers with nothing in common but the store."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from asgi_driver import drive, http_scope
from asgi_site import SESSION, sign_in
from emulated import ORIGIN
from stored_site import (
    ADA,
    GLOBEX,
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

from authkit_asgi.errors import GrantRejectedError

pytestmark = pytest.mark.anyio


class SlowStore(Store):
    """A store whose first call of a kind takes until it is let go."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.waits_at: str | None = None
        self.entered, self.go_on = anyio.Event(), anyio.Event()

    async def _wait(self, call: str) -> None:
        if self.waits_at == call:
            self.waits_at = None
            self.entered.set()
            await self.go_on.wait()

    async def put(self, key: str, value: str, **how: Any) -> bool:
        await self._wait("put")
        return await super().put(key, value, **how)

    async def end(self, key: str, *, seconds: int) -> None:
        await self._wait("end")
        await super().end(key, seconds=seconds)

    async def while_waiting(self, call: str, slow: Any, *others: Any) -> Any:
        """Return the answer to `slow`, in whose first such call the `others` come and go."""
        self.waits_at = call
        task = asyncio.create_task(slow)
        with anyio.fail_after(10):
            await self.entered.wait()
            for other in others:
                await other
            self.go_on.set()
            return await task


@pytest.fixture
def store(clock):
    return SlowStore(clock)


async def test_sign_out_elsewhere_beats_a_refresh_under_way(emulator, store, clock):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    answer = await store.while_waiting("put", browser.get("/who"), other.post("/logout"))
    assert (answer.json, answer.set_cookies) == (SIGNED_OUT, {})
    assert await seen(browser) == SIGNED_OUT


async def test_sign_out_elsewhere_beats_an_explicit_refresh_under_way(emulator, store):
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    with pytest.raises(GrantRejectedError, match="signed_out"):
        await store.while_waiting("put", browser.post("/refresh"), other.post("/logout"))
    assert await seen(browser) == SIGNED_OUT


async def test_sign_out_elsewhere_beats_a_refresh_that_changes_the_session_id(
    emulator, store, clock
):
    emulator.configure(rotate_session_id=True)
    browser = with_session(shop(emulator, store), emulator, lifetime=-100)
    full = cookie_of(browser)
    other = with_cookie(shop(emulator, store), full)
    answer = await store.while_waiting("put", browser.get("/who"), other.post("/logout"))
    assert (answer.json, answer.set_cookies) == (SIGNED_OUT, {})
    assert await seen(with_cookie(shop(emulator, store), full)) == SIGNED_OUT


async def test_sign_out_elsewhere_beats_a_move_under_way(emulator, store):
    browser = with_session(shop(emulator, store), emulator)
    full = cookie_of(browser)
    other = with_cookie(shop(emulator, store), full)
    answer = await store.while_waiting("put", browser.get("/who"), other.post("/logout"))
    assert answer.set_cookies == {}
    assert await seen(browser) == SIGNED_OUT
    assert await seen(with_cookie(shop(emulator, store), full)) == SIGNED_OUT


async def test_revocation_elsewhere_beats_a_refresh_under_way(emulator, store, clock):
    browser = await signed_in(emulator, store)
    authkit = shop(emulator, store).user_middleware[0].kwargs["authkit"]
    clock.now += 400
    revoke = authkit.revoke_sessions("user_ada")
    answer = await store.while_waiting("put", browser.get("/who"), revoke)
    assert answer.json == SIGNED_OUT
    assert await seen(browser) == SIGNED_OUT


async def test_session_of_a_slow_sign_out_is_over_in_its_process_at_once(emulator, store):
    app = shop(emulator, store)
    browser = with_cookie(app, cookie_of(await signed_in(emulator, store)))
    thief = with_cookie(app, cookie_of(browser))
    answers: list[Any] = []

    async def look() -> None:
        answers.append(await seen(thief))

    await store.while_waiting("end", browser.post("/logout"), look())
    assert answers == [SIGNED_OUT]


async def test_switch_elsewhere_is_not_undone_by_a_slower_refresh(emulator, store, clock):
    emulator.configure(replay_window=60)
    browser = await signed_in(emulator, store)
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    switched = other.post("/switch")
    assert (await store.while_waiting("put", switched, seen(browser))).json == GLOBEX
    assert len(store) == 1
    assert await seen(browser) in (ADA, GLOBEX)  # one of the two, and the same at both
    assert await seen(other) == await seen(browser)


async def test_slower_of_two_moves_does_not_put_a_spent_token_back(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    slow = with_session(shop(emulator, store), emulator)
    quick = with_cookie(shop(emulator, store), cookie_of(slow))

    async def move_and_refresh() -> None:
        assert await seen(quick) == ADA
        clock.now += 1
        await quick.post("/refresh")

    await store.while_waiting("put", slow.get("/who"), move_and_refresh())
    clock.now += 400
    assert await seen(slow) == ADA
    assert await seen(quick) == ADA
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)


async def test_slow_answer_does_not_bring_the_id_of_an_ended_session_back(emulator, store, clock):
    browser = await signed_in(emulator, store)
    old = browser.jar.header(ORIGIN)
    clock.now += 400
    other = with_cookie(shop(emulator, store), cookie_of(browser))
    held, go_on = anyio.Event(), anyio.Event()

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        held.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    browser.app.mount("/slow", slow)
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await drive(browser.app, http_scope("GET", "/slow/", [("cookie", old)])))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await held.wait()
        await sign_in(other, emulator, user="bob")
        go_on.set()
    assert answers[0].set_cookies == {}


async def test_sign_in_ends_the_session_before_it_everywhere(emulator, store):
    browser = await signed_in(emulator, store)
    old = with_cookie(shop(emulator, store), cookie_of(browser))
    await sign_in(browser, emulator)
    assert await seen(old) == SIGNED_OUT
    assert cookie_of(browser) != cookie_of(old)
    assert await seen(browser) == ADA


async def test_sign_in_ends_a_session_that_another_tab_is_moving(emulator, store):
    browser = with_session(shop(emulator, store), emulator)
    full = cookie_of(browser)
    tab = with_cookie(shop(emulator, store), full)
    answer = await store.while_waiting("put", tab.get("/who"), sign_in(browser, emulator))
    assert answer.set_cookies == {}
    assert await seen(browser) == ADA
    assert await seen(with_cookie(shop(emulator, store), full)) == SIGNED_OUT


async def test_sign_in_under_the_same_session_id_ends_the_old_record_alone(emulator, store):
    answer = emulator.sign_in("user_ada")
    authkit = shop(emulator, store).user_middleware[0].kwargs["authkit"]
    before, old = await authkit.keep(await authkit.accept_sign_in(answer))
    after, new = await authkit.keep(await authkit.accept_sign_in(answer))
    await authkit.replace(before, after)
    assert await seen(with_cookie(shop(emulator, store), old)) == SIGNED_OUT
    assert await seen(with_cookie(shop(emulator, store), new)) == ADA


async def test_dead_session_is_dropped_a_minute_after_its_refusal(emulator, store, clock):
    browser = await signed_in(emulator, store)
    emulator.end_session(emulator_session(emulator))
    clock.now += 400
    assert (await seen(browser))["reason"] == "refresh_denied"
    assert len(store) == 1
    assert holds_id(browser)
    clock.now += 61
    answer = await browser.get("/who")
    assert SESSION in answer.set_cookies
    assert browser.named(SESSION) == []


async def test_late_loser_deletes_nothing_that_has_been_replaced(emulator, store, clock):
    browser = await signed_in(emulator, store)
    loser = with_cookie(shop(emulator, store), cookie_of(browser))
    clock.now += 400
    ((key, (old, *_)),) = store._values.items()  # as for whom the store is slow
    assert await seen(browser) == ADA
    new = store._values[key]
    store._values[key] = (old, *new[1:])
    assert (await seen(loser))["reason"] == "refresh_denied"
    clock.now += 61

    async def replaced() -> None:
        store._values[key] = new

    answer = await store.while_waiting("put", loser.get("/who"), replaced())
    assert answer.set_cookies == {}
    assert await seen(loser) == ADA


def emulator_session(emulator: Any) -> str:
    (session,) = emulator._state.sessions.active_of("user_ada")
    return session.id

"""Redis down, hanging, read-only, full, emptied: nobody is let in and nobody loses a session."""

from __future__ import annotations

import asyncio
import time

import pytest
from asgi_site import sign_in
from jar_browser import JarBrowser
from outages import OUTAGES, every_outage, warnings
from stored_site import (
    ADA,
    OVER,
    SIGNED_OUT,
    UNAVAILABLE,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
)
from stores_of_workers import OWNER, new_key, put, store_of

from authkit_asgi import redis_connection
from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.redis import RedisSessionStore

pytestmark = pytest.mark.anyio

READABLE = ("a replica", "without replicas", "full", "without scripts")
UNREADABLE = [name for name in OUTAGES if name not in READABLE]
while_unreadable = pytest.mark.parametrize(
    ("begin", "end"), [OUTAGES[name] for name in UNREADABLE], ids=UNREADABLE
)
while_read_only = pytest.mark.parametrize(
    ("begin", "end"), [OUTAGES[name] for name in READABLE], ids=READABLE
)


async def becomes(browser, expected) -> None:
    """Ask until a request is answered as expected."""
    deadline = time.monotonic() + 20
    while (found := await seen(browser)) != expected:
        assert time.monotonic() < deadline, found
        await asyncio.sleep(0.02)


@every_outage
async def test_store_is_unavailable_to_writers_and_comes_back(own_server, impatient, begin, end):
    store, key = store_of(own_server), new_key()
    begin(own_server)
    try:
        for _ in range(3):
            with pytest.raises(StoreUnavailableError):
                await put(store, key)
            await asyncio.sleep(0.03)
    finally:
        end(own_server)
    deadline = time.monotonic() + 20
    while True:
        try:
            assert await put(store, key)
        except StoreUnavailableError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        else:
            break
    assert await store.get(key) == "one"


@while_unreadable
async def test_while_nothing_can_be_read_it_is_unavailable_and_cookies_stay(
    *, own_server, impatient, emulator, caplog, begin, end
):
    browser = await signed_in(emulator, store_of(own_server))
    caplog.clear()
    begin(own_server)
    try:
        for path in ("/who", "/login"):
            answer = await browser.get(path)
            assert "wos-session" not in answer.set_cookies
        for _ in range(3):
            answer = await browser.get("/who")
            assert (answer.json, answer.set_cookies) == (UNAVAILABLE, {})
            await asyncio.sleep(0.03)
        assert warnings(caplog) == ["Degraded"]
        assert caplog.messages[0].endswith("so nobody's session can be read")
    finally:
        end(own_server)
    await becomes(browser, OVER if begin is OUTAGES["dead"][0] else ADA)
    assert warnings(caplog) == ["Degraded", "Restored"]


@while_read_only
async def test_while_nothing_can_be_written_sessions_are_read(
    *, own_server, impatient, emulator, clock, caplog, begin, end
):
    browser = await signed_in(emulator, store_of(own_server))
    other = with_cookie(shop(emulator, store_of(own_server)), cookie_of(browser))
    caplog.clear()
    begin(own_server)
    try:
        for each in (browser, other):
            answer = await each.get("/who")
            assert (answer.json, answer.set_cookies) == (ADA, {})
        assert caplog.records == []
        clock.now += 400
        for _ in range(3):  # nothing is exchanged that could not be stored
            assert [await seen(browser), await seen(other)] == [UNAVAILABLE, UNAVAILABLE]
        assert emulator.count("authenticate", grant_type="refresh_token") == 0
        degraded = [text for text in caplog.messages if text.startswith("Degraded")]
        assert len(degraded) == 2  # each worker tells it
        assert degraded[0].endswith("so sessions can be neither stored nor ended")
        clock.now -= 400
        assert [await seen(browser), await seen(other)] == [ADA, ADA]  # as both know by now
        clock.now += 400
    finally:
        end(own_server)
    await becomes(browser, ADA)
    await becomes(other, ADA)
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


@every_outage
async def test_sign_in_during_an_outage_says_so_and_works_afterwards(
    own_server, impatient, emulator, begin, end
):
    store = store_of(own_server)
    begin(own_server)
    try:
        browser = JarBrowser(shop(emulator, store))
        answer = await sign_in(browser, emulator)
        assert answer.status == 503
        assert "retry-after" in answer.headers
        assert browser.named("wos-session") == []
    finally:
        end(own_server)
    deadline = time.monotonic() + 20
    while (await sign_in(browser, emulator)).status != 303:
        assert time.monotonic() < deadline
    assert await seen(browser) == ADA
    assert holds_id(browser)


@every_outage
async def test_sign_out_during_an_outage_empties_the_jar_and_is_told_later(
    own_server, impatient, emulator, begin, end
):
    browser = await signed_in(emulator, store_of(own_server))
    copy = with_cookie(shop(emulator, store_of(own_server)), cookie_of(browser))
    begin(own_server)
    try:
        await browser.post("/logout")
        assert browser.names("wos-") == []
    finally:
        end(own_server)
    await becomes(copy, SIGNED_OUT)


async def test_redis_that_starts_anew_without_data_knows_nobody_and_takes_the_next(
    own_server, impatient, emulator, caplog
):
    browser = await signed_in(emulator, store_of(own_server))
    for act in (own_server.kill, own_server.start):
        await asyncio.to_thread(act)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (OVER, {})
    assert (await sign_in(browser, emulator)).status == 303
    assert await seen(browser) == ADA
    assert warnings_of_the_package(caplog) == []


async def test_redis_that_is_emptied_during_a_refresh_gets_the_session_again(
    own_server, emulator, clock
):
    store = store_of(own_server)
    browser = await signed_in(emulator, store)
    name = own_server.name("session")
    put = store.put

    async def put_after_the_loss(*args, **options):
        own_server.admin.delete(name)
        store.put = put
        return await put(*args, **options)

    store.put = put_after_the_loss
    clock.now += 400
    assert await seen(browser) == ADA
    assert own_server.name("session") == name
    other = with_cookie(shop(emulator, store_of(own_server)), cookie_of(browser))
    assert await seen(other) == ADA


async def test_session_moves_into_redis_when_that_is_back(own_server, impatient, emulator):
    own_server.stop()
    browser = with_session(shop(emulator, store_of(own_server)), emulator)
    full = cookie_of(browser)
    try:
        answer = await browser.get("/who")
        assert (answer.json, answer.set_cookies) == (UNAVAILABLE, {})
    finally:
        own_server.go_on()
    await becomes(browser, ADA)
    assert cookie_of(browser) != full
    assert holds_id(browser)


async def test_session_stays_in_its_cookie_while_redis_takes_no_writes(
    own_server, impatient, emulator
):
    begin, end = OUTAGES["full"]
    begin(own_server)
    browser = with_session(shop(emulator, store_of(own_server)), emulator)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (ADA, {})
    end(own_server)
    deadline = time.monotonic() + 20
    while not holds_id(browser):
        assert time.monotonic() < deadline
        assert await seen(browser) == ADA
        await asyncio.sleep(0.02)


async def test_hanging_redis_is_asked_once_by_many(own_server, monkeypatch):
    monkeypatch.setattr(redis_connection, "CALL_SECONDS", 0.5)
    store = RedisSessionStore(own_server.url)
    own_server.stop()
    asked = (store.get(new_key()) for _ in range(100))
    listed = (store.keys(OWNER) for _ in range(100))
    async with asyncio.timeout(4):  # one after the other, they would take 5 s
        ends = await asyncio.gather(*asked, *listed, return_exceptions=True)
    assert {type(end) for end in ends} == {StoreUnavailableError}
    own_server.go_on()


def warnings_of_the_package(caplog) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname != "INFO"]


async def test_redis_that_comes_back_read_only_is_read(own_server, impatient, emulator):
    browser = await signed_in(emulator, store_of(own_server))
    begin, end = OUTAGES["asking for a password"]
    begin(own_server)
    assert await seen(browser) == UNAVAILABLE
    OUTAGES["full"][0](own_server)
    end(own_server)
    await becomes(browser, ADA)

"""Sessions in Redis: how long keys live, whom an owner's list names, and what else may be there."""

from __future__ import annotations

import pytest
from outages import warnings
from stored_site import ADA, INVALID, SIGNED_OUT, cookie_of, seen, shop, signed_in, with_cookie
from stores_of_workers import OWNER, SECONDS, new_key, put, store_of

from authkit_asgi.errors import StoreUnavailableError
from authkit_asgi.stores import ENDED

pytestmark = pytest.mark.anyio

LIST = f"authkit:sessions-of:{OWNER}"


def place(key: str) -> str:
    return f"authkit:session:{key}"


def listed(server) -> set[str]:
    return {key.decode() for key in server.admin.zrange(LIST, 0, -1)}


def left(server, name: str) -> int:
    """Return the seconds that a key has left, in whole hundreds."""
    return round(server.admin.ttl(name), -2)


async def test_every_key_expires(server):
    store, key, ended = store_of(server), new_key(), new_key()
    await put(store, key, seconds=1000)
    await store.end(ended, seconds=300)
    assert {name: left(server, name) for name in server.contents()} == {
        place(key): 1000,
        place(ended): 300,
        LIST: 1000,
    }
    await put(store, key, "two", "one", seconds=2000)
    assert (left(server, place(key)), left(server, LIST)) == (2000, 2000)
    await put(store, key, ENDED, "two", owner="", seconds=300)
    assert left(server, place(key)) == 300


async def test_list_lives_as_long_as_the_longest_lived_session_in_it(server):
    store = store_of(server)
    await put(store, new_key(), seconds=2000)
    await put(store, new_key(), seconds=300)  # by a worker with another setting
    assert left(server, LIST) == 2000


async def test_what_has_expired_or_ended_is_struck_off_the_list(server, clock):
    store = store_of(server, clock=clock)
    old, ended, gone, alive = (new_key() for _ in range(4))
    await put(store, old, seconds=100)
    for key in (ended, gone, alive):
        await put(store, key)
    await store.end(ended, seconds=SECONDS)
    server.admin.delete(place(gone))
    clock.now += 101
    assert old not in await store.keys(OWNER)
    await put(store, new := new_key())
    assert listed(server) == {alive, new}


async def test_list_of_somebody_who_signs_in_again_and_again_stays_short(server):
    store = store_of(server)
    for _ in range(200):
        await put(store, key := new_key())
        await store.end(key, seconds=SECONDS)
    await put(store, key)
    assert len(listed(server)) < 30


async def test_lost_list_names_a_session_again_when_that_is_replaced(server):
    store, key = store_of(server), new_key()
    await put(store, key)
    server.admin.delete(LIST)
    assert list(await store.keys(OWNER)) == []
    await put(store, key, "two", "one")
    assert list(await store.keys(OWNER)) == [key]


def foreign(server, name: str, kind: str) -> None:
    if kind == "list":
        server.admin.rpush(name, "theirs")
    elif kind == "set":
        server.admin.sadd(name, "theirs")
    elif kind == "hash":
        server.admin.hset(name, "theirs", "theirs")
    else:
        server.admin.set(name, "theirs")


@pytest.mark.parametrize("kind", ["list", "set", "hash", "string"])
async def test_foreign_type_in_the_place_of_the_list_gives_way_to_it(server, caplog, kind):
    store, key = store_of(server), new_key()
    foreign(server, LIST, kind)
    assert list(await store.keys(OWNER)) == []
    assert await put(store, key)
    assert await store.get(key) == "one"
    assert list(await store.keys(OWNER)) == [key]
    assert caplog.records == []


@pytest.mark.parametrize("kind", ["list", "set", "hash"])
async def test_foreign_type_in_the_place_of_a_session_is_no_outage(server, caplog, kind):
    store, key, other = store_of(server), new_key(), new_key()
    foreign(server, place(key), kind)
    assert await store.get(key) not in (None, ENDED)
    for expected in (None, "one", ENDED):
        assert not await put(store, key, expected=expected)
    server.admin.zadd(LIST, {key: 2**40})
    server.admin.expire(place(key), SECONDS)
    assert await put(store, other)  # whose list names it
    assert await store.get(other) == "one"
    await store.end(key, seconds=SECONDS)
    assert await store.get(key) == ENDED
    assert caplog.records == []


@pytest.mark.parametrize("kind", ["list", "string"])
async def test_foreign_type_in_the_place_of_the_probe_keeps_nobody_out(
    own_server, impatient, caplog, kind
):
    store, key = store_of(own_server), new_key()
    await put(store, key)
    foreign(own_server, "authkit:probe", kind)
    own_server.admin.config_set("requirepass", "x")
    with pytest.raises(StoreUnavailableError):
        await store.get(key)
    own_server.admin.config_set("requirepass", "")
    assert await store.get(key) == "one"
    assert warnings(caplog) == ["Degraded", "Restored"]


@pytest.mark.parametrize("value", [b"\xff\xfe\x00", b"x", b"Fe26.2*1*a*b*c**d*e", b"?" * 100_000])
async def test_corrupt_value_is_nobodys_session_and_keeps_its_cookie(
    server, emulator, caplog, value
):
    browser = await signed_in(emulator, store_of(server))
    name = server.name("session")
    sound = server.admin.get(name)
    server.admin.set(name, value, ex=SECONDS)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (INVALID, {})
    server.admin.set(name, sound, ex=SECONDS)
    assert await seen(browser) == ADA
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_value_of_somebody_else_in_the_place_of_a_session_opens_nothing(server, emulator):
    store = store_of(server)
    ada = await signed_in(emulator, store)
    (of_ada,) = server.admin.scan_iter("authkit:session:*")
    bob = with_cookie(shop(emulator, store), cookie_of(await signed_in(emulator, store)))
    (of_bob,) = {*server.admin.scan_iter("authkit:session:*")} - {of_ada}
    server.admin.copy(of_ada, of_bob, replace=True)
    assert await seen(bob) == INVALID
    assert await seen(ada) == ADA


async def test_foreign_type_in_the_place_of_a_users_session_is_nobodys(server, emulator, caplog):
    browser = await signed_in(emulator, store_of(server))
    name = server.name("session")
    server.admin.delete(name)
    foreign(server, name, "list")
    server.admin.expire(name, SECONDS)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (INVALID, {})
    copy = with_cookie(shop(emulator, store_of(server)), cookie_of(browser))
    await browser.post("/logout")
    assert await seen(copy) == SIGNED_OUT
    assert [record for record in caplog.records if record.levelname != "INFO"] == []


async def test_prefixes_keep_applications_apart(server):
    one, other = store_of(server), store_of(server, prefix="other")
    await put(one, key := new_key())
    assert (await other.get(key), list(await other.keys(OWNER))) == (None, [])
    assert await put(other, key, "theirs")
    await other.end(key, seconds=SECONDS)
    assert await one.get(key) == "one"

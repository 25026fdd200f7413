"""Cookies and stored values that are not what they seem."""

from __future__ import annotations

import pytest
from asgi_site import sealed_session, sign_in
from emulated import OTHER_PASSWORD, PASSWORD, service
from stored_site import (
    ADA,
    BOB,
    INVALID,
    OVER,
    SIGNED_OUT,
    Store,
    cookie_of,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
    with_two,
)

from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import InvalidSessionError, SessionTooLargeError
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import unseal_session
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import ENDED, StoredAs
from authkit_asgi.tokens import unverified_claims

pytestmark = pytest.mark.anyio

(ID_PASSWORD,) = derived_passwords(PASSWORD, "authkit_asgi session id, version 1")
(VALUE_PASSWORD,) = derived_passwords(PASSWORD, "authkit_asgi stored session, version 1")


def only(store: Store) -> tuple[str, str]:
    ((key, (value, _, _)),) = store._values.items()
    return key, value


def put(store: Store, key: str, value: str) -> None:
    store._values[key] = (value, *store._values[key][1:])


@pytest.mark.parametrize(
    "content",
    [
        {"id": "*"},
        {"id": "../" + "a" * 40},
        {"id": "a" * 42 + "\n"},
        {"id": "a" * 43 + "\n"},
        {"id": "a" * 41 + "\r\n"},
        {"id": "a" * 44},
        {"id": "ä" * 43},
        {"id": ""},
        {"id": None},
        {"id": 7},
        {"id": ["a" * 43]},
        {"sid": "a" * 43},
        ["a" * 43],
        "a" * 43,
        None,
    ],
)
async def test_id_that_is_none_reaches_no_store(emulator, store, content):
    browser = with_cookie(shop(emulator, store), seal(content, ID_PASSWORD))
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies, store.calls) == (INVALID, {}, [])


@pytest.mark.parametrize(
    "value",
    [
        "*",
        "../../etc/passwd",
        "a" * 43,
        "a" * 4000,
        seal({"id": "a" * 43}, PASSWORD),  # as a session
        seal({"id": "a" * 43}, OTHER_PASSWORD),
        seal({"id": "a" * 43}, VALUE_PASSWORD),
        seal({"id": "a" * 43, "pad": "x" * 500}, ID_PASSWORD),
    ],
)
async def test_cookie_that_is_no_sealed_id_reaches_no_store(emulator, store, value):
    answer = await with_cookie(shop(emulator, store), value).get("/who")
    assert (answer.json, answer.set_cookies, store.calls) == (INVALID, {}, [])


async def test_cookie_of_16_kb_reaches_no_store(emulator, store):
    answer = await with_two(shop(emulator, store), "Fe26.2*1*" + "a" * 16_384)
    assert (answer.json["user"], answer.set_cookies, store.calls) == (None, {}, [])


async def test_pending_sign_in_is_no_id_and_an_id_no_session(emulator, store):
    browser = await signed_in(emulator, store)
    pending = service(emulator).authorization_url().state
    assert await seen(with_cookie(shop(emulator, store), pending)) == INVALID
    assert await seen(with_cookie(shop(emulator), cookie_of(browser))) == INVALID
    answer = await browser.get(f"/callback?code=x&state={cookie_of(browser)}")
    assert answer.status == 400


async def test_session_sealed_as_an_id_or_as_what_is_stored_is_nobodys(emulator, store):
    content = unseal(sealed_session(emulator.sign_in("user_ada")), PASSWORD)
    for password in (ID_PASSWORD, VALUE_PASSWORD):
        assert await seen(with_cookie(shop(emulator, store), seal(content, password))) == INVALID
    assert store.calls == []


async def test_id_that_nobody_has_been_given_is_nobodys(emulator, store):
    await signed_in(emulator, store)
    made_up = SessionRecords(PASSWORD).seal_id("a" * 43)
    assert await seen(with_cookie(shop(emulator, store), made_up)) == OVER


@pytest.mark.parametrize(
    "value",
    [
        "?",
        "x" * 200_000,
        "\udcff\x00ä",
        seal({"accessToken": "x"}, PASSWORD),
        seal(None, VALUE_PASSWORD),
        seal([], VALUE_PASSWORD),
        seal({}, VALUE_PASSWORD),
    ],
)
async def test_corrupt_value_is_nobodys_and_the_cookie_stays(emulator, store, value):
    browser = await signed_in(emulator, store)
    put(store, only(store)[0], value)
    answer = await browser.get("/who")
    assert (answer.json, answer.set_cookies) == (INVALID, {})
    await browser.post("/logout")
    assert only(store)[1] == ENDED


@pytest.mark.parametrize(
    "change",
    [
        {"since": None},
        {"since": "1"},
        {"version": None},
        {"version": 1.5},
        {"session": None},
        {"session": {}},
        {"key": "a" * 64},
    ],
)
async def test_value_of_another_shape_is_nobodys(emulator, store, change):
    browser = await signed_in(emulator, store)
    key, value = only(store)
    content = unseal(value, VALUE_PASSWORD, max_length=100_000)
    put(store, key, seal({**content, **change}, VALUE_PASSWORD))
    assert await seen(browser) == INVALID
    put(store, key, seal({**content, "movedFrom": 7}, VALUE_PASSWORD))
    assert await seen(browser) == ADA


async def test_values_that_were_swapped_are_nobodys(emulator, store, clock):
    ada, others = await signed_in(emulator, store), Store(clock)
    bob = with_session(shop(emulator, others), emulator, "user_bob")
    assert await seen(bob) == BOB
    put(store, only(store)[0], only(others)[1])
    assert await seen(ada) == INVALID


async def test_session_of_another_user_under_the_same_session_id_opens_nothing(
    emulator, store, clock
):
    ada = with_session(shop(emulator, store), emulator)
    content = unseal(cookie_of(ada), PASSWORD)
    assert await seen(ada) == ADA
    bob = emulator.sign_in("user_bob")
    claims = unverified_claims(content["accessToken"])
    token = emulator.mint_access_token({**claims, "sub": "user_bob"})
    value = sealed_session(bob, access_token=token, refresh_token=content["refreshToken"])
    answer = await with_cookie(shop(emulator, store), value).get("/who")
    assert (answer.json["user"], answer.set_cookies) == ("user_bob", {})
    assert await seen(ada) == ADA


async def test_list_of_another_users_keys_names_and_ends_nothing(emulator, store):
    ada = await signed_in(emulator, store)
    authkit = service(emulator, store=store)
    bobs = SessionRecords(PASSWORD).owners("user_bob")[0]
    store._owned[bobs] = {only(store)[0]: None, "a" * 64: None}
    assert await authkit.stored_sessions("user_bob") == []
    assert await authkit.revoke_sessions("user_bob") == 0
    assert await seen(ada) == ADA


async def test_value_of_another_application_is_nobodys(emulator, store, clock):
    browser = await signed_in(emulator, store)
    theirs = await signed_in(emulator, others := Store(clock), cookie_password=OTHER_PASSWORD)
    put(store, only(store)[0], only(others)[1])
    assert await seen(browser) == INVALID
    assert await seen(with_cookie(shop(emulator, store), cookie_of(theirs))) == INVALID


async def test_sign_in_takes_no_id_that_was_there_before(emulator, store):
    attacker = await signed_in(emulator, store)
    planted = cookie_of(attacker)
    victim = with_cookie(shop(emulator, store), planted)
    await sign_in(victim, emulator, user="bob")
    assert await seen(victim) == BOB
    records = SessionRecords(PASSWORD)
    assert records.open_id(cookie_of(victim)) != records.open_id(planted)
    assert await seen(attacker) == SIGNED_OUT
    assert await seen(with_cookie(shop(emulator, store), planted)) == SIGNED_OUT


@pytest.mark.parametrize("lifetime", [100, -100])
async def test_session_without_an_id_of_workos_stays_in_its_cookie(
    emulator, store, clock, lifetime
):
    claims = {"sub": "user_ada", "iat": clock.now - 200, "exp": clock.now + lifetime}
    token = emulator.mint_access_token({"iss": emulator.issuer, **claims})
    value = sealed_session(emulator.sign_in("user_ada"), access_token=token)
    browser = with_cookie(shop(emulator, store), value)
    await browser.get("/who")
    await browser.post("/logout")
    assert (len(store), browser.names()) == (0, [])


def test_session_too_large_to_be_stored_is_an_error(emulator, store):
    session = unseal_session(sealed_session(emulator.sign_in("user_ada")), PASSWORD)
    at = StoredAs(store=store, key="a" * 64, since=0, moved_from="x" * 200_000)
    with pytest.raises(SessionTooLargeError):
        SessionRecords(PASSWORD).seal(at, session)


def test_neither_place_nor_session_shows_its_secrets(emulator, store):
    session = unseal_session(sealed_session(emulator.sign_in("user_ada")), PASSWORD)
    at = StoredAs(store=store, key="a" * 64, id="b" * 43, since=0, value="ccc", moved_from="ddd")
    shown = repr(at)
    assert not any(text in shown for text in ("aaa", "bbb", "ccc", "ddd"))
    with pytest.raises(InvalidSessionError):
        SessionRecords(OTHER_PASSWORD).open(
            store, at.key, SessionRecords(PASSWORD).seal(at, session)
        )

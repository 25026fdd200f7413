"""An id's cookie beside other session cookies, of the same and of other users."""

from __future__ import annotations

import pytest
from asgi_driver import drive, http_scope
from asgi_site import SESSION, sealed_session, sign_in
from emulated import ORIGIN, PASSWORD
from stored_site import (
    ADA,
    BOB,
    INVALID,
    SIGNED_OUT,
    UNAVAILABLE,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
    with_session,
    with_two,
)

from authkit_asgi.derived import derived_passwords

pytestmark = pytest.mark.anyio

(ID_PASSWORD,) = derived_passwords(PASSWORD, "authkit_asgi session id, version 1")
(VALUE_PASSWORD,) = derived_passwords(PASSWORD, "authkit_asgi stored session, version 1")


async def test_ids_of_two_users_beside_each_other_are_nobodys(emulator, store):
    app = shop(emulator, store)
    ada = cookie_of(await signed_in(emulator, store))
    bob_browser = with_session(app, emulator, "user_bob")
    full = cookie_of(bob_browser)
    assert await seen(bob_browser) == BOB
    for other in (cookie_of(bob_browser), full):
        for pair in ((ada, other), (other, ada)):
            answer = await with_two(app, *pair)
            assert (answer.json, answer.set_cookies) == (INVALID, {})
    line = f"{SESSION}={ada}; {SESSION}={full}"
    headers = [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("cookie", line)]
    await drive(app, http_scope("POST", "/logout", headers))
    assert await seen(with_cookie(app, ada)) == SIGNED_OUT


async def test_of_two_ids_of_one_user_the_newest_session_counts(emulator, store, clock):
    older = cookie_of(await signed_in(emulator, store))
    clock.now += 10
    newer_browser = await signed_in(emulator, store)
    await newer_browser.post("/switch")
    newer = cookie_of(newer_browser)
    for pair in ((older, newer), (newer, older)):
        assert (await with_two(shop(emulator, store), *pair)).json["organization"] == "org_globex"


async def test_sign_out_ends_all_sessions_that_the_browser_names(emulator, store):
    app = shop(emulator, store)
    both = [cookie_of(await signed_in(emulator, store)) for _ in range(2)]
    line = "; ".join(f"{SESSION}={value}" for value in both)
    headers = [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("cookie", line)]
    assert (await drive(app, http_scope("POST", "/logout", headers))).status == 303
    assert [await seen(with_cookie(app, value)) for value in both] == [SIGNED_OUT] * 2


async def test_newer_session_beside_its_older_id_takes_its_place(emulator, store, clock):
    emulator.configure(reuse_revokes_session=True)
    browser = with_session(shop(emulator, store), emulator)
    alone = with_cookie(shop(emulator), cookie_of(browser))
    assert await seen(browser) == ADA
    clock.now += 400
    assert await seen(alone) == ADA  # a worker of yesterday, which answers in full
    for _ in range(2):
        pair = (cookie_of(browser), cookie_of(alone))
        answer = await with_two(shop(emulator, store), *pair)
        assert answer.json == ADA
    assert await seen(browser) == ADA
    assert emulator.count("authenticate") == emulator.count("authenticate", status=200)


async def test_id_beside_chunks_of_its_session_leaves_no_chunk(emulator, store, clock):
    browser = await signed_in(emulator, store)
    emulator.update_user("user_ada", metadata={"notes": "x" * 2500})
    value = sealed_session(emulator.sign_in("user_ada"))
    for index, part in enumerate((value[:4000], value[4000:])):
        browser.jar.set(f"{SESSION}.{index}={part}; Path=/; Secure; HttpOnly", ORIGIN)
    assert await seen(browser) == ADA
    clock.now += 400
    assert await seen(browser) == ADA
    assert browser.names() == [SESSION]
    assert holds_id(browser)


async def test_id_beside_chunks_of_another_user_is_nobodys_until_a_sign_in(emulator, store):
    browser = await signed_in(emulator, store)
    emulator.update_user("user_bob", metadata={"notes": "x" * 2500})
    value = sealed_session(emulator.sign_in("user_bob"))
    for index, part in enumerate((value[:4000], value[4000:])):
        browser.jar.set(f"{SESSION}.{index}={part}; Path=/; Secure; HttpOnly", ORIGIN)
    assert await seen(browser) == INVALID
    await sign_in(browser, emulator)
    assert await seen(browser) == ADA
    assert browser.names() == [SESSION]


async def test_sign_out_with_the_store_down_and_two_users_cookies_names_nobody(emulator, store):
    app = shop(emulator, store)
    values = [sealed_session(emulator.sign_in(user)) for user in ("user_ada", "user_bob")]
    store.is_down = True
    assert (await with_two(app, *values)).json == UNAVAILABLE
    line = "; ".join(f"{SESSION}={value}" for value in [*values, "rubbish"])
    headers = [("origin", ORIGIN), ("sec-fetch-site", "same-origin"), ("cookie", line)]
    answer = await drive(app, http_scope("POST", "/logout", headers))
    assert "session_id" not in answer.location

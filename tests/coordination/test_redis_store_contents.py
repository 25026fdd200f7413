"""What somebody finds who has Redis's own dump file in his hands."""

from __future__ import annotations

from pathlib import Path

import pytest
from emulated import PASSWORD, sealed
from stored_site import (
    ADA,
    GLOBEX,
    INVALID,
    SIGNED_OUT,
    cookie_of,
    holds_id,
    seen,
    shop,
    signed_in,
    with_cookie,
)
from stores_of_workers import store_of

from authkit_asgi.derived import derived_passwords
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.seal import unseal
from authkit_asgi.session import unseal_session
from authkit_asgi.tokens import unverified_claims

pytestmark = pytest.mark.anyio

ID_PURPOSE = "authkit_asgi session id, version 1"
VALUE_PURPOSE = "authkit_asgi stored session, version 1"


def dump_file(server) -> bytes:
    """Return the file into which Redis saves all that it holds, not compressed."""
    server.admin.config_set("rdbcompression", "no")
    server.admin.save()
    (folder,) = server.admin.config_get("dir").values()
    return Path(folder, "dump.rdb").read_bytes()


async def test_dump_holds_no_token_no_person_and_no_session_id(own_server, emulator, clock):
    store = store_of(own_server)
    coordinator = RedisRefreshCoordinator(own_server.url, cookie_password=PASSWORD, clock=clock)
    shared = {"coordinator": coordinator}
    browser = await signed_in(emulator, store, **shared)
    clock.now += 400
    assert await seen(browser) == ADA
    assert (await browser.post("/switch")).json == GLOBEX
    answer = emulator.sign_in("user_bob")  # whose cookie's session moves
    bob = with_cookie(shop(emulator, store, **shared), cookie := sealed(answer))
    assert (await seen(bob))["user"] == "user_bob"
    assert holds_id(bob)
    session = unseal_session(cookie, PASSWORD)
    dump = dump_file(own_server)
    for kind in ("authkit:session:", "authkit:sessions-of:", "authkit:outcome:", "Fe26.2"):
        assert kind.encode() in dump
    ids = [
        unseal(cookie_of(each), derived_passwords(PASSWORD, ID_PURPOSE)[0])["id"]
        for each in (browser, bob)
    ]
    secrets = [PASSWORD, *derived_passwords(PASSWORD, VALUE_PURPOSE), *ids]
    secrets += [*session.access_token.split("."), session.refresh_token or "", cookie]
    secrets += [cookie_of(browser), cookie_of(bob)]
    secrets += [str(unverified_claims(session.access_token)["sid"])]
    secrets += ["user_ada", "user_bob", "ada@", "bob@", "example.com", "org_acme", "org_globex"]
    assert all(secrets)
    assert [secret for secret in secrets if secret.encode() in dump] == []


async def test_value_in_redis_is_no_cookie(server, emulator):
    store = store_of(server)
    browser = await signed_in(emulator, store)
    value = server.admin.get(server.name("session")).decode()
    assert value.startswith("Fe26.2*")
    assert await seen(with_cookie(shop(emulator, store), value)) == INVALID
    assert await seen(with_cookie(shop(emulator), value)) == INVALID
    assert await seen(browser) == ADA


async def test_name_in_redis_is_no_cookie(server, emulator):
    store = store_of(server)
    await signed_in(emulator, store)
    key = server.name("session").rpartition(":")[2]
    assert await seen(with_cookie(shop(emulator, store), key)) == INVALID


async def test_ended_session_leaves_nothing_of_itself_in_redis(server, emulator):
    browser = await signed_in(emulator, store_of(server))
    copy = with_cookie(shop(emulator, store_of(server)), cookie_of(browser))
    assert {*map(len, map(server.admin.get, server.admin.scan_iter("authkit:session:*")))} != {0}
    await browser.post("/logout")
    values = [server.admin.get(name) for name in server.admin.scan_iter("authkit:session:*")]
    assert {*values} == {b""}
    assert await seen(copy) == SIGNED_OUT

"""What a session comes to is found out once: no seal is opened, and no token verified, in vain."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import drive, http_scope
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from derived_keys import noted_keys
from emulated import PASSWORD, Clock, sealed, service
from starlette.responses import Response

from authkit_asgi import AuthKit, AuthKitMiddleware, InMemorySessionStore, SignedIn
from authkit_asgi import tokens as tokens_module
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.session import session_from_answer
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import StoredAs
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


class Counted:
    """How many keys of seals were derived, and how often a verification asked for its digest."""

    def __init__(self, keys: list[bytes]) -> None:
        self._keys = keys
        self.verified = 0

    def taken(self) -> tuple[int, int]:
        counts = len(self._keys), self.verified
        self._keys.clear()
        self.verified = 0
        return counts


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counts = Counted(noted_keys(monkeypatch))

    class Digest(SHA256):
        @property
        def name(self) -> str:
            counts.verified += 1
            return "sha256"

    monkeypatch.setattr(tokens_module, "_SHA256_DIGEST", Prehashed(Digest()))
    return counts


async def answer(authkit: AuthKit, cookie: str) -> Any:
    """Return who a request with the cookie is from, through the middleware."""
    seen: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["state"]["auth"])
        await Response(status_code=204)(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=authkit)
    await drive(app, http_scope("GET", "/", [("cookie", f"wos-session={cookie}")]))
    return seen[0]


async def stored(
    authkit: AuthKit, emulator: WorkOSEmulator, user: str = "user_ada", lifetime: int = 900
) -> str:
    """Return the cookie of a session that is on the server."""
    first = await authkit.load([sealed(emulator.sign_in(user, lifetime=lifetime))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    return cookie


async def ready(emulator: WorkOSEmulator, **changes: Any) -> AuthKit:
    authkit = service(emulator, **changes)
    await authkit.load([sealed(emulator.sign_in("user_bob"))])
    return authkit


@pytest.mark.parametrize("changes", [{"refresh": "never"}, {}], ids=["read-only", "renewed"])
async def test_a_token_in_its_last_minute_is_read_and_verified_once(
    emulator: WorkOSEmulator, counted: Counted, changes: dict[str, Any]
):
    authkit = await ready(emulator, **changes)
    _, once = counted.taken()
    cookie = sealed(emulator.sign_in("user_ada", lifetime=30))
    counted.taken()
    assert isinstance(await answer(authkit, cookie), SignedIn)
    assert counted.taken() == (2, once)


async def test_an_expired_cookie_is_opened_once(emulator: WorkOSEmulator, counted: Counted):
    authkit = await ready(emulator, refresh="never")
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-30))
    counted.taken()
    assert (await answer(authkit, cookie)).reason == "session_expired"
    assert counted.taken()[0] == 2


@pytest.mark.parametrize("size", [0, 10])
async def test_a_stored_session_that_was_verified_takes_no_cryptography(
    emulator: WorkOSEmulator, counted: Counted, size: int
):
    authkit = await ready(emulator, store=InMemorySessionStore(), verified_cache_size=size)
    _, once = counted.taken()
    first = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=900))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    assert isinstance(await answer(authkit, cookie), SignedIn)
    counted.taken()
    for _ in range(3):
        assert isinstance(await answer(authkit, cookie), SignedIn)
    assert counted.taken() == ((0, 0) if size else (12, 3 * once))


async def test_a_stored_session_in_its_last_minute_is_verified_once(
    emulator: WorkOSEmulator, clock: Clock, counted: Counted
):
    authkit = await ready(emulator, store=InMemorySessionStore())
    _, once = counted.taken()
    cookie = await stored(authkit, emulator, lifetime=290)
    clock.now += 250
    counted.taken()
    assert isinstance(await answer(authkit, cookie), SignedIn)
    assert counted.taken()[1] == once


async def test_stored_sessions_of_two_users_stay_apart(emulator: WorkOSEmulator):
    authkit = await ready(emulator, store=InMemorySessionStore())
    cookies = {user: await stored(authkit, emulator, user) for user in ("user_ada", "user_bob")}
    for _ in range(2):
        for user, cookie in cookies.items():
            assert (await answer(authkit, cookie)).user.id == user


async def test_a_verified_session_that_is_in_the_store_before_by_now_moves_again(
    emulator: WorkOSEmulator,
):
    store, before = InMemorySessionStore(), InMemorySessionStore()
    authkit = await ready(emulator, store=store, previous_store=before)
    cookie = await stored(authkit, emulator)
    assert not (await authkit.load([cookie])).is_outdated
    before._values.update(store._values)
    store._values.clear()
    moved = await authkit.load([cookie])
    assert moved.is_outdated
    assert moved.session is not None
    assert moved.session.stored is not None
    assert moved.session.stored.store is before


def test_what_was_opened_is_what_it_was_opened_as(emulator: WorkOSEmulator):
    records, one, other = (
        SessionRecords(PASSWORD, 9),
        InMemorySessionStore(),
        InMemorySessionStore(),
    )
    session = session_from_answer(emulator.sign_in("user_ada"))
    value = records.seal(StoredAs(store=one, key="a" * 64, since=0), session)
    for store, id_ in [(one, "i"), (other, "i"), (one, "j"), (one, "")]:
        for _ in range(2):
            at, opened = records.open(store, "a" * 64, value, id_=id_)
            assert (at.store, at.id, opened.stored) == (store, id_, at)
    assert records.open(one, "a" * 64, value)[1] is opened
    with pytest.raises(InvalidSessionError):
        records.open(one, "b" * 64, value)


async def test_a_stored_session_that_was_changed_or_ended_is_read_anew(
    emulator: WorkOSEmulator, clock: Clock
):
    authkit = await ready(emulator, store=InMemorySessionStore())
    first = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=900))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    before = await answer(authkit, cookie)
    loaded = await authkit.load([cookie])
    assert loaded.session is not None
    await authkit.refresh(loaded.session)
    clock.now += 1
    after = await answer(authkit, cookie)
    assert isinstance(after, SignedIn)
    assert after.access_token != before.access_token
    await authkit.end((await authkit.load([cookie])).session, [cookie])
    assert (await answer(authkit, cookie)).reason == "signed_out"


async def test_a_stored_session_that_another_worker_has_changed_is_read_anew(
    emulator: WorkOSEmulator, clock: Clock
):
    store = InMemorySessionStore()
    authkit, another = [await ready(emulator, store=store) for _ in range(2)]
    cookie = await stored(authkit, emulator)
    before = await answer(authkit, cookie)
    loaded = await another.load([cookie])
    assert loaded.session is not None
    clock.now += 1
    await another.refresh(loaded.session)
    after = await answer(authkit, cookie)
    assert isinstance(after, SignedIn)
    assert after.access_token != before.access_token


async def test_withdrawn_keys_end_stored_sessions_that_were_verified(
    emulator: WorkOSEmulator, clock: Clock
):
    authkit = await ready(emulator, store=InMemorySessionStore(), jwks_max_age=30)
    first = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=900))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    assert isinstance(await answer(authkit, cookie), SignedIn)
    emulator.rotate_keys(withdraw_old=True)
    clock.now += 31
    await authkit.load([sealed(emulator.sign_in("user_bob"))])
    loaded = await authkit.load([cookie], may_refresh=False)
    assert loaded.auth.user is None

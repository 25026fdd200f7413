"""What a session comes to is found out once: no seal is opened, and no token verified, in vain."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from asgi_driver import drive, http_scope
from cryptography.hazmat.primitives.hashes import SHA256
from emulated import Clock, sealed, service
from starlette.responses import Response

from authkit_asgi import AuthKit, AuthKitMiddleware, InMemorySessionStore, SignedIn
from authkit_asgi import tokens as tokens_module
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


class Counted:
    """How many keys of seals were derived, and how often a verification asked for its digest."""

    def __init__(self) -> None:
        self.derived = self.verified = 0

    def taken(self) -> tuple[int, int]:
        counts = self.derived, self.verified
        self.derived = self.verified = 0
        return counts


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counts = Counted()
    pbkdf2 = hashlib.pbkdf2_hmac

    def derive(*arguments: Any) -> bytes:
        counts.derived += 1
        return pbkdf2(*arguments)

    class Digest(SHA256):
        @property
        def name(self) -> str:
            counts.verified += 1
            return "sha256"

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", derive)
    monkeypatch.setattr(tokens_module, "_SHA256", Digest())
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


async def ready(emulator: WorkOSEmulator, **changes: Any) -> AuthKit:
    authkit = service(emulator, **changes)
    await authkit.load([sealed(emulator.sign_in("user_bob"))])
    return authkit


async def test_a_token_in_its_last_minute_is_read_and_verified_once(
    emulator: WorkOSEmulator, clock: Clock, counted: Counted
):
    authkit = await ready(emulator, refresh="never")
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


async def test_a_stored_session_that_was_changed_or_ended_is_read_anew(
    emulator: WorkOSEmulator, clock: Clock
):
    authkit = await ready(emulator, store=InMemorySessionStore())
    first = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=900))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    before = await answer(authkit, cookie)
    stored = await authkit.load([cookie])
    assert stored.session is not None
    await authkit.refresh(stored.session)
    clock.now += 1
    after = await answer(authkit, cookie)
    assert isinstance(after, SignedIn)
    assert after.access_token != before.access_token
    await authkit.end((await authkit.load([cookie])).session, [cookie])
    assert (await answer(authkit, cookie)).reason == "signed_out"


async def test_withdrawn_keys_end_stored_sessions_that_were_verified(
    emulator: WorkOSEmulator, clock: Clock
):
    authkit = await ready(emulator, store=InMemorySessionStore(), jwks_max_age=30)
    first = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=900))])
    cookie = await authkit.reseal(first)
    assert cookie is not None
    assert isinstance(await answer(authkit, cookie), SignedIn)
    emulator.rotate_keys(withdraw_old=True)
    clock.now += 61
    await authkit.load([sealed(emulator.sign_in("user_bob"))])
    stored = await authkit.load([cookie], may_refresh=False)
    assert stored.auth.user is None

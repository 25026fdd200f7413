"""Values in Redis: sealed, bound to their token, of no use as cookies, never believed blindly."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from dataclasses import asdict

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, http_clients, sealed, settings
from workers import SESSION_ID, WorkOS, refresh, worker

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.auth import SignedOutReason
from authkit_asgi.derived import derived_passwords
from authkit_asgi.errors import SealError, WorkOSUnavailableError
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.seal import seal, unseal
from authkit_asgi.sealed_outcomes import OutcomeSealer
from authkit_asgi.session import unseal_session
from authkit_asgi.tokens import unverified_claims

pytestmark = pytest.mark.anyio

R0, R1 = refresh_key("r0"), refresh_key("r1")


def authkit(server, emulator, clock) -> AuthKit:
    config = AuthKitConfig(**settings())
    coordinator = RedisRefreshCoordinator(server.url, cookie_password=PASSWORD, clock=clock)
    return AuthKit(
        config,
        http_client_factory=http_clients(emulator),
        coordinator=coordinator,
        clock=clock,
    )


async def test_no_secret_and_nothing_of_a_user_is_in_redis(server, emulator, clock):
    service = authkit(server, emulator, clock)
    answer = emulator.sign_in("user_ada", lifetime=-60)
    loaded = await service.load([sealed(answer)])
    successor = unseal_session(loaded.sealed, PASSWORD)
    again = await service.refresh(successor)
    refused = emulator.sign_in("user_bob", lifetime=-60)
    emulator.end_session(unverified_sid(refused))
    await service.load([sealed(refused)])
    await service.end(again.session)
    dump = json.dumps({name: str(value) for name, value in server.contents().items()})
    assert [kind in dump for kind in ("outcome", "before", "ended")] == [True] * 3
    secrets = [PASSWORD, *derived_passwords(PASSWORD, PURPOSE)]
    for session in (successor, again.session):
        secrets += [session.access_token, session.refresh_token]
    secrets += [answer["access_token"], answer["refresh_token"], refused["refresh_token"]]
    secrets += [loaded.sealed, again.sealed, unverified_sid(answer), unverified_sid(refused)]
    secrets += ["user_ada", "user_bob", "ada@", "bob@", "example.com", "org_acme"]
    assert [secret for secret in secrets if secret in dump] == []
    for part in {piece for secret in secrets[2:8] for piece in secret.split(".") if piece}:
        assert part not in dump


def unverified_sid(answer) -> str:
    return unverified_claims(answer["access_token"])["sid"]


async def test_stored_value_is_no_cookie(server, emulator, clock):
    service = authkit(server, emulator, clock)
    await service.load([sealed(emulator.sign_in("user_ada", lifetime=-60))])
    value = server.admin.get(server.name("outcome")).decode()
    loaded = await service.load([value])
    assert loaded.auth.reason is SignedOutReason.INVALID_SESSION_COOKIE
    with pytest.raises(SealError):
        unseal(value, PASSWORD)


async def spoil(server, value: bytes | str) -> str:
    """Put a value in the place of the outcome of r0, and return its name."""
    await refresh(worker(server), WorkOS(5))
    name = server.name("outcome")
    server.admin.set(name, value, ex=60)
    return name


PURPOSE = "authkit_asgi refresh outcome, version 1"


def outcome(clock=time.time) -> Outcome:
    return Outcome(
        organization_id="org_acme",
        session_id=SESSION_ID,
        at=clock(),
        sealed="seal of r8",
        successor_key=refresh_key("r8"),
    )


def outcome_of_r0(password=PASSWORD, clock=time.time, **changes) -> str:
    """Return the value for an outcome, as it should be or with other contents."""
    content = asdict(outcome(clock)) | {"key": R0} | changes
    kept = {name: value for name, value in content.items() if value is not ...}
    return seal(kept, derived_passwords(password, PURPOSE), ttl=3600, clock=clock)


def long_ago() -> float:
    return time.time() - 3700


FOREIGN = {
    "nothing": b"",
    "rubbish": b"rubbish",
    "no text": b"\xff\xfe\x00" * 20,
    "not ASCII": "Fe26.2*é*".encode(),
    "the word for ended": b"ended",
    "a mark without a seal": b"-",
    "huge": b"Fe26.2*" + b"x" * 1_000_000,
    "a seal cut short": outcome_of_r0()[:-1],
    "another token's": outcome_of_r0(key=R1),
    "no token's": outcome_of_r0(key=...),
    "no organization": outcome_of_r0(organization_id=...),
    "a list": seal([], derived_passwords(PASSWORD, PURPOSE), ttl=3600),
}
UNREADABLE = {
    "a cookie's password": seal({"key": R0}, PASSWORD, ttl=3600),
    "another password": outcome_of_r0(OTHER_PASSWORD),
    "another password's refusal": "-" + outcome_of_r0(OTHER_PASSWORD),
    "expired": outcome_of_r0(clock=long_ago),
    "no expiry": seal({"key": R0}, derived_passwords(PASSWORD, PURPOSE)),
}
UNUSABLE = FOREIGN | UNREADABLE
every_foreign = pytest.mark.parametrize("value", FOREIGN.values(), ids=FOREIGN)
every_unreadable = pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE)
every_unusable = pytest.mark.parametrize("value", UNUSABLE.values(), ids=UNUSABLE)


@pytest.mark.parametrize("changes", [{}, {"refusal": ...}, {"colour": "blue"}])
async def test_value_of_this_or_another_version_is_used(server, changes):
    await spoil(server, outcome_of_r0(**changes))
    workos = WorkOS()
    assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r8"
    assert workos.calls == []


@every_foreign
async def test_foreign_value_is_replaced(server, value, caplog):
    name = await spoil(server, value)
    workos = WorkOS()
    for _ in range(2):
        assert (await refresh(worker(server), workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]
    assert server.name("outcome") == name
    assert server.lifetimes("outcome") == [3600]
    assert caplog.records == []


@every_foreign
async def test_foreign_value_is_deleted_whatever_comes_of_the_exchange(server, value):
    name = await spoil(server, value)
    workos = WorkOS(ValueError("a fault of ours"))
    with pytest.raises(ValueError, match="ours"):
        await refresh(worker(server), workos)
    assert server.admin.get(name) is None


@every_unreadable
async def test_seal_that_cannot_be_read_stays_and_the_token_is_not_sent(server, value):
    """It may be of a worker that has the next password already."""
    name = await spoil(server, value)
    workos = WorkOS()
    with pytest.raises(WorkOSUnavailableError, match="cannot be read"):
        await refresh(worker(server), workos)
    assert workos.calls == []
    assert server.admin.get(name) == value.encode()
    assert server.lifetimes("lock") == []


@every_unusable
async def test_unusable_value_is_no_successor_and_no_refusal(server, value):
    name = await spoil(server, value)
    other = worker(server)
    assert await other.newest(R0, SESSION_ID) is None
    await other.forget(R0, (await refresh(worker(server), WorkOS("no"), "r7")).outcome)
    assert server.admin.get(name) == (value if isinstance(value, bytes) else value.encode())


async def test_outcome_moved_to_another_token_is_not_used(server):
    workos = WorkOS()
    await refresh(worker(server), workos)
    moved = server.admin.get(server.name("outcome"))
    server.admin.flushall()
    await refresh(worker(server), workos, "r7")
    server.admin.set(server.name("outcome"), moved, ex=60)
    assert (await refresh(worker(server), workos, "r7")).outcome.sealed == "seal of r8"
    assert workos.calls == ["r0", "r7", "r7"]


async def test_session_cookie_in_the_place_of_an_outcome_signs_nobody_in(server, emulator, clock):
    service = authkit(server, emulator, clock)
    answer = emulator.sign_in("user_ada", lifetime=-60)
    await service.load([sealed(answer)])
    name = server.name("outcome")
    server.admin.set(name, sealed(emulator.sign_in("user_bob")), ex=60)
    loaded = await authkit(server, emulator, clock).load([sealed(answer)])
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


async def test_values_of_an_older_password_are_read_while_it_is_listed(server):
    workos = WorkOS()
    await refresh(worker(server, cookie_password=OTHER_PASSWORD), workos)
    both = worker(server, cookie_password=[PASSWORD, OTHER_PASSWORD])
    assert (await refresh(both, workos)).outcome.sealed == "seal of r1"
    assert workos.calls == ["r0"]
    await refresh(both, workos, "r5")
    assert (await refresh(worker(server), workos, "r5")).outcome.sealed == "seal of r6"
    assert workos.calls == ["r0", "r5"]
    with pytest.raises(WorkOSUnavailableError, match="cannot be read"):
        await refresh(worker(server), workos)
    assert workos.calls == ["r0", "r5"]


def test_outcome_comes_back_as_it_was():
    known = outcome()
    sealer = OutcomeSealer(PASSWORD, clock=time.time)
    stored = sealer.seal(R0, known)
    assert sealer.open(R0, stored) == sealer.open(R0, stored.encode()) == known
    assert sealer.open(R0, None) is None


def test_derived_passwords_are_those_of_rfc_5869():
    extracted = hmac.digest(bytes(32), PASSWORD.encode(), hashlib.sha256)
    expected = hmac.digest(extracted, b"a purpose\x01", hashlib.sha256).hex()
    assert derived_passwords(PASSWORD, "a purpose") == (expected,)
    assert derived_passwords(PASSWORD, "another") != (expected,)
    both = derived_passwords({"1": PASSWORD, "2": OTHER_PASSWORD}, "a purpose")
    assert both == (derived_passwords(OTHER_PASSWORD, "a purpose")[0], expected)

"""What was verified a moment ago is not verified again, and counts no longer than it should."""

from __future__ import annotations

import dataclasses
from typing import Any

import anyio
import pytest
from emulated import OTHER_PASSWORD, PASSWORD, Clock, sealed, service
from joserfc.jwk import RSAKey
from outdated import LEGACY_KEY

from authkit_asgi import AuthKit, InMemorySessionStore, SignedIn
from authkit_asgi.auth import SignedOutReason
from authkit_asgi.loading import Loaded
from authkit_asgi.revocations import UserRevocation
from authkit_asgi.session import Session, seal_session, unseal_session
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys

pytestmark = pytest.mark.anyio

LONG = 86_400


def cookie_of(emulator: WorkOSEmulator, user: str = "user_ada", lifetime: int = LONG) -> str:
    return sealed(emulator.sign_in(user, lifetime=lifetime))


async def ready(emulator: WorkOSEmulator, **changes: Any) -> AuthKit:
    """Return a service that has the signing keys already."""
    authkit = service(emulator, **changes)
    await authkit.load([cookie_of(emulator, "user_bob")])
    return authkit


def signed_in(authkit: AuthKit, cookie: str) -> SignedIn:
    loaded = authkit.load_now(cookie.encode())
    assert isinstance(loaded, Loaded)
    assert isinstance(loaded.auth, SignedIn)
    return loaded.auth


def session_of(cookie: str) -> Session:
    return unseal_session(cookie, PASSWORD)


async def test_the_same_cookie_is_the_same_person_for_60_s(emulator, clock: Clock):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    first = signed_in(authkit, cookie)
    clock.now += 59.9
    assert signed_in(authkit, cookie) is first
    clock.now += 0.1
    again = signed_in(authkit, cookie)
    assert again == first
    assert again is not first
    assert signed_in(authkit, cookie) is again


async def test_a_clock_set_back_makes_nothing_last_longer(emulator, clock: Clock):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    clock.now += 10
    first = signed_in(authkit, cookie)
    clock.now -= 1
    assert signed_in(authkit, cookie) is not first


async def test_with_a_size_of_0_nothing_is_remembered(emulator):
    authkit, cookie = await ready(emulator, verified_cache_size=0), cookie_of(emulator)
    assert signed_in(authkit, cookie) is not signed_in(authkit, cookie)


async def test_no_other_text_finds_what_a_cookie_came_to(emulator):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    signed_in(authkit, cookie)
    for number in range(len(cookie)):
        other = cookie[:number] + ("A" if cookie[number] != "A" else "B") + cookie[number + 1 :]
        loaded = authkit.load_now(other.encode())
        assert isinstance(loaded, Loaded)
        assert loaded.auth.reason is SignedOutReason.INVALID_SESSION_COOKIE


async def test_two_users_never_share_an_entry(emulator):
    authkit = await ready(emulator)
    ada, bob = cookie_of(emulator), cookie_of(emulator, "user_bob")
    for _ in range(3):
        assert signed_in(authkit, ada).user.id == "user_ada"
        assert signed_in(authkit, bob).user.id == "user_bob"


@pytest.mark.parametrize("lifetime", [90, 70])
async def test_a_token_near_its_end_is_not_remembered_beyond_its_buffer(
    emulator, clock: Clock, lifetime
):
    authkit, cookie = await ready(emulator), cookie_of(emulator, lifetime=lifetime)
    signed_in(authkit, cookie)
    clock.now += lifetime - 60
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    clock.now += 60 + 11
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    loaded = await authkit.load([cookie])
    assert loaded.is_renewed
    assert loaded.auth.user is not None


async def test_a_shorter_buffer_counts(emulator, clock: Clock):
    authkit = await ready(emulator, refresh_buffer=5)
    cookie = cookie_of(emulator, lifetime=40)
    first = signed_in(authkit, cookie)
    clock.now += 34.9
    assert signed_in(authkit, cookie) is first
    clock.now += 0.1
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)


async def test_who_signs_out_is_out_at_once(emulator):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    signed_in(authkit, cookie)
    await authkit.end(session_of(cookie))
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie])).auth.reason is SignedOutReason.SIGNED_OUT


async def test_whose_sessions_are_all_over_is_out_at_once(emulator, clock: Clock):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    bob = cookie_of(emulator, "user_bob")
    signed_in(authkit, cookie)
    await authkit.coordinator.revoke(UserRevocation(user_id="user_ada", before=clock.now))
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie])).auth.reason is SignedOutReason.SIGNED_OUT
    assert signed_in(authkit, bob).user.id == "user_bob"


async def test_a_session_that_was_refreshed_is_replaced_at_once(emulator):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    signed_in(authkit, cookie)
    successor = await authkit.refresh(session_of(cookie))
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie])).sealed == successor.sealed


async def test_the_new_cookie_is_noted_when_it_comes_back_again_and_again(emulator, clock: Clock):
    authkit, cookie = await ready(emulator), cookie_of(emulator)
    signed_in(authkit, cookie)
    successor = await authkit.refresh(session_of(cookie))
    assert signed_in(authkit, successor.sealed).user.id == "user_ada"
    clock.now += 31
    assert isinstance(
        authkit.load_now(cookie.encode()), Loaded
    )  # nothing is remembered of its refresh token


async def test_a_withdrawn_key_takes_what_it_verified_along(emulator, clock: Clock):
    authkit, cookie = await ready(emulator, jwks_max_age=30), cookie_of(emulator)
    signed_in(authkit, cookie)
    emulator.rotate_keys(withdraw_old=True)
    clock.now += 31
    other = await authkit.load([cookie_of(emulator, "user_bob")])  # needs the new key
    assert other.auth.user is not None
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie], may_refresh=False)).auth.user is None


async def test_keys_that_are_due_are_renewed_by_what_is_remembered_too(emulator, clock: Clock):
    authkit, cookie = await ready(emulator, jwks_max_age=30), cookie_of(emulator)
    fetched = emulator.count("jwks")
    signed_in(authkit, cookie)
    clock.now += 31
    signed_in(authkit, cookie)
    with anyio.fail_after(30):
        while emulator.count("jwks") == fetched:  # noqa: ASYNC110  # the journal has no event
            await anyio.sleep(0.01)
    await authkit.aclose()


async def test_an_idle_session_is_over_although_remembered(emulator, clock: Clock):
    authkit = await ready(emulator, inactivity_timeout=20)
    cookie = cookie_of(emulator)
    signed_in(authkit, cookie)
    clock.now += 21
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie])).is_idle


async def test_a_cookie_of_an_older_password_stays_marked_to_be_sealed_anew(emulator):
    authkit = await ready(emulator, cookie_password=[OTHER_PASSWORD, PASSWORD])
    cookie = cookie_of(emulator)
    for _ in range(2):
        assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
        assert (await authkit.load([cookie])).is_outdated


async def test_a_token_of_somebody_else_is_not_settled_at_once(emulator):
    authkit = await ready(emulator)
    answer = emulator.sign_in("user_ada", lifetime=LONG)
    bob = emulator.sign_in("user_bob", lifetime=LONG)
    swapped = sealed({**answer, "access_token": bob["access_token"]})
    assert not isinstance(authkit.load_now(swapped.encode()), Loaded)
    assert (await authkit.load([swapped])).auth.user is None


async def test_without_keys_it_has_to_be_awaited(emulator):
    authkit, cookie = service(emulator), cookie_of(emulator)
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie])).auth.user is not None
    assert signed_in(authkit, cookie)


async def test_a_session_without_a_refresh_token_is_remembered(emulator):
    authkit = await ready(emulator)
    cookie = cookie_of(emulator)
    text = seal_session(dataclasses.replace(session_of(cookie), refresh_token=None), PASSWORD)
    assert signed_in(authkit, text) is signed_in(authkit, text)


async def test_a_read_only_service_leaves_spent_tokens_to_their_owner(emulator):
    authkit = await ready(emulator, refresh="never")
    cookie = cookie_of(emulator)
    assert signed_in(authkit, cookie) is signed_in(authkit, cookie)


async def test_the_least_recently_used_goes_first(emulator):
    authkit = await ready(emulator, verified_cache_size=2)
    one, two, three = (cookie_of(emulator) for _ in range(3))
    first, second = signed_in(authkit, one), signed_in(authkit, two)
    assert signed_in(authkit, one) is first
    signed_in(authkit, three)
    assert signed_in(authkit, one) is first
    assert signed_in(authkit, two) is not second


async def test_long_sessions_count_for_more_than_one(emulator):
    emulator.add_membership("user_bob", "org_acme", permissions=["p" * 30] * 80)
    authkit = await ready(emulator, verified_cache_size=2)
    small, large = cookie_of(emulator), cookie_of(emulator, "user_bob")
    assert 4_096 < len(large) < 2 * 4_096
    first = signed_in(authkit, small)
    assert signed_in(authkit, small) is first
    signed_in(authkit, large)
    assert signed_in(authkit, small) is not first


async def test_a_key_that_takes_anothers_name_does_not_take_its_sessions(emulator, clock: Clock):
    authkit, cookie = await ready(emulator, jwks_max_age=20), cookie_of(emulator)
    signed_in(authkit, cookie)
    old, new = emulator._state.keys.current, SigningKeys().current
    named = {**new.as_dict(private=True), "kid": old.as_dict(private=False)["kid"]}
    emulator._state.keys._keys = (RSAKey.import_key(named),)
    clock.now += 41
    bob = await authkit.load([cookie_of(emulator, "user_bob")])  # waits for the new key
    assert bob.auth.user is not None
    assert not isinstance(authkit.load_now(cookie.encode()), Loaded)
    assert (await authkit.load([cookie], may_refresh=False)).auth.user is None


@pytest.mark.parametrize("keys", [(), (LEGACY_KEY,)])
@pytest.mark.parametrize("text", ["", "x", "\ud800", "gAAAA\u65e5\u672c", "\xff" * 70_000])
async def test_text_of_any_form_is_a_cookie_that_holds_nothing(emulator, text, keys):
    authkit = await ready(emulator, legacy_fernet_key=keys)
    loaded = authkit.load_now(text.encode("utf-8", "surrogatepass"))
    assert isinstance(loaded, Loaded)
    assert loaded.auth.reason is SignedOutReason.INVALID_SESSION_COOKIE
    assert loaded == await authkit.load([text])


async def test_sessions_on_the_server_are_never_settled_at_once(emulator):
    authkit, cookie = await ready(emulator, store=InMemorySessionStore()), cookie_of(emulator)
    loaded = await authkit.load([cookie])
    moved = await authkit.reseal(loaded)
    assert moved is not None
    for value in (cookie, moved):
        assert (await authkit.load([value])).auth.user is not None
        assert not isinstance(authkit.load_now(value.encode()), Loaded)

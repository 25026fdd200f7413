"""A fresh token that has expired by this machine's clock: written, and not exchanged again."""

from __future__ import annotations

import pytest
from emulated import Clock, http_clients, sealed, settings

from authkit_asgi import AuthKit, AuthKitConfig, UnavailableError
from authkit_asgi.auth import SignedOutReason
from authkit_asgi.expired_arrivals import ExpiredArrivals
from authkit_asgi.loading import Loaded
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

AHEAD = 700


class Ahead:
    """A clock that is ahead of WorkOS's by more than a token's life."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.seconds = AHEAD

    def __call__(self) -> float:
        return self._clock.now + self.seconds


@pytest.fixture
def ahead(clock: Clock) -> Ahead:
    return Ahead(clock)


@pytest.fixture
def told() -> list[object]:
    """The errors that the hook has heard of."""
    return []


@pytest.fixture
def authkit(emulator: WorkOSEmulator, ahead: Ahead, told: list[object]) -> AuthKit:
    """The service on a machine whose clock is ahead, before a WorkOS that forgives nothing."""
    emulator.configure(reuse_revokes_session=True)
    return AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        on_session_refresh_success=told.append,
        on_session_refresh_error=told.append,
        clock=ahead,
    )


@pytest.fixture
def cookie(emulator: WorkOSEmulator) -> str:
    return sealed(emulator.sign_in("user_ada", lifetime=-100))


def check_unavailable(loaded: Loaded, retry_after: int) -> None:
    assert loaded.auth.user is None
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert loaded.auth.retry_after == retry_after
    assert not loaded.is_dead


async def test_cookie_of_a_token_that_expired_on_arrival_is_written(authkit, emulator, cookie):
    loaded = await authkit.load([cookie])
    check_unavailable(loaded, 30)
    fresh = unseal_session(loaded.sealed, authkit.config.cookie_password)
    assert fresh.user_id == "user_ada"
    assert emulator.count("authenticate") == 1


async def test_late_request_with_the_old_cookie_gets_it_too(authkit, emulator, clock, cookie):
    first = await authkit.load([cookie])
    clock.now += 10
    late = await authkit.load([cookie])
    check_unavailable(late, 20)
    assert late.sealed == first.sealed
    assert emulator.count("authenticate") == 1


async def test_its_refresh_token_is_not_exchanged_for_30_s(authkit, emulator, clock, cookie):
    new = (await authkit.load([cookie])).sealed
    for left in (30, 20, 10):
        for _ in range(10):
            loaded = await authkit.load([new])
            check_unavailable(loaded, left)
            assert loaded.sealed is None
        clock.now += 10
    assert emulator.count("authenticate") == 1
    again = await authkit.load([new])
    check_unavailable(again, 30)
    assert again.sealed not in {None, new}
    assert emulator.count("authenticate") == 2


async def test_who_has_the_right_time_signs_in_by_it(authkit, emulator, ahead, clock, cookie):
    new = (await authkit.load([cookie])).sealed
    another = AuthKit(
        authkit.config, http_client_factory=http_clients(emulator), clock=emulator._state.clock
    )
    assert (await another.load([new])).auth.user.id == "user_ada"
    ahead.seconds = 0  # as soon as the clock has been set right
    assert (await authkit.load([new])).auth.user.id == "user_ada"
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"
    assert emulator.count("authenticate") == 1


async def test_other_sessions_and_workos_are_asked_for_meanwhile(authkit, emulator, cookie):
    for _ in range(6):
        other = sealed(emulator.sign_in("user_bob", lifetime=-100))
        assert (await authkit.load([other])).sealed is not None
    assert (await authkit.load([cookie])).sealed is not None
    assert emulator.count("authenticate") == 7


async def test_log_and_hook_tell_of_the_clock_and_no_secret(
    authkit, emulator, caplog, told, cookie
):
    caplog.set_level("DEBUG", "authkit_asgi")
    new = (await authkit.load([cookie])).sealed
    await authkit.load([new])
    (line,) = caplog.messages
    assert caplog.records[0].levelname == "WARNING"
    assert line.endswith(
        "(temporarily_unavailable): The access token had expired on arrival: "
        "check this machine's clock"
    )
    (error,) = told
    assert isinstance(error, UnavailableError)
    session = unseal_session(new, authkit.config.cookie_password)
    for secret in (session.access_token, session.refresh_token):
        assert secret not in caplog.text


async def test_refresh_of_the_applications_own_says_when_to_try_again(authkit, cookie):
    session = unseal_session(cookie, authkit.config.cookie_password)
    successor = await authkit.refresh(session)
    assert successor.auth.retry_after == 30
    with pytest.raises(UnavailableError, match="clock") as raised:
        await authkit.refresh(successor.session)
    assert raised.value.retry_after == 30


def test_ten_thousand_are_kept_the_oldest_go_first(clock):
    arrivals = ExpiredArrivals(clock)
    for number in range(10_001):
        arrivals.note(str(number))
    assert arrivals.find("0") is None
    assert arrivals.find("1") is not None
    assert arrivals.find("10000") is not None


def test_clock_that_is_set_back_keeps_nobody_waiting(clock):
    arrivals = ExpiredArrivals(clock)
    arrivals.note("a")
    clock.now -= 1
    assert arrivals.find("a") is None

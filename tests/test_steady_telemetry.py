"""Telemetry that fails costs nobody a request, a session, or a rotated refresh token."""

from __future__ import annotations

import contextlib

import pytest
from emulated import http_clients, sealed, settings

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.errors import WorkOSUnavailableError
from authkit_asgi.steady_telemetry import SteadyTelemetry

pytestmark = pytest.mark.anyio


class Failing:
    """Fails wherever it is called."""

    def __getattr__(self, name):
        def fail(*_, **__):
            raise RuntimeError("hidden")

        return fail


class FailingLater:
    """Fails where it is entered, told or left, as it is said."""

    def __init__(self, where):
        self.where = where

    def __enter__(self):
        self._fail("enter")
        return lambda verdict: self._fail(f"tell {verdict}")

    def __exit__(self, *_):
        self._fail("exit")
        return True  # as if it had dealt with the error

    def _fail(self, where):
        if where == self.where:
            raise RuntimeError("hidden")

    def refreshing(self, origin):
        del origin
        return self

    def completing_sign_in(self):
        return self


async def test_exchange_keeps_its_outcome_whatever_telemetry_does(emulator, clock, caplog):
    kit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        clock=clock,
        telemetry=Failing(),
    )
    cookie = sealed(emulator.sign_in("user_ada"))
    clock.now += 301
    for _ in range(2):
        loaded = await kit.load([cookie])
        assert loaded.auth.user is not None
        assert loaded.sealed is not None
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
    assert {record.event_name for record in caplog.records if "Telemetry" in record.msg} == {
        "authkit.telemetry.failed"
    }
    assert "RuntimeError" in caplog.text
    assert "hidden" not in caplog.text


def test_nothing_that_telemetry_raises_goes_further():
    steady = SteadyTelemetry(Failing())
    steady.session_checked(None)
    steady.session_looked_up(is_hit=True)
    steady.session_written(1)
    steady.session_refreshed("denied")
    steady.paused("refresh")
    assert steady.origin() is None
    with steady.refreshing(None) as tell:
        tell("denied")
    with steady.completing_sign_in():
        pass


@pytest.mark.parametrize("where", ["enter", "tell denied", "exit", "nowhere"])
def test_what_stands_around_an_exchange_may_fail_and_keeps_no_error_back(where):
    steady = SteadyTelemetry(FailingLater(where))
    with steady.refreshing(None) as tell:
        tell("denied")
    with contextlib.suppress(WorkOSUnavailableError), steady.completing_sign_in():
        raise WorkOSUnavailableError("down")
    for manager in (steady.refreshing(None), steady.completing_sign_in()):
        with pytest.raises(WorkOSUnavailableError), manager:
            raise WorkOSUnavailableError("down")

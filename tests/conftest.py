"""Fixtures for all tests: an emulated WorkOS, a clock to turn, the service on top of both."""

from __future__ import annotations

import pytest
from emulated import Clock, service, settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from joserfc.jwk import RSAKey

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys

# No test depends on how fast the machine is.
hypothesis_settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("steady")


@pytest.fixture
def anyio_backend() -> str:
    """Tests marked `anyio` run on asyncio alone: refreshes need its tasks."""
    return "asyncio"


@pytest.fixture(scope="session")
def signing_keys() -> tuple[RSAKey, ...]:
    """One signing key for all emulators, since making one takes 100 ms."""
    return (SigningKeys().current,)


@pytest.fixture
def clock() -> Clock:
    """The clock of emulator and service alike; `clock.now += 300` turns it."""
    return Clock()


@pytest.fixture
def emulator(clock: Clock, signing_keys: tuple[RSAKey, ...]) -> WorkOSEmulator:
    """An emulated WorkOS with Ada in Acme (admin) and Globex (member), and Bob in none."""
    emulator = WorkOSEmulator(clock=clock)
    emulator._state.keys._keys = signing_keys
    emulator.add_user(email="ada@example.com", first_name="Ada", user_id="user_ada")
    emulator.add_user(email="bob@example.com", user_id="user_bob")
    emulator.add_organization("Acme", organization_id="org_acme")
    emulator.add_organization("Globex", organization_id="org_globex")
    emulator.add_membership("user_ada", "org_acme", role="admin", permissions=("data:export",))
    emulator.add_membership("user_ada", "org_globex", role="member")
    return emulator


@pytest.fixture
def config() -> AuthKitConfig:
    """Settings that fit `emulator`."""
    return AuthKitConfig(**settings())


@pytest.fixture
def authkit(emulator: WorkOSEmulator) -> AuthKit:
    """The service, with `emulator` behind its HTTP clients and on its clock."""
    return service(emulator)

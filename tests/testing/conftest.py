from __future__ import annotations

import pytest
from emulator_client import Clock, EmulatorClient
from joserfc.jwk import RSAKey

from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys


@pytest.fixture(scope="session")
def signing_keys() -> tuple[RSAKey, ...]:
    keys = SigningKeys()
    return (keys.current,)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def emulator(clock: Clock, signing_keys: tuple[RSAKey, ...]) -> WorkOSEmulator:
    """An emulator with two people: Ada in Acme and Globex, Bob nowhere."""
    emulator = WorkOSEmulator(clock=clock)
    # Making a key takes 100 ms; the tests of the keys make their own.
    emulator._state.keys._keys = signing_keys
    emulator.add_user(
        email="ada@example.com", first_name="Ada", last_name="Lovelace", user_id="user_ada"
    )
    emulator.add_user(email="bob@example.com", user_id="user_bob")
    emulator.add_organization("Acme", organization_id="org_acme")
    emulator.add_organization("Globex", organization_id="org_globex")
    emulator.add_membership("user_ada", "org_acme", role="admin", permissions=("data:export",))
    emulator.add_membership(
        "user_ada",
        "org_globex",
        roles=("member", "auditor"),
        entitlements=("audit-log",),
        feature_flags=("beta",),
    )
    return emulator


@pytest.fixture
def client(emulator: WorkOSEmulator) -> EmulatorClient:
    return EmulatorClient(emulator)

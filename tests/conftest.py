"""Fixtures for all tests: an emulated WorkOS, a clock to turn, the service on top of both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgi_breaches import collecting
from asgi_passage import observe
from emulated import Clock, service, settings
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from joserfc.jwk import RSAKey

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys

pytest_plugins = ["authkit_asgi.testing"]

# No test depends on how fast the machine is.
hypothesis_settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("steady")

# For `make mutants`: the same few examples for each mutant, and none made smaller.
hypothesis_settings.register_profile(
    "mutants",
    parent=hypothesis_settings.get_profile("steady"),
    max_examples=30,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "breaks_asgi(*texts): the test's application or server breaks the ASGI specification on "
        "purpose; breaches that have one of these texts in them are let pass",
    )


@pytest.fixture(scope="session", autouse=True)
def _asgi_is_observed() -> Iterator[None]:
    """Each AuthKitMiddleware and each emulator of this process has checkers on its sides."""
    undo = observe()
    yield
    undo()


# Starlette's TestClient leaves these out.
_OF_TEST_CLIENT = ("lacks 'asgi'", "scope of websocket lacks 'http_version'")


@pytest.fixture(autouse=True)
def _asgi_is_kept(request: pytest.FixtureRequest) -> Iterator[None]:
    allowed = [text for mark in request.node.iter_markers("breaks_asgi") for text in mark.args]
    with collecting(*allowed, *_OF_TEST_CLIENT) as breaches:
        yield
    assert breaches == []


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

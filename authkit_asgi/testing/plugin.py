"""The pytest plugin: ``pytest_plugins = ["authkit_asgi.testing"]`` in the root conftest.py.

There is no assertion in here for pytest to rewrite: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
from collections.abc import Callable, Iterator
from typing import TypeAlias

import pytest

from authkit_asgi.testing.client_sessions import ExpireSession, SignIn
from authkit_asgi.testing.emulator import WorkOSEmulator
from authkit_asgi.testing.outages import BreakWorkOS

_Make: TypeAlias = Callable[[], WorkOSEmulator]
_Served: TypeAlias = tuple[WorkOSEmulator, str]

_PASSWORD_BYTES = 32


@pytest.fixture(scope="session")
def authkit_make_emulator() -> _Make:
    """What makes the emulator of this process; override it (in this scope) by the demo's, say.

    What it is made with is there again at the start of each test.
    """
    return WorkOSEmulator


@pytest.fixture
def authkit_redirect_uri() -> str:
    """The redirect URI; override it where the application is elsewhere, or its callback is."""
    return "http://localhost/callback"


@pytest.fixture(scope="session")
def _authkit_serve() -> Iterator[Callable[[_Make], _Served]]:
    """Serves what `authkit_make_emulator` makes: several folders of tests may override it."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve(make: _Make) -> _Served:
            emulator = make()
            return emulator, stack.enter_context(emulator.serve())

        yield serve


@pytest.fixture(scope="session")
def _authkit_password() -> str:
    return secrets.token_urlsafe(_PASSWORD_BYTES)


@pytest.fixture(scope="session")
def authkit_variables(
    _authkit_serve: Callable[[_Make], _Served],
    authkit_make_emulator: _Make,
    _authkit_password: str,
) -> dict[str, str]:
    """The variables that lead to the emulator, but for the redirect URI.

    For applications that outlive a test, such as a server in a process of its own.
    """
    return _variables(_authkit_serve(authkit_make_emulator), _authkit_password)


@pytest.fixture
def _authkit_served(
    _authkit_serve: Callable[[_Make], _Served], authkit_make_emulator: _Make
) -> Iterator[_Served]:
    served = _authkit_serve(authkit_make_emulator)
    served[0].reset()
    yield served
    served[0].clear_faults()


@pytest.fixture
def authkit_emulator(_authkit_served: _Served) -> WorkOSEmulator:
    """The WorkOS of this process, as it was made: nobody else has been here before."""
    return _authkit_served[0]


@pytest.fixture
def authkit_env(
    _authkit_served: _Served,
    _authkit_password: str,
    authkit_redirect_uri: str,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    """The environment of the test: it leads to the emulator, and no other ``WORKOS_*`` is set."""
    variables = _variables(_authkit_served, _authkit_password)
    variables["WORKOS_REDIRECT_URI"] = authkit_redirect_uri
    for name in list(os.environ):
        if name.startswith("WORKOS_"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def sign_in(authkit_emulator: WorkOSEmulator, authkit_env: dict[str, str]) -> SignIn:
    """Signs a client in: see `SignIn`."""
    return SignIn(authkit_emulator, authkit_env)


@pytest.fixture
def expire_session(authkit_emulator: WorkOSEmulator, authkit_env: dict[str, str]) -> ExpireSession:
    """Has the access token in a client's cookie expire: see `ExpireSession`."""
    return ExpireSession(authkit_emulator, authkit_env)


@pytest.fixture
def break_workos(authkit_emulator: WorkOSEmulator) -> BreakWorkOS:
    """Breaks WorkOS for a ``with`` block or the rest of the test: see `BreakWorkOS`."""
    return BreakWorkOS(authkit_emulator)


def _variables(served: _Served, password: str) -> dict[str, str]:
    emulator, base_url = served
    return {
        "WORKOS_BASE_URL": base_url,
        "WORKOS_CLIENT_ID": emulator.client_id,
        "WORKOS_API_KEY": emulator.api_key,
        "WORKOS_COOKIE_PASSWORD": password,
    }

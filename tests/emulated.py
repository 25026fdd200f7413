"""What the tests of the service share: settings, a clock to turn, an AuthKit over the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx

from authkit_asgi import AuthKit, AuthKitConfig, SessionStore
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session import seal_session, session_from_answer
from authkit_asgi.testing import WorkOSEmulator

ORIGIN = "https://app.example.com"
API = "http://localhost:9999"
PASSWORD = "a cookie password of 32 characters or more"
OTHER_PASSWORD = "another cookie password, 32 characters or more"
START = 1_800_000_000.0


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


def settings(**changes: Any) -> dict[str, Any]:
    """Settings that fit the emulator; none of the waits is long, in case one is waited out."""
    return {
        "client_id": "client_emulator",
        "api_key": "sk_test_emulator",
        "redirect_uri": f"{ORIGIN}/callback",
        "cookie_password": PASSWORD,
        "api_base_url": API,
        **changes,
    }


def service(
    emulator: WorkOSEmulator,
    *,
    store: SessionStore | None = None,
    previous_store: SessionStore | None = None,
    coordinator: RefreshCoordinator | None = None,
    **changes: Any,
) -> AuthKit:
    """An AuthKit whose HTTP clients reach the emulator within the process, on its clock."""
    return AuthKit(
        AuthKitConfig(**settings(**changes)),
        store=store,
        previous_store=previous_store,
        coordinator=coordinator,
        http_client_factory=http_clients(emulator),
        clock=emulator._state.clock,
    )


def http_clients(emulator: WorkOSEmulator) -> Callable[[], httpx.AsyncClient]:
    return lambda: httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app))


def sealed(answer: Mapping[str, Any], password: Any = PASSWORD) -> str:
    """Return the session cookie that an answer of `authenticate` makes."""
    return seal_session(session_from_answer(answer), password)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and every one that is reachable from it as cause or context."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and not any(current is known for known in seen):
            seen.append(current)
            waiting += [current.__cause__, current.__context__]
            yield current


def shown(error: BaseException) -> str:
    """Return all that logging an exception, its chain and its attributes could show."""
    return "\n".join(f"{one} {one!r} {one.args!r} {vars(one)!r}" for one in chain(error))

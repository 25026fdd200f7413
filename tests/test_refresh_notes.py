"""The coordinator of one process: what it notes of cookies seen, and of sessions that are over."""

from __future__ import annotations

import pytest
from emulated import START, Clock
from exchanges import Exchange, key, run

from authkit_asgi.auth import Claims
from authkit_asgi.refresh import InProcessRefreshCoordinator
from authkit_asgi.revocations import UserRevocation

CLAIMS = Claims({"sub": "user_1", "sid": "session_1", "iat": int(START), "exp": int(START) + 300})


@pytest.fixture
def coordinator(clock: Clock) -> InProcessRefreshCoordinator:
    return InProcessRefreshCoordinator(timeout=10, clock=clock)


def test_successor_is_awaited_until_its_cookie_has_been_seen(coordinator):
    async def main() -> None:
        assert not coordinator.is_awaited(key(1))
        await coordinator.run(key(0), Exchange())
        assert coordinator.is_awaited(key(1))
        assert coordinator.predecessor(key(1)) == key(0)
        assert not coordinator.is_awaited(key(0))
        coordinator.see(key(1))
        assert not coordinator.is_awaited(key(1))
        assert coordinator.predecessor(key(1)) is None

    run(main)


def test_users_sessions_are_over_as_soon_as_that_is_noted(coordinator):
    async def main() -> None:
        assert not coordinator.revocations.cover(CLAIMS)
        assert await coordinator.revoke(UserRevocation(user_id="user_1", before=START)) is True
        assert coordinator.revocations.cover(CLAIMS)

    run(main)


def test_all_who_are_to_know_of_an_end_are_one_process_and_know(coordinator):
    async def main() -> None:
        assert await coordinator.end("session_1") is True
        assert await coordinator.end("session_2", is_superseded=True) is True

    run(main)


def test_nothing_is_to_be_done_for_a_token_of_which_nothing_is_known(coordinator):
    async def main() -> None:
        await coordinator.run(key(0), Exchange())
        await coordinator.end("session_2")
        await coordinator.revoke(UserRevocation(user_id="user_2", before=START))
        for token in (key(5), None):
            assert coordinator.is_quiet(token, CLAIMS)

    run(main)


def test_token_of_which_something_is_known_is_not_quiet(coordinator):
    async def main() -> None:
        await coordinator.run(key(0), Exchange())
        assert not coordinator.is_quiet(key(0), CLAIMS)  # it has a successor
        assert not coordinator.is_quiet(key(1), CLAIMS)  # which is awaited
        coordinator.see(key(1))
        assert coordinator.is_quiet(key(1), CLAIMS)
        await coordinator.end("session_1")
        assert not coordinator.is_quiet(key(1), CLAIMS)
        await coordinator.begin("session_1")
        assert coordinator.is_quiet(key(1), CLAIMS)
        await coordinator.revoke(UserRevocation(user_id="user_1", before=START))
        assert not coordinator.is_quiet(key(1), CLAIMS)

    run(main)

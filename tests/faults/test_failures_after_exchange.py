"""Whatever fails once WorkOS has exchanged a token: nobody's session is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from asgi_site import SESSION, signed_in_cookie
from emulated import Clock
from faulty_workers import Line, worker
from redis_server import RedisServer, running
from successors import LATER, LIFETIME, come, gets_the_successor, keeps_its_cookies

from authkit_asgi import AuthKit, redis, redis_connection
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

later = pytest.mark.parametrize("seconds", LATER.values(), ids=LATER)


class Scene:
    """Workers before a WorkOS that ends a session when a refresh token comes twice.

    Args:
        server: The Redis that they share; `None` if all of them are one process.
    """

    def __init__(self, emulator: WorkOSEmulator, server: RedisServer | None) -> None:
        emulator.configure(reuse_revokes_session=True)
        self.emulator = emulator
        self.clock: Clock = emulator._state.clock
        self.line = Line(emulator)
        self.old = {SESSION: signed_in_cookie(emulator, lifetime=-100)}
        self._server = server
        self._workers: list[AuthKit] = []

    def start(self, **changes: Any) -> AuthKit:
        is_first_of_one = self._server is None and not self._workers
        shared = None if is_first_of_one else self._server or self._workers[0].coordinator
        self._workers.append(worker(self.line, shared, **changes))
        return self._workers[-1]

    def check_exchanges(self, number: int) -> None:
        """See that each token has been sent once, and none refused."""
        assert len(self.line.tokens) == len(set(self.line.tokens)) == number
        assert self.emulator.count("authenticate", status=200) == number

    async def aclose(self) -> None:
        for authkit in self._workers:
            await authkit.aclose()


@pytest.fixture(params=["the same worker", "another worker"])
async def scene(request: pytest.FixtureRequest, emulator: WorkOSEmulator) -> AsyncIterator[Scene]:
    is_one = request.param == "the same worker"
    scene = Scene(emulator, None if is_one else request.getfixturevalue("server"))
    yield scene
    await scene.aclose()


def exchanges(seconds: float) -> int:
    """Return how many it takes: one more when the successor's token has expired as well."""
    return 1 if seconds < LIFETIME else 2


@later
async def test_keys_that_fail_after_the_exchange_lose_nothing(scene, seconds):
    first, second = scene.start(), scene.start()

    def lose_the_keys() -> None:
        scene.emulator.rotate_keys()
        scene.line.is_without_keys = True

    scene.line.before = lose_the_keys
    answer, successor = await come(first, scene.old)
    assert answer.json == {"user": None, "reason": "temporarily_unavailable"}
    assert successor.keys() == {SESSION}
    assert successor != scene.old
    for cookies in (scene.old, successor):
        answer, kept = await come(first, cookies)
        assert answer.json["reason"] == "temporarily_unavailable"
        assert kept == successor
    scene.line.before = lambda: None
    scene.line.is_without_keys = False
    scene.clock.now += max(seconds, 2)  # until when the keys are not asked for again
    for authkit in (second, first):
        newest = await gets_the_successor(authkit, scene.old)
        await keeps_its_cookies(authkit, newest)
    assert (newest == successor) is (seconds < LIFETIME)
    scene.check_exchanges(exchanges(seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What a session grows to, settings under which no cookie holds it, and some that do."""

    letters: int
    narrow: Mapping[str, Any] = field(default_factory=dict)
    wide: Mapping[str, Any] = field(default_factory=dict)


SIZES = {
    "no chunks": Size(letters=2500, narrow={"cookie_chunking": False}),
    "more than is allowed": Size(letters=7000, wide={"max_session_cookie_bytes": 14_000}),
}


@later
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_session_that_outgrows_its_cookies_is_found_when_the_settings_allow_it(
    scene, size, seconds
):
    metadata = {"x": "x" * size.letters}
    narrow, wide = scene.start(**size.narrow), scene.start(**size.wide)
    scene.line.before = lambda: scene.emulator.update_user("user_ada", metadata=metadata)
    for _ in range(2):
        answer, kept = await come(narrow, scene.old)
        assert (answer.status, answer.json["code"]) == (500, "session_too_large")
        assert kept == scene.old
    scene.check_exchanges(1)
    scene.clock.now += seconds
    successor = await gets_the_successor(wide, scene.old)
    assert len(successor) > 1
    await keeps_its_cookies(wide, successor)
    scene.check_exchanges(exchanges(seconds))


def raising(content: dict[str, Any]) -> dict[str, Any]:
    raise LookupError("of the application's own")


async def raising_late(content: dict[str, Any]) -> dict[str, Any]:
    await anyio.lowlevel.checkpoint()
    raise LookupError("of the application's own")


def emptying(content: dict[str, Any]) -> dict[str, Any]:
    content.clear()
    return content


def inflating(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "notes": "x" * 100_000}


@later
@pytest.mark.parametrize("transform", [raising, raising_late, emptying, inflating])
async def test_transform_that_fails_after_the_exchange_loses_nothing(scene, transform, seconds):
    first, second = (scene.start(session_transform=transform) for _ in range(2))
    lost = await gets_the_successor(first, scene.old)
    scene.clock.now += seconds
    successor = await gets_the_successor(second, scene.old)
    assert (successor == lost) is (seconds < LIFETIME)
    for authkit in (second, first):
        await keeps_its_cookies(authkit, successor)
    scene.check_exchanges(exchanges(seconds))


Act = Callable[[RedisServer], None]
REDIS_ENDS: dict[str, tuple[Act, Act]] = {
    "killed": (RedisServer.kill, RedisServer.start),
    "stopped": (RedisServer.stop, RedisServer.go_on),
}


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis to kill and stop, which is not waited for long."""
    for module in (redis, redis_connection):
        monkeypatch.setattr(module, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(redis_connection, "_DOWN_SECONDS", 0.02)
    with running(tmp_path) as server:
        yield server


async def until_published(server: RedisServer, number: int) -> None:
    """Wait until Redis has been told of so many outcomes."""
    with anyio.fail_after(60):
        while len(list(server.admin.scan_iter("authkit:outcome:*"))) < number:  # noqa: ASYNC110  # Redis tells nobody
            await anyio.sleep(0.02)


@later
@pytest.mark.parametrize(("begin", "end"), REDIS_ENDS.values(), ids=REDIS_ENDS)
async def test_redis_that_fails_between_exchange_and_publication_loses_nothing(
    emulator, own_server, begin, end, seconds
):
    scene = Scene(emulator, own_server)
    first, second = scene.start(), scene.start()
    scene.line.after = lambda: begin(own_server)
    try:
        lost = await gets_the_successor(first, scene.old)
        scene.line.after = lambda: None
        scene.clock.now += seconds
        successor = await gets_the_successor(first, scene.old)
        assert (successor == lost) is (seconds < LIFETIME)
    finally:
        end(own_server)
    await until_published(own_server, exchanges(seconds))
    assert await gets_the_successor(second, scene.old) == successor
    for authkit in (second, first):
        await keeps_its_cookies(authkit, successor)
    scene.check_exchanges(exchanges(seconds))
    await scene.aclose()

"""One cache for all threads: nobody gets another's session, and nothing in it moves."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from emulated import sealed, service

from authkit_asgi import AuthKit, SignedIn
from authkit_asgi.auth import Claims, FrozenDict
from authkit_asgi.loading import Loaded
from authkit_asgi.recent_texts import RecentTexts
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.verified_sessions import VerifiedSession, VerifiedSessions

LONG = 86_400
THREADS, ROUNDS, PUTS = 4, 150, 20_000
ENTRY: Any = SimpleNamespace(since=0, until=1)


@pytest.fixture
def _switches_often() -> Iterator[None]:
    seconds = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(seconds)


def in_threads(works: list[Any]) -> None:
    """Run each in a thread of its own, all at once; raise what any of them raised."""
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(works))

    def run(work: Any) -> None:
        try:
            barrier.wait(30)
            work()
        except BaseException as error:  # noqa: BLE001  # raised below, in the test's thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


@pytest.mark.usefixtures("_switches_often")
def test_loops_in_threads_with_a_tiny_cache_never_mix_two_users(emulator: WorkOSEmulator):
    authkit = service(emulator, verified_cache_size=2)
    users = [f"user_{number}" for number in range(6)]
    cookies = {}
    for user in users:
        emulator.add_user(email=f"{user}@example.com", user_id=user)
        cookies[user] = sealed(emulator.sign_in(user, lifetime=LONG))
    asyncio.run(authkit.load([cookies["user_0"]]))

    async def ask(start: int) -> None:
        order = itertools.islice(itertools.cycle(users), start, start + ROUNDS)
        for user in order:
            loaded = authkit.load_now(cookies[user].encode())
            assert isinstance(loaded, Loaded)
            assert isinstance(loaded.auth, SignedIn)
            assert (loaded.auth.user.id, loaded.auth.claims.sub) == (user, user)
            await asyncio.sleep(0)

    in_threads([lambda start=start: asyncio.run(ask(start)) for start in range(THREADS)])
    asyncio.run(authkit.aclose())


@pytest.mark.usefixtures("_switches_often")
def test_threads_that_put_and_get_leave_the_bounds_right():
    kept, done = VerifiedSessions(50), threading.Event()
    keys = [bytes([number]) for number in range(60)]

    def look() -> None:
        while not done.is_set():
            for key in keys:
                assert kept.get_at(key, 0) in (None, ENTRY)
                kept.get(key)

    def change() -> None:
        try:
            for number in range(PUTS):
                kept.put(keys[number % len(keys)], ENTRY, 100 * (number % 7))
        finally:
            done.set()

    in_threads([look, look, change, change])
    assert len(kept) <= 50
    assert kept._characters == sum(characters for _, characters in kept._entries.values())


def test_what_is_put_in_place_of_something_or_goes_makes_room_for_as_much():
    kept = VerifiedSessions(2)
    for _ in range(5):
        kept.put(b"a", ENTRY, 4096)
        kept.put(b"b", ENTRY, 4096)
        assert (kept.get(b"a"), kept.get(b"b")) == (ENTRY, ENTRY)
    for number in range(5):
        kept.put(bytes([number]), ENTRY, 4096)
    assert len(kept) == 2
    kept.put(b"large", ENTRY, 8193)
    assert len(kept) == 0
    kept.put(b"a", ENTRY, 8192)
    assert kept.get(b"a") is ENTRY


class Leaving(OrderedDict[Any, Any]):
    """Loses what is looked at as soon as it has been found, as to another thread."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().pop(key, default)


def test_what_goes_while_it_is_looked_at_is_not_there():
    kept = VerifiedSessions(2)
    kept.put(b"a", ENTRY, 1)
    assert kept.get_at(b"a", 0) is ENTRY
    kept._entries = Leaving(kept._entries)
    assert kept.get_at(b"a", 0) is None


def test_what_was_asked_for_last_stays_longest():
    kept: RecentTexts[str] = RecentTexts(2)
    kept.put(b"a", "a", 1)
    kept.put(b"b", "b", 1)
    assert kept.get(b"a") == "a"
    kept.put(b"c", "c", 1)
    assert [kept.get(key) for key in (b"a", b"b", b"c")] == ["a", None, "c"]


_PLAIN = (str, bytes, int, float, bool, type(None))


def mutable_parts(value: Any, at: str = "it") -> Iterator[str]:
    """Yield where a value can be changed by assignment or by a method of its own."""
    if type(value) in _PLAIN:
        return
    if type(value) is tuple:
        for number, item in enumerate(value):
            yield from mutable_parts(item, f"{at}[{number}]")
    elif type(value) in (FrozenDict, Claims):
        for name, item in value.items():
            yield from mutable_parts(item, f"{at}[{name!r}]")
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(value, field.name, None)
            yield from mutable_parts(getattr(value, field.name), f"{at}.{field.name}")
        if hasattr(value, "__dict__"):
            yield f"{at}.__dict__"
    else:
        yield f"{at}: {type(value).__name__}"


@pytest.mark.anyio
async def test_an_endpoint_can_change_nothing_that_another_request_will_see(
    emulator: WorkOSEmulator,
):
    emulator.update_user("user_ada", metadata={"plan": "gold"})
    authkit = service(emulator)
    answer = emulator.sign_in(
        "user_ada", lifetime=LONG, impersonator={"email": "boss@example.com", "reason": "help"}
    )
    claims = {
        "iss": emulator.issuer, "sub": "user_ada", "sid": "session_1", "exp": 1_800_000_900,
        "roles": ["admin"], "permissions": ["a", "b"], "act": {"sub": "x", "more": [{"y": [1]}]},
        "https://example.com/plan": {"seats": [1, {"deep": []}]}, "list": [[], {}],
    }  # fmt: skip
    cookie = sealed({**answer, "access_token": emulator.mint_access_token(claims)})
    await authkit.load([cookie])
    loaded = entry_of(authkit, cookie).loaded
    assert authkit.load_now(cookie.encode()) is loaded
    assert list(mutable_parts(loaded)) == []
    assert isinstance(loaded.auth, SignedIn)
    assert loaded.auth.user.metadata == {"plan": "gold"}
    assert loaded.auth.impersonator is not None


def entry_of(authkit: AuthKit, cookie: str) -> VerifiedSession:
    assert isinstance(authkit.load_now(cookie.encode()), Loaded)
    ((entry, _),) = authkit._check._verified._entries.values()
    return entry

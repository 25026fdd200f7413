"""What hooks may do: take their time and raise; neither changes a refresh."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import anyio
import pytest
from emulated import sealed, service

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.background import BackgroundTasks
from authkit_asgi.errors import AuthKitError, GrantRejectedError, WorkOSUnavailableError
from authkit_asgi.hooks import RefreshHooks
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

variable: contextvars.ContextVar[str] = contextvars.ContextVar("of_hooks", default="empty")
ERROR = WorkOSUnavailableError("down")


def hooked(emulator: WorkOSEmulator, success: Any = None, error: Any = None) -> AuthKit:
    plain = service(emulator)
    return AuthKit(
        AuthKitConfig(**vars(plain.config)),
        http_client_factory=plain.http_clients._factory,
        on_session_refresh_success=success,
        on_session_refresh_error=error,
        clock=emulator._state.clock,
    )


async def test_without_hooks_nothing_happens():
    hooks = RefreshHooks()
    hooks.tell_error(ERROR)
    before = asyncio.all_tasks()
    assert asyncio.all_tasks() == before
    await hooks.aclose(0)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_hook_hears_of_each_exchange_once(emulator, kind):
    heard: list[Any] = []

    async def note(subject: Any) -> None:
        heard.append(subject)

    hook: Any = heard.append if kind == "sync" else note
    authkit = hooked(emulator, hook, hook)
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    loaded = await asyncio.gather(*(authkit.load([cookie]) for _ in range(20)))
    await authkit.load([cookie])
    await authkit.aclose()
    assert heard == [loaded[0].auth]

    emulator.fail("authenticate", status=503)
    await authkit.load([sealed(emulator.sign_in("user_bob", lifetime=-100))])
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    await authkit.load([sealed(emulator.sign_in("user_bob", lifetime=-100))])
    await authkit.aclose()
    unavailable, rejected = heard[1:]
    assert isinstance(unavailable, WorkOSUnavailableError)
    assert isinstance(rejected, GrantRejectedError)
    assert rejected.reason == "invalid_grant"


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_hook_that_raises_is_logged_and_changes_nothing(emulator, caplog, kind):
    async def later(_: object) -> None:
        raise LookupError("in a hook")

    def now(_: object) -> None:
        raise LookupError("in a hook")

    hook = now if kind == "sync" else later
    authkit = hooked(emulator, hook, hook)
    answer = emulator.sign_in("user_ada", lifetime=-100)
    caplog.set_level(logging.DEBUG, "authkit_asgi")
    emulator.fail("authenticate", status=503)
    assert (await authkit.load([sealed(answer)])).auth.retry_after == 5
    loaded = await authkit.load([sealed(answer)])
    await authkit.aclose()
    assert loaded.auth.user.id == "user_ada"
    assert loaded.sealed is not None
    failures = [record for record in caplog.records if record.name == "authkit_asgi.hooks"]
    assert [record.getMessage() for record in failures] == ["A refresh hook failed"] * 2
    assert all("in a hook" in str(record.exc_info[1]) for record in failures)
    for secret in (answer["refresh_token"], loaded.session.access_token, loaded.sealed):
        assert secret not in caplog.text


async def test_hook_that_has_waited_for_something_cancelled_is_logged_and_cancels_nothing(
    emulator, caplog
):
    def now(_: object) -> None:
        raise asyncio.CancelledError

    authkit = hooked(emulator, now)
    loaded = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=-100))])
    assert (loaded.auth.user.id, loaded.sealed is None) == ("user_ada", False)
    assert [record.getMessage() for record in caplog.records] == ["A refresh hook failed"]


async def test_slow_hook_delays_nobody_and_the_shutdown_waits_for_it(emulator):
    may_end, ended = asyncio.Event(), []

    async def slow(_: object) -> None:
        await may_end.wait()
        ended.append(True)

    authkit = hooked(emulator, slow)
    with anyio.fail_after(30):
        loaded = await authkit.load([sealed(emulator.sign_in("user_ada", lifetime=-100))])
    assert loaded.auth.user.id == "user_ada"
    closing = asyncio.create_task(authkit.aclose())
    await anyio.wait_all_tasks_blocked()
    assert not closing.done()
    may_end.set()
    await closing
    assert ended == [True]


async def test_shutdown_waits_no_longer_than_told():
    never = asyncio.Event()

    async def endless(_: object) -> None:
        await never.wait()

    hooks = RefreshHooks(on_error=endless)
    hooks.tell_error(ERROR)
    with anyio.fail_after(30):
        await hooks.aclose(0.01)
    never.set()
    await hooks.aclose(30)


async def test_hook_may_return_anything_to_be_awaited():
    heard: list[AuthKitError] = []

    async def note(error: AuthKitError) -> None:
        heard.append(error)

    hooks = RefreshHooks(on_error=lambda error: asyncio.ensure_future(note(error)))
    hooks.tell_error(ERROR)
    await hooks.aclose(30)
    assert heard == [ERROR]


async def test_work_in_the_background_has_an_empty_context():
    seen: list[str] = []

    async def work() -> None:
        seen.append(variable.get())

    variable.set("of the request")
    tasks = BackgroundTasks()
    tasks.start(work())
    await tasks.aclose(30)
    assert seen == ["empty"]
    await tasks.aclose(30)  # nothing is left to wait for


def test_shutdown_waits_for_its_own_loops_work_alone():
    tasks = BackgroundTasks()
    never: list[asyncio.Event] = []

    async def endless() -> None:
        never.append(asyncio.Event())
        await never[0].wait()

    async def begin() -> None:
        tasks.start(endless())
        await asyncio.sleep(0)

    async def close() -> None:
        with anyio.fail_after(30):
            await tasks.aclose(10_000)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(begin())
    asyncio.run(close())
    never[0].set()
    loop.run_until_complete(tasks.aclose(30))
    loop.close()

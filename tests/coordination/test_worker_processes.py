"""Real processes that share a Redis: one exchange for all, and one of them killed meanwhile."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated import PASSWORD, sealed, settings

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.redis import RedisRefreshCoordinator
from authkit_asgi.testing import WorkOSEmulator

PROGRAM = Path(__file__).with_name("worker_process.py")


@pytest.fixture
def workos(emulator: WorkOSEmulator, clock: Any) -> Iterator[WorkOSEmulator]:
    """An emulator that takes each token once, on the clock that the processes have."""
    clock.now = time.time()
    emulator.configure(reuse_revokes_session=True)
    yield emulator
    emulator.clear_faults()


def order(server: Any, base_url: str, cookie: str, **changes: Any) -> dict[str, Any]:
    return {
        "settings": settings(api_base_url=base_url, **changes),
        "redis_url": server.url,
        "cookie": cookie,
    }


@contextlib.contextmanager
def processes(what: dict[str, Any], number: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Start processes and wait until each is ready for its line."""
    command = [sys.executable, "-W", "error", str(PROGRAM), json.dumps(what)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(subprocess.Popen(command, **pipes)) for _ in range(number)]
        for process in started:
            stack.callback(process.kill)
        assert [process.stdout.readline() for process in started] == ["ready\n"] * number
        yield started


def test_processes_exchange_once_between_them(server, workos):
    with workos.serve() as base_url:
        cookie = sealed(workos.sign_in("user_ada", lifetime=-60))
        workos.fail("authenticate", delay=0.3)
        with processes(order(server, base_url, cookie, refresh_timeout=60), 3) as started:
            for process in started:
                process.stdin.write("go\n")
                process.stdin.flush()
            answers = [json.loads(process.stdout.readline()) for process in started]
    assert [answer["users"] for answer in answers] == [["user_ada"] * 50] * 3
    assert len({tuple(answer["cookies"]) for answer in answers}) == 1
    assert workos.count("authenticate") == 1


@pytest.mark.anyio
async def test_killed_worker_blocks_nobody_for_longer_than_its_lease(server, workos):
    with workos.serve() as base_url:
        cookie = sealed(workos.sign_in("user_ada", lifetime=-60))
        workos.fail("authenticate", hang=True)
        what = order(server, base_url, cookie, refresh_timeout=5)
        with processes(what, 1) as (process,):
            process.stdin.write("go\n")
            process.stdin.flush()
            while not server.lifetimes("lock"):
                assert process.poll() is None
            process.kill()
            process.wait()
        config = AuthKitConfig(**{**what["settings"], "refresh_timeout": 3})
        coordinator = RedisRefreshCoordinator(server.url, cookie_password=PASSWORD, timeout=3)
        authkit = AuthKit(config, coordinator=coordinator)
        workos.clear_faults()
        begin = time.monotonic()
        reasons = []
        while (loaded := await authkit.load([cookie])).auth.user is None:
            reasons.append(loaded.auth.reason.value)
            assert time.monotonic() - begin < 30, reasons
        assert set(reasons) == {"temporarily_unavailable"}
        assert time.monotonic() - begin > 1
    assert loaded.auth.user.id == "user_ada"

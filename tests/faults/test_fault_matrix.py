"""Each way in which WorkOS can fail a refresh, for each age of the token and each coordinator.

The event loop goes from timer to timer, so how long each request waits is exact.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
from asgi_driver import FETCH, Answer, Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import Clock
from faulty_workers import Line, worker
from redis_server import RedisServer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from stepped_loop import AwaitedRedis, SteppedEventLoop

from authkit_asgi import AuthKitMiddleware, get_auth, require_signed_in
from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio

OUTAGE = "temporarily_unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, and what it means for a token that has expired."""

    fault: Mapping[str, Any] | None
    """What to order of the emulator; with `None`, no connection to it is made."""
    reason: str = OUTAGE
    retry_after: int = 5
    asked: int = 1
    """How often one request asks WorkOS."""
    seconds: float = 0
    """For how long one request waits."""
    replay_window: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


HANG = {"hang": True}


def limited(retry_after: str | None, told: int, asked: int = 1, seconds: float = 0) -> Case:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Case(
        fault={"status": 429, "headers": headers},
        retry_after=told,
        asked=asked,
        seconds=seconds,
        settings={"refresh_timeout": 4},
    )


def verdict(status: int, word: str, reason: str | None = None) -> Case:
    return Case(fault={"status": status, "body": {"error": word}}, reason=reason or word)


CASES = {
    "connection refused": Case(fault=None, asked=0),
    "reset before": Case(fault={"reset": "before"}, asked=2),
    "reset after": Case(fault={"reset": "after"}, asked=2, replay_window=30),
    "hang": Case(fault=HANG, asked=2, seconds=0.4, settings={"api_timeout": 0.2}),
    **{f"{n}": Case(fault={"status": n}) for n in (401, 403, 408, 425, 500, 502, 503, 504)},
    "429 after 1": limited("1", 1, asked=2, seconds=1),
    "429": limited(None, 5),
    "429 after 11": limited("11", 10),
    "HTML": Case(fault={"body": HTML_PAGE}),
    "HTML of a proxy": Case(fault={"status": 502, "body": HTML_PAGE}),
    "truncated JSON": Case(fault={"body": TRUNCATED_JSON}),
    "no tokens": Case(fault={"body": JSON_WITHOUT_TOKENS}),
    "404 without a word": Case(fault={"status": 404, "body": {"message": "Not Found"}}),
    "invalid_client": Case(fault={"status": 400, "body": {"error": "invalid_client"}}),
    "invalid_grant": verdict(400, "invalid_grant", "refresh_denied"),
    "sso_required": verdict(403, "sso_required"),
    "mfa_enrollment": verdict(403, "mfa_enrollment"),
    "another word": verdict(422, "something_else", "refresh_denied"),
}
CHEAP = ("connection refused", "401", "503", "HTML", "no tokens", "invalid_client")


class Scene:
    """A browser with a session, before a site whose WorkOS has a fault."""

    def __init__(self, emulator: WorkOSEmulator, case: Case, server: RedisServer | None) -> None:
        emulator.configure(replay_window=case.replay_window)
        self.emulator = emulator
        self.clock: Clock = emulator._state.clock
        self.line = Line(emulator)
        self.redis = AwaitedRedis.from_url(server.url) if server else None
        self.authkit = worker(self.line, self.redis, **case.settings)
        self.browser = Browser(self._site())
        self.reason: str | None = None
        self.line.is_refusing = case.fault is None
        if case.fault is not None:
            emulator.fail("authenticate", times=None, **case.fault)

    def _site(self) -> Starlette:
        async def page(request: Request) -> Response:
            auth = get_auth(request)
            self.reason = None if auth.user else auth.reason
            return PlainTextResponse(require_signed_in(request).user.id)

        middleware = [Middleware(AuthKitMiddleware, authkit=self.authkit)]
        return Starlette(routes=[Route("/page", page)], middleware=middleware)

    @property
    def asked(self) -> int:
        return self.emulator.count("authenticate")

    def sign_in(self, lifetime: float) -> None:
        self.browser.cookies[SESSION] = signed_in_cookie(self.emulator, lifetime=lifetime)

    def mend(self) -> None:
        self.line.is_refusing = False
        self.emulator.clear_faults()

    async def aclose(self) -> None:
        self.mend()
        await self.authkit.aclose()
        if self.redis is not None:
            await self.redis.aclose()

    async def get(self, seconds: float) -> Answer:
        """Ask for the page and see how long that takes."""
        begun = anyio.current_time()
        answer = await self.browser.get("/page", FETCH)
        assert anyio.current_time() - begun == pytest.approx(seconds, abs=0.001)
        return answer

    async def is_signed_in(self, *, replaced: bool, after: float = 0) -> None:
        """See that the page is shown, and whether the cookie is replaced."""
        before = self.browser.cookies[SESSION]
        answer = await self.get(after)
        assert (answer.status, answer.text) == (200, "user_ada")
        assert (answer.set_cookies.keys() == {SESSION}) is replaced
        assert (self.browser.cookies[SESSION] != before) is replaced

    async def is_signed_out(self, reason: str, *, after: float = 0) -> Answer:
        """See that the page is not shown, and why; the cookie is kept."""
        answer = await self.get(after)
        assert (answer.status, self.reason) == (503 if reason == OUTAGE else 401, reason)
        assert answer.set_cookies == {}
        return answer

    async def loses_its_cookie_after_a_minute(self, reason: str) -> None:
        self.clock.now += 59
        await self.is_signed_out(reason)
        self.clock.now += 1
        answer = await self.get(0)
        assert (answer.status, self.reason) == (401, reason)
        assert "Max-Age=0" in answer.set_cookies[SESSION]
        assert self.browser.cookies == {}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": SteppedEventLoop}


@pytest.fixture(params=["in-process", "Redis"])
def coordinator_server(request: pytest.FixtureRequest) -> RedisServer | None:
    return request.getfixturevalue("server") if request.param == "Redis" else None


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def scene(
    emulator: WorkOSEmulator, case: Case, coordinator_server: RedisServer | None
) -> AsyncIterator[Scene]:
    scene = Scene(emulator, case, coordinator_server)
    await scene.authkit.open()
    yield scene
    await scene.aclose()


async def test_token_that_is_not_due_meets_no_fault(scene):
    scene.sign_in(300)
    await scene.is_signed_in(replaced=False)
    scene.mend()
    await scene.is_signed_in(replaced=False)
    assert scene.asked == 0


async def test_token_in_the_buffer_serves_through_each_fault(scene, case):
    scene.sign_in(300)
    scene.clock.now += 290
    await scene.is_signed_in(replaced=False, after=case.seconds)
    assert scene.asked == case.asked
    scene.mend()
    if case.reason == OUTAGE:
        await scene.is_signed_in(replaced=True)
        assert scene.asked == case.asked + 1
        return
    await scene.is_signed_in(replaced=False)
    await scene.loses_its_cookie_after_a_minute(case.reason)
    assert scene.asked == 1


async def test_expired_token_waits_for_an_outage_to_end_and_goes_with_a_verdict(scene, case):
    scene.sign_in(-100)
    answer = await scene.is_signed_out(case.reason, after=case.seconds)
    assert scene.asked == case.asked
    if case.reason == OUTAGE:
        assert answer.headers["retry-after"] == str(case.retry_after)
        scene.mend()
        await scene.is_signed_in(replaced=True)
        assert scene.asked == case.asked + 1
        return
    assert "retry-after" not in answer.headers
    scene.mend()
    await scene.loses_its_cookie_after_a_minute(case.reason)
    assert scene.asked == 1


@pytest.mark.parametrize("case", [CASES[name] for name in CHEAP], ids=CHEAP)
async def test_five_failures_spare_workos_for_five_seconds_and_end_no_session(scene, case):
    scene.sign_in(-100)
    for _ in range(5):
        await scene.is_signed_out(OUTAGE)
    scene.mend()
    for left in (5, 3, 1):
        answer = await scene.is_signed_out(OUTAGE)
        assert answer.headers["retry-after"] == str(left)
        assert scene.asked == 5 * case.asked
        scene.clock.now += 2
    await scene.is_signed_in(replaced=True)
    assert scene.asked == 5 * case.asked + 1


# Under the deadlines as they are shipped: 5 s for a call, 10 s for a refresh.
SLOW = {
    "hang": Case(fault=HANG, asked=2, seconds=10),
    "429": Case(fault={"status": 429}, asked=2, seconds=5),
}
slow = pytest.mark.parametrize("case", SLOW.values(), ids=SLOW)


@slow
async def test_slow_outage_costs_a_good_token_two_seconds(scene):
    scene.sign_in(300)
    scene.clock.now += 290
    await scene.is_signed_in(replaced=False, after=2)
    await scene.is_signed_in(replaced=False)  # who comes meanwhile waits for nothing
    assert scene.asked == 1
    scene.mend()
    await anyio.sleep(3)
    await scene.is_signed_in(replaced=True)  # the exchange has gone on
    assert scene.asked == 2


@slow
async def test_slow_outage_costs_an_expired_token_the_time_of_a_refresh(scene, case):
    scene.sign_in(-100)
    await scene.is_signed_out(OUTAGE, after=case.seconds)
    assert scene.asked == case.asked
    await scene.authkit.aclose()  # the exchange ends at the same moment, or the next
    scene.mend()
    await scene.is_signed_in(replaced=True)
    assert scene.asked == case.asked + 1


@slow
async def test_who_comes_to_a_slow_outage_later_waits_for_the_rest_of_it(scene, case):
    scene.sign_in(-100)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: scene.is_signed_out(OUTAGE, after=case.seconds))
        await anyio.sleep(3)
        group.start_soon(lambda: scene.is_signed_out(OUTAGE, after=case.seconds - 3))
    assert scene.asked == case.asked

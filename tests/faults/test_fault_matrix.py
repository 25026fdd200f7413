"""Each way in which WorkOS can fail a refresh, for each age of the token and each coordinator."""

from __future__ import annotations

from collections.abc import Mapping
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

from authkit_asgi import AuthKitMiddleware, get_auth, require_signed_in
from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio

OUTAGE = "temporarily_unavailable"
SLACK = 8  # seconds that a slow machine may take on top of those promised


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fault, and what it means for a token that has expired."""

    fault: Mapping[str, Any] | None
    """What to order of the emulator; with `None`, no connection to it is made."""
    reason: str = OUTAGE
    retry_after: int = 5
    asked: int = 1
    """How often one request asks WorkOS."""
    replay_window: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)


def limited(retry_after: str | None, seconds: int, asked: int) -> Case:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    fault = {"status": 429, "headers": headers}
    settings = {"refresh_timeout": 4}
    return Case(fault=fault, retry_after=seconds, asked=asked, settings=settings)


def verdict(status: int, word: str, reason: str | None = None) -> Case:
    return Case(fault={"status": status, "body": {"error": word}}, reason=reason or word)


CASES = {
    "connection refused": Case(fault=None, asked=0),
    "reset before": Case(fault={"reset": "before"}, asked=2),
    "reset after": Case(fault={"reset": "after"}, asked=2, replay_window=30),
    "hang": Case(fault={"hang": True}, asked=2, settings={"api_timeout": 0.2}),
    **{f"{n}": Case(fault={"status": n}) for n in (401, 403, 408, 425, 500, 502, 503, 504)},
    "429 after 1": limited("1", 1, 2),
    "429": limited(None, 5, 1),
    "429 after 11": limited("11", 10, 1),
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
        self.authkit = worker(self.line, server, **case.settings)
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
        object.__setattr__(self.authkit.config, "api_timeout", 30)

    async def get(self) -> Answer:
        return await self.browser.get("/page", FETCH)

    async def is_signed_in(self, *, replaced: bool) -> None:
        """See that the page is shown, and whether the cookie is replaced."""
        before = self.browser.cookies[SESSION]
        answer = await self.get()
        assert (answer.status, answer.text) == (200, "user_ada")
        assert (answer.set_cookies.keys() == {SESSION}) is replaced
        assert (self.browser.cookies[SESSION] != before) is replaced

    async def is_signed_out(self, reason: str) -> Answer:
        """See that the page is not shown, and why; the cookie is kept."""
        answer = await self.get()
        assert (answer.status, self.reason) == (503 if reason == OUTAGE else 401, reason)
        assert answer.set_cookies == {}
        return answer

    async def loses_its_cookie_after_a_minute(self, reason: str) -> None:
        self.clock.now += 59
        await self.is_signed_out(reason)
        self.clock.now += 1
        answer = await self.get()
        assert (answer.status, self.reason) == (401, reason)
        assert "Max-Age=0" in answer.set_cookies[SESSION]
        assert self.browser.cookies == {}


@pytest.fixture(params=["in-process", "Redis"])
def coordinator_server(request: pytest.FixtureRequest) -> RedisServer | None:
    return request.getfixturevalue("server") if request.param == "Redis" else None


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def scene(emulator: WorkOSEmulator, case: Case, coordinator_server):
    scene = Scene(emulator, case, coordinator_server)
    await scene.authkit.open()
    yield scene
    scene.mend()
    await scene.authkit.aclose()


async def test_token_that_is_not_due_meets_no_fault(scene):
    scene.sign_in(300)
    await scene.is_signed_in(replaced=False)
    scene.mend()
    await scene.is_signed_in(replaced=False)
    assert scene.asked == 0


async def test_token_in_the_buffer_serves_through_each_fault(scene, case):
    scene.sign_in(300)
    scene.clock.now += 290
    await scene.is_signed_in(replaced=False)
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
    answer = await scene.is_signed_out(case.reason)
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


@pytest.mark.parametrize(
    "case", [Case(fault={"hang": True}, settings={"api_timeout": 30, "refresh_timeout": 30})]
)
async def test_hanging_workos_costs_a_good_token_two_seconds(scene):
    scene.sign_in(300)
    scene.clock.now += 290
    begun = anyio.current_time()
    await scene.is_signed_in(replaced=False)
    assert anyio.current_time() - begun < 2 + SLACK
    assert scene.asked == 1


@pytest.mark.parametrize(
    "case", [Case(fault={"hang": True}, settings={"api_timeout": 30, "refresh_timeout": 1})]
)
async def test_hanging_workos_costs_an_expired_token_the_time_of_a_refresh(scene):
    scene.sign_in(-100)
    begun = anyio.current_time()
    await scene.is_signed_out(OUTAGE)
    assert anyio.current_time() - begun < 1 + SLACK
    assert scene.asked == 1
    await scene.authkit.aclose()  # the exchange ends at the same moment, or the next
    scene.mend()
    await scene.is_signed_in(replaced=True)

"""Nothing secret in logs at DEBUG, in bodies or in exceptions, whatever goes wrong."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser, Headers
from asgi_site import SESSION, begin, query_of, site, visit
from emulated import PASSWORD, Clock, shown
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from authkit_asgi import get_session, require_signed_in
from authkit_asgi.seal import unseal
from authkit_asgi.testing import HTML_PAGE, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio

_LONG_ENOUGH = 12  # characters; shorter pieces of a secret turn up by chance


class Watch(logging.Handler):
    """Collects what can be seen from outside, and the secrets that must not be in it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.seen: list[str] = []
        self.secrets = {PASSWORD, "sk_test_emulator"}

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(logging.Formatter().format(record))

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        root = logging.getLogger()
        level = root.level
        root.addHandler(self)
        root.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            root.removeHandler(self)
            root.setLevel(level)

    def learn(self, *secrets: str) -> None:
        """Note secrets, and the pieces between the dots, stars and so on of tokens and seals."""
        for secret in secrets:
            pieces = secret.replace("*", ".").split(".")
            self.secrets |= {piece for piece in (secret, *pieces) if len(piece) >= _LONG_ENOUGH}

    def check(self) -> None:
        everything = "\n".join(self.seen)
        assert len(self.seen) > 1
        assert [secret for secret in self.secrets if secret in everything] == []


class WatchedBrowser(Browser):
    """A browser that shows a `Watch` every body and exception, and every secret it is given."""

    def __init__(self, app: Any, watch: Watch, clock: Clock) -> None:
        super().__init__(app)
        self.watch, self.clock = watch, clock

    async def request(
        self, method: str, target: str, headers: Headers = NAVIGATION, **more: Any
    ) -> Answer | Any:
        query = parse_qsl(target.partition("?")[2])
        self.watch.learn(*(value for name, value in query if name in {"code", "state"}))
        try:
            with self.watch.listening():
                answer = await super().request(method, target, headers, **more)
        except Exception as error:  # noqa: BLE001  # each is looked into
            self.watch.seen += traceback.format_exception(error)
            self.watch.seen.append(shown(error))
            return None
        finally:
            self._learn_cookies()
        self.watch.seen.append(answer.text)
        plain = {**answer.headers, "location": ""}  # which carries the state, and the session's id
        self.watch.seen.append(repr(plain))
        return answer

    def _learn_cookies(self) -> None:
        for name, value in self.cookies.items():
            self.watch.learn(value)
            content = unseal(value, PASSWORD, clock=self.clock)
            secrets = ("accessToken", "refreshToken") if name == SESSION else ("codeVerifier",)
            self.watch.learn(*(content[secret] for secret in secrets))


async def refresh(request: Request) -> Response:
    session = get_session(request)
    await session.refresh()
    objects = (session, session.auth, session.config, session._loaded, session._authkit)
    return JSONResponse([repr(one) for one in objects])


async def guarded(request: Request) -> Response:
    return JSONResponse(repr(require_signed_in(request)))


async def broken(request: Request) -> Response:
    raise RuntimeError(repr(get_session(request)))


ROUTES = [Route("/refresh", refresh), Route("/guarded", guarded), Route("/broken", broken)]

FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "500": {"status": 500},
    "429": {"status": 429},
    "refused": {"status": 400, "body": {"error": "invalid_grant"}},
    "SSO": {"status": 403, "body": {"code": "sso_required"}},
    "credentials": {"status": 401, "body": {"error": "invalid_client"}},
    "HTML": {"body": HTML_PAGE},
    "truncated": {"body": TRUNCATED_JSON},
    "list": {"status": 400, "body": [1]},
    "no tokens": {"body": {}},
    "before": {"reset": "before"},
    "after": {"reset": "after"},
}


@pytest.fixture
def watched(emulator: WorkOSEmulator, clock: Clock) -> WatchedBrowser:
    return WatchedBrowser(site(emulator, ROUTES), Watch(), clock)


async def use(browser: WatchedBrowser) -> None:
    for headers in (NAVIGATION, FETCH):
        for path in ("/guarded", "/refresh", "/broken", "/who"):
            await browser.get(path, headers)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("endpoint", ["authenticate", "jwks"])
async def test_no_secret_is_shown(watched, emulator, clock, endpoint, fault):
    async def order() -> None:
        emulator.clear_faults()
        if fault:
            emulator.fail(endpoint, times=None, **fault)

    target = await begin(watched, emulator)  # signed in while it fails …
    await order()
    await watched.get(target)
    await watched.get(target)
    emulator.clear_faults()
    await watched.get(await begin(watched, emulator, user="bob"))  # … and while it works,
    await use(watched)
    await order()
    clock.now += 400  # refreshed while it fails
    await use(watched)
    await watched.post("/logout", FETCH)
    watched.watch.check()


async def test_no_secret_is_shown_by_callbacks_of_strangers(watched, emulator):
    target = await begin(watched, emulator)
    answer = await watched.get("/login")
    other = await visit(emulator, f"{answer.location}&login_hint=bob@example.com")
    watched.watch.learn(query_of(other)["state"], query_of(other)["code"])
    cookies = dict(watched.cookies)
    for change in (
        "&state=1",
        "&code=2",
        "&error=access_denied_marker",
        "&iss=https://evil.example",
        "",
    ):
        watched.cookies.clear()
        await watched.get(target + change)
        watched.cookies.update(cookies)
        await watched.get(target + change)
    watched.watch.check()


def test_the_watch_would_notice():
    watch = Watch()
    with watch.listening():
        logging.getLogger("somewhere").debug("key %s", "sk_test_emulator")
        logging.getLogger("somewhere").debug("else")
    with pytest.raises(AssertionError):
        watch.check()

"""Sealing a session anew puts no spent token back, whatever others do meanwhile."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from asgi_driver import Answer, Browser
from asgi_site import SESSION, begin, sealed_session, site
from emulated import OTHER_PASSWORD, PASSWORD
from outdated import ROTATING, sealed_by_older_password, sealed_by_sdk
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from test_late_answers import refresh, switch
from test_rotation import until_asked

from authkit_asgi.errors import GrantRejectedError
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import session_from_answer, unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


class SlowSite:
    """A site with a page that is answered when told to, and two tabs of one browser."""

    def __init__(self, emulator: WorkOSEmulator, cookie: str | None = None) -> None:
        self.entered, self.go_on = anyio.Event(), anyio.Event()
        routes = [
            Route("/slow", self._slow),
            Route("/refresh", refresh),
            Route("/refused", self._refused),
            Route("/switch", switch),
        ]
        app = site(emulator, routes, refresh_timeout=60, api_timeout=60, **ROTATING)
        self.one, self.other = Browser(app), Browser(app)
        if cookie is None:
            cookie = sealed_by_older_password(emulator.sign_in("user_ada"))
        self.one.cookies[SESSION] = self.other.cookies[SESSION] = cookie
        self.answer: Answer | None = None

    async def _slow(self, _: Request) -> Response:
        self.entered.set()
        await self.go_on.wait()
        return PlainTextResponse("done")

    async def _refused(self, request: Request) -> Response:
        with pytest.raises(GrantRejectedError):
            await refresh(request)
        return PlainTextResponse("refused")

    async def ask(self) -> None:
        self.answer = await self.one.get("/slow")

    async def meanwhile(self, *calls: Any) -> Answer:
        """Return the slow answer, which comes when `calls` are over."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.ask)
            await self.entered.wait()
            for call in calls:
                await call()
            self.go_on.set()
        assert self.answer is not None
        return self.answer

    def get(self, target: str) -> Any:
        return lambda: self.other.get(target)


async def test_answer_meanwhile_to_which_nothing_happened_is_written(emulator):
    slow = SlowSite(emulator)
    answer = await slow.meanwhile(slow.get("/who"))
    assert answer.set_cookies.keys() == {SESSION}


@pytest.mark.parametrize("path", ["/refresh", "/switch"])
async def test_nothing_is_written_where_a_successor_is_known(emulator, path):
    slow = SlowSite(emulator)
    answer = await slow.meanwhile(slow.get(path))
    assert answer.set_cookies == {}
    assert unseal_session(slow.other.cookies[SESSION], PASSWORD).user_id == "user_ada"


async def test_nothing_is_written_where_the_successor_was_refused_since(emulator):
    slow = SlowSite(emulator)

    async def refuse() -> None:
        emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
        assert (await slow.other.get("/refused")).text == "refused"

    assert (await slow.meanwhile(slow.get("/refresh"), refuse)).set_cookies == {}


async def test_nothing_is_written_while_an_exchange_is_under_way(emulator):
    slow = SlowSite(emulator)
    emulator.fail("authenticate", delay=50)
    async with anyio.create_task_group() as group:

        async def begin_refresh() -> None:
            group.start_soon(slow.other.get, "/refresh")
            await until_asked(emulator)

        answer = await slow.meanwhile(begin_refresh)
        emulator.clear_faults()
    assert answer.set_cookies == {}
    assert SESSION in slow.other.cookies


async def test_nothing_is_written_for_a_session_that_was_signed_out(emulator):
    slow = SlowSite(emulator)
    answer = await slow.meanwhile(lambda: slow.other.post("/logout"))
    assert answer.set_cookies == {}


async def test_nothing_is_written_for_a_session_that_a_sign_in_has_replaced(emulator):
    slow = SlowSite(emulator)

    async def sign_in() -> None:
        await slow.other.get(await begin(slow.other, emulator))

    answer = await slow.meanwhile(sign_in)
    assert answer.set_cookies == {}
    assert unseal_session(slow.other.cookies[SESSION], PASSWORD).user_id == "user_ada"


async def test_refresh_of_the_request_itself_writes_the_successor_alone(emulator):
    slow = SlowSite(emulator)
    old = unseal_session(slow.one.cookies[SESSION], OTHER_PASSWORD)
    answer = await slow.one.get("/refresh")
    assert answer.set_cookies.keys() == {SESSION}
    assert unseal_session(slow.one.cookies[SESSION], PASSWORD).refresh_token != old.refresh_token


async def test_many_requests_at_once_are_all_given_the_session(emulator):
    app = site(emulator, **ROTATING)
    cookie = sealed_by_older_password(emulator.sign_in("user_ada"))
    browsers = [Browser(app) for _ in range(20)]
    async with anyio.create_task_group() as group:
        for browser in browsers:
            browser.cookies[SESSION] = cookie
            group.start_soon(browser.get, "/who")
    sessions = [unseal_session(browser.cookies[SESSION], PASSWORD) for browser in browsers]
    assert sessions == [unseal_session(cookie, OTHER_PASSWORD)] * 20
    assert emulator.count("authenticate") == 0


async def test_session_that_outgrows_any_seal_stays_as_it_is(emulator):
    """What workos-python has sealed must not become an error page."""
    answer = emulator.sign_in("user_ada")
    note = "x" * 8000
    while len(sealed_by_sdk(answer)) < 16_340:
        note += "x" * 8
        answer["user"]["metadata"] = {"note": note}
    assert len(sealed_by_sdk(answer)) <= 16_384
    got = await SlowSite(emulator, sealed_by_sdk(answer)).one.get("/who")
    assert (got.status, got.json["user"], got.set_cookies) == (200, "user_ada", {})


@pytest.mark.parametrize("newest", [PASSWORD, OTHER_PASSWORD])
async def test_kits_write_id_1_whatever_the_password(emulator, newest):
    passwords = {"1": OTHER_PASSWORD, "2": PASSWORD}
    browser = Browser(site(emulator, cookie_password=passwords))
    browser.cookies[SESSION] = sealed_session(emulator.sign_in("user_ada"), newest)
    got = await browser.get("/who")
    assert got.json["user"] == "user_ada"
    assert (got.set_cookies != {}) is (newest == OTHER_PASSWORD)
    if newest == OTHER_PASSWORD:
        assert browser.cookies[SESSION].startswith("Fe26.2*2*")


async def test_session_without_refresh_token_is_sealed_anew_too(emulator):
    content = unseal(sealed_by_older_password(emulator.sign_in("user_ada")), OTHER_PASSWORD)
    del content["refreshToken"]
    browser = SlowSite(emulator, seal(content, OTHER_PASSWORD)).one
    assert (await browser.get("/who")).set_cookies.keys() == {SESSION}
    second = await browser.get("/who")
    assert (second.json["user"], second.set_cookies) == ("user_ada", {})


async def test_user_without_more_than_id_and_email_is_sealed_anew(emulator):
    """Applications that seal with the SDK's helper write what they like into the user."""
    answer = emulator.sign_in("user_ada")
    answer["user"] = {"id": "user_ada", "email": "ada@example.com"}
    browser = SlowSite(emulator, sealed_by_sdk(answer)).one
    assert (await browser.get("/who")).set_cookies.keys() == {SESSION}
    kept = unseal_session(browser.cookies[SESSION], PASSWORD)
    assert kept.user_json == session_from_answer(answer).user_json

"""Requests whose session was verified a moment ago: what others did since counts all the same."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from asgi_driver import Answer, drive, http_scope, receive_of, websocket_scope
from asgi_site import SESSION, cookie_header, signed_in_cookie, who
from asgi_spec import checked
from emulated import service
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send
from test_disconnects import START, failing_at

from authkit_asgi import (
    AuthKit,
    AuthKitMiddleware,
    ResponseStartedError,
    get_session,
)
from authkit_asgi.loading import Loaded
from authkit_asgi.session import Session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

LONG = 86_400


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    """Do what the path says, then answer who it is."""
    request = Request(scope)
    path = scope["path"]
    if path == "/sign-out":
        await get_session(request).sign_out()
    elif path == "/refresh":
        await get_session(request).refresh()
    elif path == "/switch":
        await get_session(request).switch_organization("org_globex")
    await (await who(request))(scope, receive, send)


class Site:
    """An application whose keys are at hand, and somebody with a cookie that is known there."""

    def __init__(self, authkit: AuthKit, emulator: WorkOSEmulator) -> None:
        self.authkit, self.emulator = authkit, emulator
        self.app = checked(AuthKitMiddleware(answering, authkit=authkit))
        self.cookie = signed_in_cookie(emulator, lifetime=LONG)

    async def get(self, path: str = "/", cookie: str | None = None) -> Answer:
        header = ("cookie", f"{SESSION}={cookie or self.cookie}")
        return await drive(self.app, http_scope("GET", path, [header]))

    def known(self) -> Any:
        """Return what a look at the cookie says; `None` where it does not settle it."""
        found = self.authkit.load_now(self.cookie.encode())
        return found if isinstance(found, Loaded) else None


async def ready(emulator: WorkOSEmulator, **changes: Any) -> Site:
    site = Site(service(emulator, **changes), emulator)
    for _ in range(2):
        assert (await site.get()).json["user"] == "user_ada"
    assert site.known() is site.known()
    return site


def session_of(answer: Answer) -> str:
    return answer.set_cookies[SESSION].partition("=")[2].partition(";")[0]


async def test_sign_out_in_another_request_ends_it_at_once(emulator):
    site = await ready(emulator)
    await site.get("/sign-out")
    assert (await site.get()).json == {"user": None, "reason": "signed_out"}


@pytest.mark.parametrize("path", ["/refresh", "/switch"])
async def test_refresh_in_another_request_is_followed_by_its_cookie(emulator, path):
    site = await ready(emulator)
    new = await site.get(path)
    old = await site.get()
    if path == "/refresh":
        assert session_of(old) == session_of(new)
    else:  # the organization is another: who did not switch stays where they are
        assert (old.json["organization"], old.set_cookies) == ("org_acme", {})
        assert (await site.get(cookie=session_of(new))).json["organization"] == "org_globex"
    assert emulator.count("authenticate") == 1


async def test_withdrawn_key_takes_the_session_along(emulator, clock):
    site = await ready(emulator, jwks_max_age=30)
    emulator.rotate_keys(withdraw_old=True)
    emulator.fail("authenticate", times=None, status=500)
    clock.now += 31
    assert (await site.get()).json["user"] == "user_ada"  # while the keys are being fetched
    with anyio.fail_after(30):
        while site.known() is not None:  # noqa: ASYNC110  # the fetch has no event
            await anyio.sleep(0.01)
    assert (await site.get()).json["reason"] == "temporarily_unavailable"


async def test_session_that_was_remembered_is_renewed_in_time(emulator, clock):
    site = await ready(emulator)
    await site.authkit.open()
    site.cookie = signed_in_cookie(emulator, lifetime=100)
    clock.now += 20
    for _ in range(2):
        assert (await site.get()).set_cookies == {}
    clock.now += 55
    assert (await site.get()).set_cookies.keys() == {SESSION}
    await site.authkit.aclose()


async def test_error_of_the_servers_send_passes_as_it_is_at_once(emulator):
    """The headers may have gone out: from then on the session cannot be changed."""
    site, error, caught = await ready(emulator), BrokenPipeError("gone"), []

    async def application(scope: Scope, _: Receive, send: Send) -> None:
        try:
            await send(START)
        except OSError as problem:
            caught.append(problem)
            with pytest.raises(ResponseStartedError):
                await get_session(Request(scope)).refresh()
            raise

    app = checked(AuthKitMiddleware(application, authkit=site.authkit))
    header = ("cookie", f"{SESSION}={site.cookie}")
    with pytest.raises(BrokenPipeError) as raised:
        await app(http_scope("GET", "/", [header]), receive_of(), failing_at(0, Answer(), error))
    assert raised.value is error
    assert caught == [error]
    answer = await site.get()
    assert (answer.json["user"], answer.set_cookies) == ("user_ada", {})


async def test_change_after_an_answer_without_cookies_is_told_that_it_is_too_late(emulator):
    site, noted = await ready(emulator), []

    async def application(scope: Scope, _: Receive, send: Send) -> None:
        session = get_session(Request(scope))
        noted.append(session.has_answered)
        await send(START)
        noted.append(session.has_answered)
        for change in (session.sign_out, session.refresh, session.authorization_url):
            with pytest.raises(ResponseStartedError):
                await change()
        await send({"type": "http.response.body"})

    app = checked(AuthKitMiddleware(application, authkit=site.authkit))
    for headers in ([("cookie", f"{SESSION}={site.cookie}")], []):
        assert (await drive(app, http_scope("GET", "/", headers))).set_cookies == {}
    assert noted == [False, True] * 2
    assert (await site.get()).json["user"] == "user_ada"


async def test_websocket_that_is_closed_allows_no_more_changes(emulator):
    site, refused = await ready(emulator), []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close", "code": 1000})
        with pytest.raises(ResponseStartedError):
            await get_session(Request({**scope, "type": "http"})).sign_out()
        refused.append(True)

    app = AuthKitMiddleware(application, authkit=site.authkit)
    await drive(app, websocket_scope("/", [cookie_header(emulator)]))
    assert refused == [True]


async def test_messages_pass_once_and_in_order_whether_or_not_something_is_awaited(emulator):
    site = await ready(emulator)
    messages: list[Message] = [
        START,
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.body", "body": b"y"},
    ]

    async def application(_: Scope, __: Receive, send: Send) -> None:
        for message in messages:
            assert await send(message) is None

    app = AuthKitMiddleware(application, authkit=site.authkit)
    for lifetime in (LONG, -100):
        answer = await drive(
            app, http_scope("GET", "/", [cookie_header(emulator, lifetime=lifetime)])
        )
        assert [one["type"] for one in answer.messages] == [one["type"] for one in messages]
        assert answer.body == b"xy"


@pytest.mark.parametrize("changes", [{}, {"refresh": "never"}], ids=["own path", "read-only"])
async def test_who_may_not_refresh_tells_nobody_that_a_cookie_has_arrived(emulator, clock, changes):
    """Until the one that keeps the session has seen it, late requests need what it remembers."""
    keeper = service(emulator)
    reader = service(emulator, coordinator=keeper.coordinator, **changes)
    for authkit in (keeper, reader):
        await authkit.load([signed_in_cookie(emulator, "user_bob")])
    session = await old_session(keeper, emulator)
    successor = await keeper.refresh(session)
    for _ in range(2):
        loaded = reader.load_now(successor.sealed.encode(), may_refresh="refresh" in changes)
        assert isinstance(loaded, Loaded)
        assert loaded.auth.user is not None
    clock.now += 31
    assert (await keeper.newest(session)) == successor.sealed
    assert isinstance(keeper.load_now(successor.sealed.encode()), Loaded)
    clock.now += 31
    assert (await keeper.newest(session)) is None


async def old_session(authkit: AuthKit, emulator: WorkOSEmulator) -> Session:
    loaded = await authkit.load([signed_in_cookie(emulator, lifetime=LONG)])
    assert loaded.session is not None
    return loaded.session

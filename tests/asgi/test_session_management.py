"""Users look after their own sessions, on all devices, and after nobody else's."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser
from asgi_site import site
from devices_site import (
    SIGNED_OUT,
    SUPPORT,
    active,
    device,
    devices,
    seen,
    session_of,
)
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from authkit_asgi import (
    ActiveSession,
    ForbiddenError,
    Impersonator,
    InvalidSessionError,
    ResponseStartedError,
    SessionNotFoundError,
    SessionsUnavailableError,
    get_session,
)
from authkit_asgi.fastapi import CurrentSession

pytestmark = pytest.mark.anyio


async def test_sessions_of_all_devices_are_listed_the_newest_first(emulator, clock):
    app = devices(emulator)
    _, first_id = device(app, emulator, organization="org_globex")
    clock.now += 60
    browser, second_id = device(app, emulator)
    device(app, emulator, "user_bob")
    _, third_id = device(app, emulator, impersonator=SUPPORT)
    assert (await browser.get("/sessions")).json == [third_id, second_id, first_id]
    third, second, first = await (await session_of(browser)).list_sessions()
    assert [each.is_current for each in (first, second, third)] == [False, True, False]
    assert first == ActiveSession(
        id=first_id,
        auth_method="password",
        organization_id="org_globex",
        created_at="2027-01-15T08:00:00.000Z",
        updated_at="2027-01-15T08:00:00.000Z",
        expires_at="2028-01-15T08:00:00.000Z",
    )
    assert third.impersonator == Impersonator(**SUPPORT)
    assert emulator.count("sessions") == 2


async def test_device_that_is_signed_out_is_out_at_once_and_the_others_stay_in(emulator, clock):
    app = devices(emulator)
    browser, current = device(app, emulator)
    other, other_id = device(app, emulator)
    bob, _ = device(app, emulator, "user_bob")
    assert (await seen(other))["user"] == "user_ada"
    answer = await browser.post(f"/revoke?id={other_id}", FETCH)
    assert (answer.status, answer.set_cookies) == (200, {})
    assert await seen(other) == SIGNED_OUT
    assert (await seen(browser))["user"] == "user_ada"
    assert (await seen(bob))["user"] == "user_bob"
    assert active(emulator) == [current]
    clock.now += 400
    assert await seen(other) == SIGNED_OUT
    assert emulator.count("authenticate", grant_type="refresh_token") == 0


async def test_session_that_asks_is_signed_out_like_any_other(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    thief = Browser(app)
    thief.cookies = dict(browser.cookies)
    answer = await browser.post(f"/revoke?id={current}", FETCH)
    assert answer.status == 200
    assert "Max-Age=0" in answer.set_cookies["wos-session"]
    assert browser.cookies == {}
    assert await seen(thief) == SIGNED_OUT
    assert active(emulator) == []


IDS = {
    "somebody else's": "{bobs}",
    "unknown": "session_unknown",
    "empty": "",
    "a path": "../users/user_bob/sessions",
    "a path to one's own": "../sessions/{own}",
    "encoded": "%252e%252e%252fsession",
    "a query": "{own}?x=1",
    "with a blank": "%20{own}",
    "a null byte": "{own}%00",
    "two": "{own},{bobs}",
    "endless": "s" * 10_000,
    "of all": "*",
}


@pytest.mark.parametrize("wanted", IDS.values(), ids=IDS)
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["page", "program"])
async def test_what_is_not_in_the_users_list_is_not_found_and_workos_is_not_asked_to_end_it(
    emulator, wanted, headers
):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    _, own = device(app, emulator)
    _, bobs = device(app, emulator, "user_bob")
    answer = await browser.post(f"/revoke?id={wanted.format(own=own, bobs=bobs)}", headers)
    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    if headers is FETCH:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "session_not_found"
    else:
        assert "There is no such session" in answer.text
    assert emulator.count("revoke") == 0
    assert (len(active(emulator)), active(emulator, "user_bob")) == (2, [bobs])


async def test_session_that_is_over_is_not_found(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    _, other_id = device(app, emulator)
    emulator.end_session(other_id)
    assert (await browser.post(f"/revoke?id={other_id}", FETCH)).status == 404


async def test_all_other_devices_are_signed_out_together(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    others = [device(app, emulator) for _ in range(3)]
    impersonating, its_id = device(app, emulator, impersonator=SUPPORT)
    answer = await browser.post("/others", FETCH)
    assert sorted(answer.json) == sorted([its_id, *(each for _, each in others)])
    assert [await seen(each) for each, _ in others] == [SIGNED_OUT] * 3
    assert await seen(impersonating) == SIGNED_OUT
    assert active(emulator) == [current]
    assert (await browser.post("/others", FETCH)).json == []


async def test_impersonator_may_look_and_may_leave_and_ends_nobody_elses_session(emulator):
    app = devices(emulator)
    ada, adas = device(app, emulator)
    support, own = device(app, emulator, impersonator=SUPPORT)
    assert (await support.get("/sessions")).json == [own, adas]
    for target in (f"/revoke?id={adas}", "/others"):
        answer = await support.post(target, FETCH)
        assert (answer.status, answer.json["code"]) == (403, "forbidden")
    assert (await seen(ada))["user"] == "user_ada"
    assert emulator.count("revoke") == 0
    assert (await support.post(f"/revoke?id={own}", FETCH)).status == 200
    assert active(emulator) == [adas]


async def test_nobody_signed_in_has_no_sessions(emulator):
    session = await session_of(Browser(devices(emulator)))
    for ask in (
        session.list_sessions(),
        session.revoke_session("session_7"),
        session.revoke_other_sessions(),
    ):
        with pytest.raises(InvalidSessionError):
            await ask


async def test_session_that_asks_cannot_be_signed_out_once_the_response_has_started(emulator):
    async def late(request: Request) -> Response:
        session = get_session(request)

        async def body() -> Any:
            yield b"begun, "
            with pytest.raises(ResponseStartedError):
                await session.revoke_session(session.auth.session_id)  # type: ignore[union-attr]
            await session.revoke_other_sessions()
            yield b"done"

        return StreamingResponse(body())

    app = site(emulator, [Route("/late", late)])
    browser, current = device(app, emulator)
    device(app, emulator)
    assert (await browser.get("/late")).text == "begun, done"
    assert active(emulator) == [current]


async def test_after_the_connection_errors_are_as_they_are_anywhere(emulator):
    session = await session_of(device(devices(emulator), emulator)[0])
    with pytest.raises(SessionNotFoundError):
        await session.revoke_session("session_unknown")
    emulator.fail("sessions", status=500)
    with pytest.raises(SessionsUnavailableError):
        await session.list_sessions()
    support, _ = device(devices(emulator), emulator, impersonator=SUPPORT)
    with pytest.raises(ForbiddenError):
        await (await session_of(support)).revoke_other_sessions()


@pytest.mark.parametrize("denial", [True, False])
async def test_websocket_is_denied_as_by_a_guard(emulator, denial):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    answer: Answer = await browser.websocket("/socket?id=session_unknown", denial=denial)
    if denial:
        assert answer.status == 404
    else:
        assert answer.messages[0]["type"] == "websocket.close"
        assert answer.messages[0]["code"] == 1008


async def test_fastapi_answers_by_itself_too(emulator):
    app = FastAPI()
    inner = devices(emulator)
    app.user_middleware = inner.user_middleware

    @app.post("/revoke")
    async def revoke_by_id(session: CurrentSession, session_id: str) -> str:
        await session.revoke_session(session_id)
        return "done"

    browser, _ = device(app, emulator)
    answer = await browser.post("/revoke?session_id=session_unknown", FETCH)
    assert (answer.status, answer.json["code"]) == (404, "session_not_found")
    emulator.fail("sessions", status=500)
    answer = await browser.post("/revoke?session_id=session_unknown", NAVIGATION)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "This is not possible at the moment" in answer.text
    assert "Sign in" not in answer.text

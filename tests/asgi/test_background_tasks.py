"""After the response: background tasks know the user, and can change no cookie any more."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from asgi_driver import Answer, drive, http_scope
from asgi_site import SESSION, cookie_header
from emulated import service
from fastapi import BackgroundTasks, FastAPI
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from authkit_asgi import AuthKitMiddleware, ResponseStartedError, get_auth, get_session
from authkit_asgi.fastapi import CurrentSession, CurrentUser

pytestmark = pytest.mark.anyio

CHANGES = {
    "refresh": lambda session: session.refresh(),
    "switch": lambda session: session.switch_organization("org_globex"),
    "sign out": lambda session: session.sign_out(),
    "sign in": lambda session: session.authorization_url(),
    "complete": lambda session: session.complete_sign_in("code", "state"),
}
RESPONSES = {
    "plain": lambda task: PlainTextResponse("ok", background=task),
    "stream": lambda task: StreamingResponse(iter(["o", "k"]), background=task),
}


async def ask(emulator: Any, endpoint: Any) -> Answer:
    app = Starlette(
        routes=[Route("/", endpoint)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator))],
    )
    return await drive(app, http_scope("GET", "/", [cookie_header(emulator, lifetime=-100)]))


@pytest.mark.parametrize("make", RESPONSES.values(), ids=RESPONSES)
async def test_task_sees_the_user_of_its_request(emulator, make):
    seen: list[Any] = []

    async def endpoint(request: Request) -> Response:
        async def task() -> None:
            seen.extend([get_auth(request), request.state.auth, get_session(request).auth])

        return make(BackgroundTask(task))

    answer = await ask(emulator, endpoint)
    assert (answer.text, answer.set_cookies.keys()) == ("ok", {SESSION})
    assert [auth.user.id for auth in seen] == ["user_ada"] * 3
    assert seen[0] is seen[1] is seen[2]


@pytest.mark.parametrize("make", RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_task_that_would_change_the_session_is_told_that_it_is_too_late(
    emulator, change, make
):
    caught: list[ResponseStartedError] = []

    async def endpoint(request: Request) -> Response:
        async def task() -> None:
            with pytest.raises(ResponseStartedError) as raised:
                await change(get_session(request))
            caught.append(raised.value)
            assert get_auth(request).user.id == "user_ada"

        return make(BackgroundTask(task))

    answer = await ask(emulator, endpoint)
    assert (answer.status, len(caught)) == (200, 1)
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 1


async def test_task_that_raises_comes_after_a_whole_response(emulator):
    error = RuntimeError("of the task")

    async def endpoint(_: Request) -> Response:
        async def task() -> None:
            raise error

        return PlainTextResponse("ok", background=BackgroundTask(task))

    with pytest.raises(RuntimeError) as raised:
        await ask(emulator, endpoint)
    assert raised.value is error


async def test_task_of_fastapi_sees_user_and_session(emulator):
    seen: list[Any] = []
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=service(emulator))

    @app.get("/")
    async def endpoint(user: CurrentUser, session: CurrentSession, tasks: BackgroundTasks) -> str:
        async def task() -> None:
            seen.extend([user.id, session.auth.user.id])
            with pytest.raises(ResponseStartedError):
                await session.sign_out()

        tasks.add_task(task)
        return "ok"

    answer = await drive(app, http_scope("GET", "/", [cookie_header(emulator, lifetime=-100)]))
    assert (answer.json, answer.set_cookies.keys()) == ("ok", {SESSION})
    assert seen == ["user_ada", "user_ada"]


async def test_task_keeps_its_user_while_others_are_served(emulator):
    go_on, seen = anyio.Event(), []

    async def endpoint(request: Request) -> Response:
        async def task() -> None:
            await go_on.wait()
            seen.append(get_auth(request).user.id)

        user = get_auth(request).user.id
        return PlainTextResponse(
            user, background=BackgroundTask(task) if user == "user_ada" else None
        )

    app = Starlette(
        routes=[Route("/", endpoint)],
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator))],
    )
    async with anyio.create_task_group() as group:
        group.start_soon(drive, app, http_scope("GET", "/", [cookie_header(emulator)]))
        bob = http_scope("GET", "/", [cookie_header(emulator, "user_bob")])
        assert (await drive(app, bob)).text == "user_bob"
        go_on.set()
    assert seen == ["user_ada"]

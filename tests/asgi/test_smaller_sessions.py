"""Smaller session cookies: in every response that makes one, and what `auth` says of it."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from asgi_driver import FETCH, Browser
from asgi_site import SESSION, sign_in, signed_in_cookie
from emulated import PASSWORD
from fastapi import FastAPI
from smaller_sessions import ALL, sealed_user, smaller, smaller_site
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from authkit_asgi import AuthKitMiddleware, SignedIn, SignInResult, User
from authkit_asgi.fastapi import CurrentUser
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio

CHOSEN = {"id", "email", "firstName"}
REST = ALL - {"first_name"}


async def initials(content: dict[str, Any]) -> dict[str, Any]:
    """Keep of the name its first letter."""
    await anyio.lowlevel.checkpoint()
    user = content["user"]
    return {**content, "user": {**user, "firstName": user["firstName"][:1]}}


def check_me(answer: Any, first_name: str = "Ada") -> None:
    assert answer.status == 200
    assert answer.json == {"first_name": first_name, "not_loaded": sorted(REST)}


async def test_sign_in_seals_the_chosen_fields_and_tells_the_application_of_all(emulator):
    results: list[SignInResult] = []

    def on_success(_: Request, result: SignInResult) -> None:
        results.append(result)

    authkit = smaller(emulator, session_user_fields=["first_name"])
    browser = Browser(smaller_site(authkit, auth_options={"on_success": on_success}))
    assert (await sign_in(browser, emulator)).status == 303
    assert sealed_user(browser.cookies[SESSION]).keys() == CHOSEN
    check_me(await browser.get("/me"))
    (result,) = results
    assert result.user.not_loaded == frozenset()
    assert result.user.created_at is not None
    assert result.auth.user.not_loaded == REST


@pytest.mark.parametrize("path", ["/me", "/refresh", "/switch"])
async def test_every_exchange_seals_what_the_transform_makes_of_the_chosen_fields(emulator, path):
    told: list[SignedIn] = []
    authkit = smaller(
        emulator, initials, session_user_fields=["first_name"], on_success=told.append
    )
    browser = Browser(smaller_site(authkit))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    check_me(await browser.get(path), "A")  # the very request that exchanges
    cookie = browser.cookies[SESSION]
    assert sealed_user(cookie) == {"id": "user_ada", "email": "ada@example.com", "firstName": "A"}
    unchanged = await browser.get("/me")
    check_me(unchanged, "A")
    assert unchanged.set_cookies == {}
    assert all(auth.user.first_name == "A" for auth in told)
    assert len(told) == emulator.count("authenticate", grant_type="refresh_token")


async def test_fifty_requests_that_wait_are_served_by_one_transform(emulator):
    calls: list[str] = []

    def transform(content: dict[str, Any]) -> dict[str, Any]:
        calls.append(content["user"]["id"])
        return content

    app = smaller_site(smaller(emulator, transform, session_user_fields=["first_name"]))
    cookie = signed_in_cookie(emulator, lifetime=-100)
    browsers = [Browser(app) for _ in range(50)]
    for browser in browsers:
        browser.cookies[SESSION] = cookie
    for answer in await asyncio.gather(*(browser.get("/me") for browser in browsers)):
        check_me(answer)
    assert len({browser.cookies[SESSION] for browser in browsers}) == 1
    assert calls == ["user_ada"]


async def test_remembered_session_goes_through_the_transform_and_is_kept_whole(emulator):
    authkit = smaller(emulator, initials)
    app = smaller_site(authkit)
    old = signed_in_cookie(emulator, lifetime=-100)
    first, late = Browser(app), Browser(app)
    for browser in (first, late):
        browser.cookies[SESSION] = old
        assert (await browser.get("/me")).json == {"first_name": "A", "not_loaded": []}
        assert sealed_user(browser.cookies[SESSION])["firstName"] == "A"
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
    key = refresh_key(unseal_session(old, PASSWORD).refresh_token)
    (outcome,) = authkit.coordinator.recall(key)
    assert sealed_user(outcome.sealed)["firstName"] == "Ada"


async def test_slow_response_writes_the_newest_session_transformed(emulator):
    entered, go_on = anyio.Event(), anyio.Event()

    async def slow(_: Request) -> Response:
        entered.set()
        await go_on.wait()
        return PlainTextResponse("done")

    app = smaller_site(smaller(emulator, initials), Route("/slow", slow))
    one, other = Browser(app), Browser(app)
    one.cookies[SESSION] = other.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    async with anyio.create_task_group() as group:
        group.start_soon(one.get, "/slow")
        await entered.wait()
        await other.get("/switch")
        go_on.set()
    newest = [unseal(browser.cookies[SESSION], PASSWORD) for browser in (one, other)]
    assert newest[0] == newest[1]
    assert newest[0]["user"]["firstName"] == "A"


async def test_transform_that_fails_locks_nobody_out(emulator, caplog):
    failing = True

    def transform(content: dict[str, Any]) -> dict[str, Any]:
        if failing:
            raise RuntimeError(content["refreshToken"])
        return {**content, "user": {**content["user"], "firstName": "A"}}

    browser = Browser(smaller_site(smaller(emulator, transform)))
    assert (await sign_in(browser, emulator)).status == 303
    assert (await browser.get("/refresh")).json["first_name"] == "Ada"
    assert sealed_user(browser.cookies[SESSION])["firstName"] == "Ada"
    messages = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert messages == ["session_transform is passed over: it raised RuntimeError"] * 2
    failing = False
    assert (await browser.get("/refresh")).json["first_name"] == "A"


async def test_token_is_not_lost_with_a_user_too_large_for_any_seal(emulator):
    emulator.update_user("user_ada", metadata={"note": "x" * 60_000})
    authkit = smaller(emulator, session_user_fields=["first_name"])
    browser = Browser(smaller_site(authkit))
    assert (await sign_in(browser, emulator)).status == 303
    check_me(await browser.get("/refresh"))


async def test_sign_in_of_ones_own_and_a_kits_cookie(emulator):
    answer = emulator.sign_in("user_ada")

    async def own(request: Request) -> Response:
        auth = await request.state.authkit.sign_in(answer)
        return PlainTextResponse(" ".join(sorted(auth.user.not_loaded)))

    app = smaller_site(smaller(emulator, session_user_fields=[]), Route("/own", own))
    browser = Browser(app)
    assert (await browser.get("/own")).text.split() == sorted(ALL)
    assert sealed_user(browser.cookies[SESSION]).keys() == {"id", "email"}
    kit = Browser(app)
    content = unseal(signed_in_cookie(emulator), PASSWORD)
    del content["user"]["locale"]
    kit.cookies[SESSION] = seal(content, PASSWORD)
    assert (await kit.get("/me")).json == {"first_name": "Ada", "not_loaded": ["locale"]}


async def test_user_that_is_not_whole_is_answered_with_the_same_fields(emulator):
    app = FastAPI()
    app.add_middleware(
        AuthKitMiddleware, authkit=smaller(emulator, session_user_fields=["first_name"])
    )

    @app.get("/typed")
    async def typed(user: CurrentUser) -> User:
        return user

    @app.get("/untyped", response_model=None)
    async def untyped(user: CurrentUser) -> Any:
        return user

    whole, part = Browser(app), Browser(app)
    whole.cookies[SESSION] = signed_in_cookie(emulator)
    part.cookies[SESSION] = (await authkit_cookie(emulator)).cookies[SESSION]
    for path in ("/typed", "/untyped"):
        answers = [(await browser.get(path, FETCH)).json for browser in (whole, part)]
        assert answers[0].keys() == answers[1].keys() == {"id", "email", *ALL}
        assert answers[1]["first_name"] == "Ada"
        assert (answers[1]["created_at"], answers[1]["metadata"]) == (None, {})


async def authkit_cookie(emulator: Any) -> Browser:
    browser = Browser(smaller_site(smaller(emulator, session_user_fields=["first_name"])))
    await sign_in(browser, emulator)
    return browser


async def test_middleware_takes_the_transform_and_leaves_it_to_a_ready_made_authkit(emulator):
    app = AuthKitMiddleware(
        smaller_site(smaller(emulator)), authkit=smaller(emulator), session_transform=initials
    )
    assert app._fault is not None
    assert app._fault.problems == ("session_transform belongs to the AuthKit that authkit= gives",)
    config = smaller(emulator).config
    assert AuthKitMiddleware(app, config, session_transform=initials)._fault is None

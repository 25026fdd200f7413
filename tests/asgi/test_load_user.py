"""`load_user()`: all of the user, from WorkOS, whatever the session holds."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from asgi_driver import Browser
from asgi_site import SESSION, signed_in_cookie
from emulated import START, chain, service, settings, shown
from smaller_sessions import sealed_user, smaller, smaller_site
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from authkit_asgi import (
    AuthKit,
    AuthKitConfig,
    AuthKitError,
    InvalidSessionError,
    UnavailableError,
    User,
    UserNotFoundError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
    get_session,
)
from authkit_asgi.auth import FrozenDict
from authkit_asgi.testing import HTML_PAGE, TRUNCATED_JSON

pytestmark = pytest.mark.anyio


async def whole(request: Request) -> Response:
    user = await get_session(request).load_user()
    return JSONResponse({"metadata": user.metadata, "not_loaded": sorted(user.not_loaded)})


async def stream(request: Request) -> Response:
    async def parts():
        yield "begun "
        yield (await get_session(request).load_user()).first_name

    return StreamingResponse(parts())


async def refused(request: Request) -> Response:
    with pytest.raises(InvalidSessionError, match="Nobody is signed in"):
        await get_session(request).load_user()
    return PlainTextResponse("refused")


ROUTES = [Route("/whole", whole), Route("/stream", stream), Route("/refused", refused)]


async def test_whole_user_comes_from_workos_and_the_cookie_stays(emulator):
    emulator.update_user("user_ada", metadata={"team": "engines"})
    browser = Browser(smaller_site(smaller(emulator, session_user_fields=[]), *ROUTES))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    await browser.get("/me")
    assert sealed_user(browser.cookies[SESSION]).keys() == {"id", "email"}
    answer = await browser.get("/whole")
    assert answer.json == {"metadata": {"team": "engines"}, "not_loaded": []}
    assert answer.set_cookies == {}
    assert emulator.count("users") == 1


async def test_user_can_be_loaded_once_the_response_has_started(emulator):
    browser = Browser(smaller_site(smaller(emulator), *ROUTES))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/stream")).text == "begun Ada"


@pytest.mark.parametrize("lifetime", [None, -100], ids=["no cookie", "refresh refused"])
async def test_nobody_is_loaded_where_nobody_is_signed_in(emulator, lifetime):
    browser = Browser(smaller_site(smaller(emulator), *ROUTES))
    if lifetime is not None:
        browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=lifetime)
        emulator.fail("authenticate", times=None, status=500)
    assert (await browser.get("/refused")).text == "refused"
    assert emulator.count("users") == 0


async def test_loaded_user_is_of_now_frozen_and_whole(authkit, emulator):
    emulator.update_user(
        "user_ada", metadata={"a": "b"}, external_id="ext_1", last_sign_in_at=START - 1
    )
    user = await authkit.load_user("user_ada")
    assert isinstance(user, User)
    assert (user.id, user.email, user.first_name) == ("user_ada", "ada@example.com", "Ada")
    assert (user.external_id, user.metadata, user.locale) == ("ext_1", {"a": "b"}, None)
    assert isinstance(user.metadata, FrozenDict)
    assert user.last_sign_in_at is not None
    assert user.not_loaded == frozenset()
    emulator.update_user("user_ada", first_name="Augusta")
    assert (await authkit.load_user("user_ada")).first_name == "Augusta"


async def test_read_only_sessions_may_load_their_user(emulator):
    assert (await service(emulator, refresh="never").load_user("user_bob")).id == "user_bob"


@pytest.mark.parametrize(
    "user_id",
    ["", ".", "..", "a/b", "a?b", "a b", "é", "\ud800", "x" * 256, "a\r\nb", "user_ada\n"],
)
async def test_id_that_workos_does_not_issue_is_not_asked_for(authkit, emulator, user_id):
    with pytest.raises(UserNotFoundError):
        await authkit.load_user(user_id)
    assert emulator.requests == ()


async def test_deleted_user_is_not_found(authkit, emulator):
    emulator.remove_user("user_bob")
    with pytest.raises(UserNotFoundError) as caught:
        await authkit.load_user("user_bob")
    assert not isinstance(caught.value, UnavailableError)
    assert list(chain(caught.value)) == [caught.value]


USER = {"id": "user_ada", "email": "marker@example.com"}
ANSWERS: dict[str, tuple[dict[str, Any], type[AuthKitError]]] = {
    "not found": ({"status": 404, "body": {"code": "entity_not_found"}}, UserNotFoundError),
    "not found, in words": ({"status": 404, "body": {"error": "not_found"}}, UserNotFoundError),
    "another address": ({"status": 404, "body": HTML_PAGE}, WorkOSUnavailableError),
    "nothing there": ({"status": 404, "body": ""}, WorkOSUnavailableError),
    "refused": ({"status": 400, "body": {"code": "marker"}}, WorkOSUnavailableError),
    "grant": ({"status": 403, "body": {"code": "sso_required"}}, WorkOSUnavailableError),
    "too much": ({"status": 422, "body": {"error": "marker"}}, WorkOSUnavailableError),
    "key": ({"status": 401, "body": {"code": "marker"}}, WorkOSMisconfiguredError),
    "forbidden": ({"status": 403, "body": {"code": "marker"}}, WorkOSMisconfiguredError),
    "down": ({"status": 500, "body": {"code": "marker"}}, WorkOSUnavailableError),
    "moved": ({"status": 302, "body": USER}, WorkOSUnavailableError),
    "page": ({"status": 200, "body": HTML_PAGE}, WorkOSUnavailableError),
    "cut off": ({"status": 200, "body": TRUNCATED_JSON}, WorkOSUnavailableError),
    "list": ({"status": 200, "body": [USER]}, WorkOSUnavailableError),
    "nobody": ({"status": 200, "body": {}}, WorkOSUnavailableError),
    "no email": ({"status": 200, "body": {"id": "user_ada"}}, WorkOSUnavailableError),
    "another": ({"status": 200, "body": {**USER, "id": "user_bob"}}, WorkOSUnavailableError),
    "hangs": ({"hang": True}, WorkOSUnavailableError),
}


@pytest.mark.parametrize(("fault", "kind"), ANSWERS.values(), ids=ANSWERS)
async def test_answer_that_is_not_the_user_is_a_stated_error(emulator, caplog, fault, kind):
    caplog.set_level(logging.DEBUG)
    emulator.fail("users", **fault)
    with pytest.raises(AuthKitError) as caught:
        await service(emulator, api_timeout=0.2).load_user("user_ada")
    assert isinstance(caught.value, kind)
    assert all(isinstance(error, AuthKitError) for error in chain(caught.value))
    text = shown(caught.value) + caplog.text
    assert "marker" not in text
    assert "sk_test_emulator" not in text


async def test_retry_after_is_told(authkit, emulator):
    emulator.fail("users", status=429, headers={"Retry-After": "7"})
    with pytest.raises(UnavailableError) as caught:
        await authkit.load_user("user_ada")
    assert caught.value.retry_after == 7


async def test_user_nested_beyond_reason_is_not_used(authkit, emulator):
    deep = json.dumps({**USER, "metadata": {"a": "DEEP"}})
    emulator.fail("users", status=200, body=deep.replace('"DEEP"', "[" * 60 + "]" * 60))
    with pytest.raises(UnavailableError, match="nested too deep"):
        await authkit.load_user("user_ada")


async def test_call_goes_to_the_configured_address_with_the_key_and_no_body():
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=USER)

    transport = httpx.MockTransport(answer)
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=transport),
    )
    assert (await authkit.load_user("user_ada")).email == USER["email"]
    (request,) = seen
    assert (request.method, request.content) == ("GET", b"")
    assert str(request.url) == "http://localhost:9999/user_management/users/user_ada"
    assert request.headers["authorization"] == "Bearer sk_test_emulator"


async def test_refused_connection_is_an_outage():
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    transport = httpx.MockTransport(refuse)
    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=transport),
    )
    with pytest.raises(WorkOSUnavailableError, match="cannot be reached"):
        await authkit.load_user("user_ada")

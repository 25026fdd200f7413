"""/callback when WorkOS fails, answers rubbish, or a hook of the application has its say."""

from __future__ import annotations

import logging

import pytest
from asgi_driver import NAVIGATION, Browser
from asgi_site import SESSION, VERIFIER, begin, sign_in, site
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from authkit_asgi import (
    AuthKitError,
    AuthorizationDeniedError,
    CallbackRejectedError,
    SignInResult,
    get_auth,
)
from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio


def changed_answer(emulator: WorkOSEmulator, **changes: object) -> dict[str, object]:
    """What WorkOS answers for Ada, with changes; a change to `None` drops the member."""
    answer = {**emulator.sign_in("user_ada"), **changes}
    return {name: value for name, value in answer.items() if value is not None}


NO_TOKENS = {"body": JSON_WITHOUT_TOKENS}
FAULTS = {
    "500": (502, {"status": 500}),
    "503": (502, {"status": 503, "headers": {"Retry-After": "7"}}),
    "429": (502, {"status": 429, "headers": {"Retry-After": "7"}}),
    "hangs": (502, {"hang": True}),
    "drops the connection": (502, {"reset": "before"}),
    "loses the answer": (502, {"reset": "after"}),
    "HTML with 200": (502, {"body": HTML_PAGE}),
    "HTML with 502": (502, {"status": 502, "body": HTML_PAGE}),
    "truncated JSON": (502, {"body": TRUNCATED_JSON}),
    "a list": (502, {"body": [1]}),
    "null": (502, {"body": "null"}),
    "no tokens": (502, NO_TOKENS),
    "a redirect": (502, {"status": 302, "headers": {"Location": "https://evil.example"}}),
    "credentials refused": (502, {"status": 401, "body": {"error": "invalid_client"}}),
    "code refused": (400, {"status": 400, "body": {"error": "invalid_grant"}}),
    "SSO demanded": (400, {"status": 403, "body": {"code": "sso_required"}}),
}


@pytest.mark.parametrize(("status", "fault"), FAULTS.values(), ids=FAULTS)
async def test_callback_with_a_failed_exchange_signs_nobody_in(emulator, status, fault):
    browser = Browser(site(emulator, api_timeout=0.05 if "hang" in fault else 0.5))
    target = await begin(browser, emulator)
    emulator.fail("authenticate", times=None, **fault)
    answer = await browser.get(target)
    emulator.clear_faults()
    assert answer.status == status
    assert "text/html" in answer.headers["content-type"]
    assert '<a href="/login">Sign in</a>' in answer.text
    assert ("retry-after" in answer.headers) == (status == 502 and fault != NO_TOKENS)
    if "headers" in fault and "Retry-After" in fault["headers"]:
        assert answer.headers["retry-after"] == "7"
    assert browser.cookies == {}
    assert (await browser.get("/who")).json["reason"] == "no_session_cookie_provided"


BAD_ANSWERS = {
    "no access token": {"access_token": None},
    "no refresh token": {"refresh_token": None},
    "empty refresh token": {"refresh_token": ""},
    "no user": {"user": None},
    "a user without id": {"user": {"email": "ada@example.com"}},
    "a token that is none": {"access_token": "a.b.c"},
    "another user's token": {"user": {"id": "user_bob", "email": "bob@example.com"}},
}


@pytest.mark.parametrize("changes", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
async def test_callback_with_an_answer_that_is_not_to_be_trusted_is_502(browser, emulator, changes):
    target = await begin(browser, emulator)
    emulator.fail("authenticate", body=changed_answer(emulator, **changes))
    answer = await browser.get(target)
    assert (answer.status, browser.cookies) == (502, {})


async def test_callback_with_an_expired_access_token_is_502(browser, emulator):
    target = await begin(browser, emulator)
    emulator.fail("authenticate", body=emulator.sign_in("user_ada", lifetime=-100))
    assert ((await browser.get(target)).status, browser.cookies) == (502, {})


async def test_callback_with_the_jwks_down_is_503(browser, emulator):
    target = await begin(browser, emulator)
    emulator.fail("jwks", times=None, status=500)
    answer = await browser.get(target)
    assert (answer.status, browser.cookies) == (503, {})
    assert int(answer.headers["retry-after"]) >= 1


async def test_callback_failed_keeps_the_session_there_was(browser, emulator):
    await sign_in(browser, emulator)
    target = await begin(browser, emulator, user="bob")
    emulator.fail("authenticate", status=500)
    assert (await browser.get(target)).status == 502
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_callback_with_a_session_too_large_for_a_cookie_is_a_500_page(browser, emulator):
    emulator.add_membership(
        "user_ada", "org_acme", permissions=tuple(f"permission:{n}" for n in range(300))
    )
    answer = await sign_in(browser, emulator)
    assert (answer.status, browser.cookies) == (500, {})
    assert "Your account holds more than fits" in answer.text


async def test_callback_with_a_session_too_large_to_seal_is_a_500_page(browser, emulator):
    target = await begin(browser, emulator)
    answer = emulator.sign_in("user_ada")
    answer["user"]["metadata"] = {"note": "x" * 20_000}
    emulator.fail("authenticate", body=answer)
    assert ((await browser.get(target)).status, browser.cookies) == (500, {})


def hooked(emulator: WorkOSEmulator, **hooks: object) -> Starlette:
    return site(emulator, auth_options=hooks)


async def test_on_success_sees_the_result_before_the_session_is_set(emulator):
    seen = []

    def on_success(request: Request, result: SignInResult) -> None:
        seen.append((get_auth(request).user, result))

    browser = Browser(hooked(emulator, on_success=on_success))
    answer = await sign_in(browser, emulator, "/login?return_to=/a")
    assert (answer.status, answer.location) == (303, "/a")
    ((before, result),) = seen
    assert before is None
    assert (result.user.id, result.return_path, result.custom_state) == ("user_ada", "/a", None)
    assert result.organization_id == "org_acme"
    assert result.access_token not in repr(result)
    assert result.refresh_token not in repr(result)
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def answer_late(*_: object) -> Response:
    return RedirectResponse("/welcome", 303)


@pytest.mark.parametrize(
    "hook", [lambda *_: RedirectResponse("/welcome", 303), answer_late], ids=["sync", "async"]
)
async def test_on_success_may_answer_itself(emulator, hook):
    browser = Browser(hooked(emulator, on_success=hook))
    answer = await sign_in(browser, emulator)
    assert (answer.status, answer.location) == (303, "/welcome")
    assert answer.headers["cache-control"] == "private, no-store"
    assert (await browser.get("/who")).json["user"] == "user_ada"


async def test_on_success_that_answers_nothing_changes_nothing(emulator):
    async def on_success(*_: object) -> None: ...

    browser = Browser(hooked(emulator, on_success=on_success))
    assert (await sign_in(browser, emulator)).location == "/"


@pytest.mark.parametrize(
    ("error", "status"),
    [(HTTPException(403, "not you"), 403), (CallbackRejectedError("not you"), 400)],
)
async def test_on_success_that_raises_undoes_the_sign_in(emulator, error, status):
    def on_success(*_: object) -> None:
        raise error

    browser = Browser(hooked(emulator, on_success=on_success))
    answer = await sign_in(browser, emulator)
    assert (answer.status, browser.cookies) == (status, {})


async def test_on_success_that_breaks_undoes_the_sign_in(emulator):
    def on_success(*_: object) -> None:
        raise RuntimeError("no database")

    browser = Browser(hooked(emulator, on_success=on_success))
    with pytest.raises(RuntimeError, match="no database"):
        await sign_in(browser, emulator)
    assert SESSION not in browser.cookies


async def explain_late(_: Request, error: AuthKitError) -> Response:
    return PlainTextResponse(error.code, 418)


@pytest.mark.parametrize(
    "hook",
    [lambda _, error: PlainTextResponse(error.code, 418), explain_late],
    ids=["sync", "async"],
)
async def test_on_error_may_answer_itself(emulator, hook):
    browser = Browser(hooked(emulator, on_error=hook))
    target = await begin(browser, emulator)
    emulator.fail("authenticate", status=500)
    answer = await browser.get(target)
    assert (answer.status, answer.text) == (418, "workos_unavailable")
    assert browser.cookies == {}


async def test_on_error_is_given_what_the_authorization_server_said(emulator):
    errors = []
    browser = Browser(hooked(emulator, on_error=lambda _, error: errors.append(error)))
    (_, _, state) = (await begin(browser, emulator)).rpartition("state=")
    answer = await browser.get(f"/callback?error=access_denied&state={state.partition('&')[0]}")
    assert answer.status == 400
    assert "access_denied" not in answer.text
    (error,) = errors
    assert isinstance(error, AuthorizationDeniedError)
    assert (error.code, error.error) == ("authorization_denied", "access_denied")


async def test_callback_links_to_the_login_below_the_applications_root(browser):
    answer = await browser.get("/app/callback?code=1&state=2", NAVIGATION, root_path="/app")
    assert answer.status == 400
    assert '<a href="/app/login">Sign in</a>' in answer.text


async def test_callback_failure_is_logged_without_secrets(browser, emulator, caplog):
    caplog.set_level(logging.DEBUG)
    target = await begin(browser, emulator)
    emulator.fail("authenticate", status=401, body={"error": "invalid_client"})
    await browser.get(target)
    assert "credentials" in caplog.text
    assert not [name for name in browser.cookies if name.startswith(VERIFIER)]

"""The WorkOS API: which answer is a verdict on the user, which an outage, which our own fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from emulated import API, service, settings

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import (
    AuthKitError,
    GrantRejectedError,
    RateLimitedError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.http_clients import HTTPClients

pytestmark = pytest.mark.anyio

USER_WORDS = (
    "invalid_grant", "sso_required", "mfa_enrollment", "mfa_challenge",
    "email_verification_required", "organization_selection_required",
    "authentication_method_not_allowed", "email_password_auth_disabled",
    "organization_authentication_methods_required", "passkey_progressive_enrollment",
    "radar_challenge",
)  # fmt: skip


def api(answer: Callable[[httpx.Request], httpx.Response], **changes: Any) -> WorkOSAPI:
    """Return the API over a transport in the process that answers as scripted."""
    clients = HTTPClients(lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)))
    return WorkOSAPI(AuthKitConfig(**settings(**changes)), clients)


async def refusal(response: httpx.Response) -> AuthKitError:
    """Return what both exchanges make of an answer."""
    asked = api(lambda _: response)
    with pytest.raises(AuthKitError) as first:
        await asked.exchange_code("code", "verifier")
    with pytest.raises(AuthKitError) as second:
        await asked.exchange_refresh_token("refresh", None)
    assert type(first.value) is type(second.value)
    assert str(first.value) == str(second.value)
    return first.value


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
@pytest.mark.parametrize(
    "shape",
    [
        lambda word: {"error": word, "error_description": "words"},
        lambda word: {"code": word, "message": "words"},
        lambda word: {"code": word, "message": "words", "error": "Bad Request"},
        lambda word: {"code": word, "message": "words", "errors": [{"code": "x"}]},
        lambda word: {"code": word, "error": None},
    ],
)
@pytest.mark.parametrize("word", USER_WORDS)
async def test_verdict_on_the_user_is_a_rejection_with_its_word(status, shape, word):
    error = await refusal(httpx.Response(status, json=shape(word)))
    assert isinstance(error, GrantRejectedError)
    assert error.reason == word


@pytest.mark.parametrize("status", [400, 404, 409, 422])
@pytest.mark.parametrize("word", ["invalid_request", "entity_not_found", "something_new"])
async def test_every_other_verdict_in_the_shape_of_workos_is_a_rejection(status, word):
    error = await refusal(httpx.Response(status, json={"code": word, "message": "m"}))
    assert isinstance(error, GrantRejectedError)
    assert error.reason == word


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((status, None) for status in (401, 403)),
        *((status, b"<h1>Forbidden</h1>") for status in (401, 403)),
        *((status, {"message": "Unauthorized"}) for status in (401, 403)),
        *((status, {"code": "something_new"}) for status in (401, 403)),
        *((status, {"error": "access_denied"}) for status in (401, 403)),
        *((status, ["sso_required"]) for status in (401, 403)),
        *((status, {"error": ["sso_required"]}) for status in (401, 403)),
        *((status, {"error": {"code": "sso_required"}}) for status in (401, 403)),
        *((status, {"code": 7, "error": {}}) for status in (401, 403)),
        *((status, {"code": "SSO Required!"}) for status in (401, 403)),
        *((status, {"error": "invalid_client"}) for status in (400, 401, 403, 404, 422)),
        *((status, {"code": "unauthorized_client"}) for status in (400, 401, 403)),
        (404, {"code": "invalid_client_id"}),
    ],
)
async def test_refusal_of_our_own_credentials_is_an_outage_that_names_the_settings(status, body):
    content = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
    error = await refusal(httpx.Response(status, content=content))
    assert type(error) is WorkOSMisconfiguredError
    assert "WORKOS_CLIENT_ID and WORKOS_API_KEY" in str(error)
    assert f"status {status}" in str(error)


DEEP = b'{"error":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BODIES = {
    "empty": b"",
    "html": b"<!doctype html><h1>Bad gateway</h1>",
    "list": b'["invalid_grant"]',
    "text": b'"invalid_grant"',
    "number": b"400",
    "null": b"null",
    "long number": b'{"code":' + b"9" * 5000 + b"}",
    "truncated": b'{"error": "invalid_gr',
    "deep": DEEP,
    "no utf-8": b'{"error": "\xff"}',
    "other names": b'{"reason": "invalid_grant"}',
    "list in place": b'{"error": ["invalid_grant"], "code": {"a": 1}}',
    "not a word": b'{"error": "Invalid Grant\\r\\nX: y"}',
    "long word": b'{"error": "' + b"x" * 1000 + b'"}',
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status", [400, 404, 422])
async def test_refusal_without_a_word_is_an_outage(status, body):
    error = await refusal(httpx.Response(status, content=body))
    assert type(error) is WorkOSUnavailableError
    assert str(error) == f"WorkOS answered with status {status} and no reason"


@pytest.mark.parametrize("status", [408, 425, 429, 500, 501, 502, 503, 504, 520, 599])
@pytest.mark.parametrize("body", [b"", b'{"error": "invalid_grant"}', BODIES["html"], DEEP])
async def test_transient_status_is_an_outage_whatever_the_body_says(status, body):
    error = await refusal(httpx.Response(status, content=body))
    assert type(error) is (RateLimitedError if status == 429 else WorkOSUnavailableError)
    assert str(error) == f"WorkOS answered with status {status}"
    assert error.retry_after == 5


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3), ("1", 1), ("10", 10), ("11", 10), ("3600", 10), ("0", 1), ("00", 1), ("", 5),
        ("9" * 5000, 10), ("-1", 5), ("1.5", 5), ("1e3", 5), ("inf", 5), ("nan", 5),
        ("\xb2", 5), ("soon", 5), ("Wed, 21 Oct 2035 07:28:00 GMT", 5), ("3, 4", 5),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_honoured_within_bounds(status, header, seconds):
    response = httpx.Response(status, headers=[(b"Retry-After", header.encode("latin-1"))])
    error = await refusal(response)
    assert isinstance(error, WorkOSUnavailableError)
    assert error.retry_after == seconds


TOKENS = b'{"access_token": "a", "refresh_token": "r", "user": {"id": "u", "email": "e"}}'


@pytest.mark.parametrize(
    "response",
    [
        *(httpx.Response(200, content=body) for body in (
            b"", BODIES["html"], b"null", b"[]", b'"text"', b"7", b'{"access_token": "a', DEEP,
            b"\xff\xfe\xfd",
        )),
        httpx.Response(204),
        *(httpx.Response(status, headers={"location": "https://evil.example/"}, content=TOKENS)
          for status in (301, 302, 303, 307, 308)),
    ],
)  # fmt: skip
async def test_answer_that_is_no_json_object_is_an_outage(response):
    assert type(await refusal(response)) is WorkOSUnavailableError


async def test_redirect_is_not_followed():
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    with pytest.raises(WorkOSUnavailableError):
        await api(answer).exchange_code("code", "verifier")
    assert asked == [f"{API}/user_management/authenticate"]


@pytest.mark.parametrize(
    ("exchange", "sent"),
    [
        (lambda asked: asked.exchange_code("c", "v"),
         {"grant_type": "authorization_code", "code": "c", "code_verifier": "v"}),
        (lambda asked: asked.exchange_refresh_token("r", None),
         {"grant_type": "refresh_token", "refresh_token": "r"}),
        (lambda asked: asked.exchange_refresh_token("r", "org_1"),
         {"grant_type": "refresh_token", "refresh_token": "r", "organization_id": "org_1"}),
    ],
)  # fmt: skip
async def test_exchange_sends_the_grant_and_returns_the_json_as_it_came(exchange, sent):
    seen: list[httpx.Request] = []
    answer = {"access_token": "a", "user": {"id": "u"}, "unknown": [1, {"b": None}]}

    def respond(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=answer)

    assert await exchange(api(respond)) == answer
    (request,) = seen
    assert (request.method, str(request.url)) == ("POST", f"{API}/user_management/authenticate")
    assert json.loads(request.content) == {
        "client_id": "client_emulator",
        "client_secret": "sk_test_emulator",
        **sent,
    }


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
async def test_text_that_nobody_issued_is_rejected_without_a_request(text):
    asked = api(lambda _: pytest.fail("WorkOS was asked"))
    for exchange in (asked.exchange_code(text, "v"), asked.exchange_refresh_token(text, None)):
        with pytest.raises(GrantRejectedError) as caught:
            await exchange
        assert caught.value.reason == "invalid_grant"
        assert caught.value.__context__ is None


@pytest.mark.parametrize("error_shape", ["oauth", "workos"])
async def test_emulator_and_its_two_error_shapes(emulator, error_shape):
    emulator.configure(error_shape=error_shape)
    asked = service(emulator).api
    answer = emulator.sign_in("user_ada")
    renewed = await asked.exchange_refresh_token(answer["refresh_token"], "org_globex")
    assert renewed["organization_id"] == "org_globex"
    with pytest.raises(GrantRejectedError) as caught:
        await asked.exchange_refresh_token(answer["refresh_token"], None)
    assert caught.value.reason == "invalid_grant"
    emulator.configure(api_key="sk_other")
    with pytest.raises(WorkOSMisconfiguredError):
        await asked.exchange_refresh_token(renewed["refresh_token"], None)


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


async def test_authorization_url_has_exactly_what_was_asked_for():
    asked = api(lambda _: pytest.fail("WorkOS was asked"))
    basic = {
        "provider": ["authkit"],
        "client_id": ["client_emulator"],
        "redirect_uri": ["https://app.example.com/callback"],
        "response_type": ["code"],
        "state": ["s*~ &=+ü"],
        "code_challenge": ["c"],
        "code_challenge_method": ["S256"],
    }
    url = asked.authorization_url(state="s*~ &=+ü", code_challenge="c")
    assert url.startswith(f"{API}/user_management/authorize?")
    assert query(url) == basic
    options: dict[str, Any] = {
        "screen_hint": "sign-up", "organization_id": "org_1", "login_hint": "a+b@c&d=e",
        "prompt": "login", "max_age": 60,
    }  # fmt: skip
    url = asked.authorization_url(state="s*~ &=+ü", code_challenge="c", **options)
    assert query(url) == basic | {name: [str(value)] for name, value in options.items()}
    assert url.isascii()


async def test_logout_url_names_the_session_and_the_way_back():
    asked = api(lambda _: pytest.fail("WorkOS was asked"))
    start = f"{API}/user_management/sessions/logout?"
    assert asked.logout_url("s&x=1", None).startswith(start)
    assert query(asked.logout_url("s&x=1", None)) == {"session_id": ["s&x=1"]}
    url = asked.logout_url("s", "https://app.example.com/?a=b&c#d")
    assert query(url) == {"session_id": ["s"], "return_to": ["https://app.example.com/?a=b&c#d"]}

"""Sign-in: begun with a sealed state, completed with a code, refused with everything unexpected."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from emulated import ORIGIN, PASSWORD, START, chain, http_clients, sealed, service, shown
from joserfc.jwk import RSAKey

from authkit_asgi import AuthKit
from authkit_asgi.auth import FrozenDict
from authkit_asgi.errors import (
    AuthKitError,
    CallbackRejectedError,
    GrantRejectedError,
    KeysUnavailableError,
    OAuthStateMismatchError,
    PKCEPayloadTooLargeError,
    SessionTooLargeError,
    UntrustedResponseError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.pkce import verifier_cookie_name
from authkit_asgi.session import unseal_session
from authkit_asgi.sign_in import SignInRequest
from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio


def query(url: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


async def code_for(emulator: WorkOSEmulator, begun: SignInRequest, email: str = "ada@example.com"):
    """Visit the sign-in page as the browser would and return the code it sends back."""
    async with http_clients(emulator)() as browser:
        answer = await browser.get(begun.url, params={**query(begun.url), "login_hint": email})
    assert answer.status_code == 302, answer.text
    back = query(answer.headers["location"])
    assert back["state"] == begun.state
    return back["code"]


def return_path(authkit: AuthKit, begun: SignInRequest) -> str | None:
    return authkit.unseal_state(begun.state).return_path


async def test_begun_sign_in_has_url_state_and_cookie_that_belong_together(authkit):
    begun = authkit.authorization_url(return_to="/a?b=c", screen_hint="sign-up")
    pending = authkit.unseal_state(begun.state)
    asked = query(begun.url)
    assert asked["state"] == begun.state
    assert asked["code_challenge"] == pending.code_challenge
    assert asked["screen_hint"] == "sign-up"
    assert begun.cookie.name == verifier_cookie_name(begun.state)
    assert begun.cookie.line.startswith(f"{begun.cookie.name}={begun.state}; Path=/".encode())
    assert pending.return_path == "/a?b=c"
    assert pending.issued_at == START
    assert begun.state not in repr(begun)
    assert pending.code_verifier not in begun.url


async def test_every_sign_in_has_its_own_verifier(authkit):
    begun = [authkit.authorization_url() for _ in range(20)]
    assert len({query(one.url)["code_challenge"] for one in begun}) == 20
    assert len({one.state for one in begun}) == 20


@pytest.mark.parametrize(
    ("return_to", "kept"),
    [
        (None, None),
        ("", None),
        ("/dashboard", "/dashboard"),
        ("/ü", "/%C3%BC"),
        ("//evil.example", None),
        ("https://evil.example", None),
        (f"{ORIGIN}/x", None),
        ("/login", None),
        ("/login?return_to=/x", None),
        ("/signup", None),
        ("/logout", None),
        ("/callback?code=x", None),
        ("/loginx", "/loginx"),
        ("/" + "x" * 2047, "/" + "x" * 2047),
        ("/" + "x" * 2048, None),
        ("/" + "ü" * 700, None),  # 4,200 characters once percent-encoded: not into the cookie
        ("/" + "x" * 1000, "/" + "x" * 1000),
        ("/" + "x" * 100_000, None),
        ("/" + "😀" * 2000, None),  # 24,000 characters once percent-encoded
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_return_to_that_cannot_be_kept_becomes_the_default_page(authkit, return_to, kept):
    begun = authkit.authorization_url(return_to=return_to)
    assert return_path(authkit, begun) == kept
    assert len(begun.cookie.line) <= 3800


async def test_large_return_path_gives_way_to_the_custom_state(authkit):
    begun = authkit.authorization_url(return_to="/" + "x" * 1500, custom_state="c" * 1500)
    pending = authkit.unseal_state(begun.state)
    assert (pending.return_path, pending.custom_state) == (None, "c" * 1500)


@pytest.mark.parametrize("custom_state", ["x" * 2049, "x" * 100_000, "\x00" * 2048])
async def test_custom_state_that_does_not_fit_is_refused(authkit, custom_state):
    with pytest.raises(PKCEPayloadTooLargeError):
        authkit.authorization_url(custom_state=custom_state)


async def test_completed_sign_in_is_a_session_of_the_kits(authkit, emulator, clock):
    emulator.update_user("user_ada", oauth_tokens={"access_token": "foreign", "scopes": ["a"]})
    begun = authkit.authorization_url(return_to="/a", custom_state="mine")
    result = await authkit.complete_sign_in(await code_for(emulator, begun), begun.state)
    assert result.user.id == result.auth.user.id == "user_ada"
    assert (result.return_path, result.custom_state) == ("/a", "mine")
    assert (result.organization_id, result.auth.role) == ("org_acme", "admin")
    assert result.authentication_method == "Password"
    assert result.impersonator is None
    assert result.oauth_tokens == {"access_token": "foreign", "scopes": ("a",)}
    assert isinstance(result.oauth_tokens, FrozenDict)
    assert unseal_session(result.sealed, PASSWORD) == result.session
    assert result.access_token == result.auth.access_token == result.session.access_token
    assert result.refresh_token == result.session.refresh_token
    loaded = await authkit.load([result.sealed])
    assert loaded.auth == result.auth
    text = repr(result)
    for secret in (result.access_token, result.refresh_token, result.sealed, "foreign"):
        assert secret not in text


@pytest.mark.parametrize(("default", "expected"), [("/", "/"), ("/home", "/home")])
async def test_sign_in_without_return_path_ends_at_the_default_page(emulator, default, expected):
    authkit = service(emulator, default_return_path=default)
    begun = authkit.authorization_url()
    result = await authkit.complete_sign_in(await code_for(emulator, begun), begun.state)
    assert result.return_path == expected
    assert result.oauth_tokens is None


async def test_impersonated_sign_in_names_the_impersonator(authkit, emulator):
    begun = authkit.authorization_url()
    impersonator = {"email": "eve@workos.com", "reason": "support"}
    answer = emulator.sign_in("user_ada", impersonator=impersonator)
    emulator.fail("authenticate", status=200, body=answer)
    result = await authkit.complete_sign_in("code", begun.state)
    assert (result.impersonator.email, result.impersonator.reason) == ("eve@workos.com", "support")
    assert result.auth.impersonator == result.impersonator


@pytest.mark.parametrize("seconds", [601, -61])
async def test_old_or_foreign_state_ends_without_a_token_request(authkit, emulator, clock, seconds):
    begun = authkit.authorization_url()
    clock.now += seconds
    for state in (begun.state, "", "rubbish", sealed(emulator.sign_in("user_ada"))):
        with pytest.raises(OAuthStateMismatchError):
            await authkit.complete_sign_in("code", state)
    assert emulator.count("authenticate") == 0


ISSUER = "https://api.workos.com/user_management/client_emulator"


@pytest.mark.parametrize("iss", ["", "https://evil.example", f"{ISSUER}/", ISSUER.upper()])
async def test_callback_of_another_issuer_is_not_redeemed(emulator, iss):
    authkit = service(emulator, issuers=[ISSUER])
    begun = authkit.authorization_url()
    code = await code_for(emulator, begun)
    with pytest.raises(CallbackRejectedError):
        await authkit.complete_sign_in(code, begun.state, iss=iss)
    assert emulator.count("authenticate") == 0
    result = await authkit.complete_sign_in(code, begun.state, iss=ISSUER)
    assert result.user.id == "user_ada"


async def test_code_of_another_sign_in_is_rejected(authkit, emulator):
    mine, other = authkit.authorization_url(), authkit.authorization_url()
    with pytest.raises(GrantRejectedError, match="invalid_grant"):
        await authkit.complete_sign_in(await code_for(emulator, other), mine.state)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 500}, WorkOSUnavailableError),
        ({"status": 429}, WorkOSUnavailableError),
        ({"status": 503, "body": HTML_PAGE}, WorkOSUnavailableError),
        ({"status": 200, "body": HTML_PAGE}, WorkOSUnavailableError),
        ({"status": 200, "body": TRUNCATED_JSON}, WorkOSUnavailableError),
        ({"status": 200, "body": JSON_WITHOUT_TOKENS}, UntrustedResponseError),
        ({"status": 200, "body": "[]"}, WorkOSUnavailableError),
        ({"status": 401, "body": {"error": "invalid_client"}}, WorkOSMisconfiguredError),
        ({"status": 403, "body": {"code": "sso_required"}}, GrantRejectedError),
        ({"status": 400, "body": {"error": "invalid_grant"}}, GrantRejectedError),
        ({"hang": True}, WorkOSUnavailableError),
    ],
)
async def test_failed_exchange_ends_the_sign_in(emulator, caplog, fault, kind):
    caplog.set_level(logging.DEBUG)
    authkit = service(emulator, api_timeout=0.2)
    begun = authkit.authorization_url()
    code = await code_for(emulator, begun)
    emulator.fail("authenticate", **fault)
    caplog.clear()  # the emulated browser's own log lines
    with pytest.raises(kind) as caught:
        await authkit.complete_sign_in(code, begun.state)
    for secret in (code, authkit.unseal_state(begun.state).code_verifier, "sk_test_emulator"):
        assert secret not in shown(caught.value) + caplog.text


def with_claims(emulator: WorkOSEmulator, **changes: Any) -> dict[str, Any]:
    """Return an answer whose token has other claims; None leaves one out."""
    answer = emulator.sign_in("user_ada")
    claims = {
        "iss": emulator.issuer, "sub": "user_ada", "sid": "session_1",
        "iat": int(START), "exp": int(START) + 300, **changes,
    }  # fmt: skip
    kept = {name: value for name, value in claims.items() if value is not None}
    return {**answer, "access_token": emulator.mint_access_token(kept)}


STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})


@pytest.mark.parametrize(
    "forge",
    [
        lambda emulator: with_claims(emulator, sub="user_bob"),
        lambda emulator: with_claims(emulator, sub=None),
        lambda emulator: with_claims(emulator, sid=None),
        lambda emulator: with_claims(emulator, exp=None),
        lambda emulator: with_claims(emulator, exp=int(START) - 11),
        lambda emulator: with_claims(emulator, iss="https://evil.example"),
        lambda emulator: with_claims(emulator, client_id="client_other"),
        lambda emulator: emulator.sign_in("user_ada") | {"access_token": "no.token.at-all"},
        lambda emulator: emulator.sign_in("user_ada") | {"access_token": "\ud800"},
        lambda emulator: (
            emulator.sign_in("user_ada")
            | {"access_token": emulator.mint_access_token({"sub": "user_ada"}, key=STRANGER)}
        ),
        lambda emulator: (
            emulator.sign_in("user_ada") | {"user": emulator.sign_in("user_bob")["user"]}
        ),
    ],
)
async def test_token_that_does_not_verify_or_is_anothers_is_not_trusted(emulator, forge):
    authkit = service(emulator, issuers=[emulator.issuer])
    begun = authkit.authorization_url()
    answer = forge(emulator)
    emulator.fail("authenticate", status=200, body=answer)
    with pytest.raises(UntrustedResponseError) as caught:
        await authkit.complete_sign_in("code", begun.state)
    text = shown(caught.value)
    assert answer["access_token"] not in text
    assert answer["refresh_token"] not in text
    assert all(isinstance(error, AuthKitError) for error in chain(caught.value))


async def test_sign_in_while_the_keys_are_out_of_reach_is_an_outage(authkit, emulator):
    emulator.fail("jwks", times=None, status=500)
    begun = authkit.authorization_url()
    with pytest.raises(KeysUnavailableError):
        await authkit.complete_sign_in(await code_for(emulator, begun), begun.state)


async def test_session_too_large_for_a_seal_is_told(authkit, emulator):
    emulator.update_user("user_ada", metadata={"k": "x" * 60_000})
    begun = authkit.authorization_url()
    with pytest.raises(SessionTooLargeError):
        await authkit.complete_sign_in(await code_for(emulator, begun), begun.state)


@pytest.mark.parametrize("place", ["metadata", "oauth_tokens"])
async def test_answer_nested_beyond_reason_is_not_trusted(authkit, emulator, place):
    """Not a RecursionError, which would reach the application."""
    answer = json.loads(json.dumps(emulator.sign_in("user_ada") | {"oauth_tokens": {}}))
    (answer["user"] if place == "metadata" else answer)[place] = {"a": "DEEP"}
    deep = json.dumps(answer).replace('"DEEP"', '{"a":' * 60 + "1" + "}" * 60)
    emulator.fail("authenticate", status=200, body=deep)
    begun = authkit.authorization_url()
    with pytest.raises(UntrustedResponseError, match="nested too deep"):
        await authkit.complete_sign_in("code", begun.state)

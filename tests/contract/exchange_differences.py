"""POST /user_management/authenticate: what it accepts, where the emulators differ."""

from __future__ import annotations

from typing import Any

from contract_client import (
    AUTHENTICATE,
    CY,
    LOGOUT,
    REVOKE,
    VERIFIER,
    WorkOS,
    claims_of,
    listed,
    verdict,
)
from difference import Difference


def _redeemed(workos: WorkOS, **changes: Any) -> str:
    """Redeem a good code, with something changed in the request."""
    return verdict(workos.redeem(workos.code(), **changes))


def _used_code(workos: WorkOS) -> str:
    code = workos.code()
    assert workos.redeem(code).status_code == 200
    return verdict(workos.redeem(code))


def _code_after_a_wrong_verifier(workos: WorkOS) -> str:
    code = workos.code()
    assert workos.redeem(code, code_verifier=VERIFIER[::-1]).status_code == 400
    return verdict(workos.redeem(code))


def _needless_verifier(workos: WorkOS) -> str:
    code = workos.code(code_challenge=None, code_challenge_method=None)
    return verdict(workos.redeem(code))


def _without_pkce(workos: WorkOS) -> dict[str, Any]:
    code = workos.code(code_challenge=None, code_challenge_method=None)
    return workos.credentials(grant_type="authorization_code", code=code)


def _urlencoded(workos: WorkOS) -> str:
    return verdict(workos.request("POST", AUTHENTICATE, data=_without_pkce(workos)))


def _body(workos: WorkOS, content: str) -> str:
    headers = {"Content-Type": "application/json"}
    return verdict(workos.request("POST", AUTHENTICATE, content=content, headers=headers))


def _password(workos: WorkOS) -> str:
    return verdict(workos.authenticate(grant_type="password", email=CY, password="a password"))


def _refresh_into(workos: WorkOS, organization_id: str) -> str:
    session = workos.sign_in(CY)
    return verdict(workos.refresh(session["refresh_token"], organization_id=organization_id))


def _refresh_after_signing_out(workos: WorkOS) -> str:
    session = workos.sign_in()
    workos.get(LOGOUT, session_id=claims_of(session)["sid"])
    return verdict(workos.refresh(session["refresh_token"]))


def _refresh_after_revoking(workos: WorkOS) -> str:
    session = workos.sign_in()
    workos.api("POST", REVOKE, json={"session_id": claims_of(session)["sid"]})
    return verdict(workos.refresh(session["refresh_token"]))


EXCHANGE = (
    Difference(
        "fields of a refusal",
        lambda workos: listed(workos.redeem("code_unknown").json()),
        "error, error_description",
        "code, message",
        "as WorkOS",
        "codes and refresh tokens fail as in OAuth (RFC 6749, section 5.2); "
        "with the setting `error_shape=workos` ours has the other two",
    ),
    Difference(
        "client_id missing at the exchange",
        lambda workos: _redeemed(workos, client_id=None),
        "400 invalid_request",
        "200 JSON",
        "as WorkOS",
        "it is required",
    ),
    Difference(
        "client_id unknown at the exchange",
        lambda workos: _redeemed(workos, client_id="client_other"),
        "401 invalid_client",
        "200 JSON",
        "as WorkOS",
        "a wrong WORKOS_CLIENT_ID has to show",
    ),
    Difference(
        "client_secret missing",
        lambda workos: _redeemed(workos, client_secret=None),
        "400 invalid_request",
        "200 JSON",
        "stricter",
        "a server's application has a secret and must send it",
    ),
    Difference(
        "client_secret wrong",
        lambda workos: _redeemed(workos, client_secret="sk_test_wrong"),
        "401 invalid_client",
        "200 JSON",
        "as WorkOS",
        "a wrong WORKOS_API_KEY has to show",
    ),
    Difference(
        "code unknown",
        lambda workos: verdict(workos.redeem("code_unknown")),
        "400 invalid_grant",
        "400 invalid_code",
        "as WorkOS",
        "the word of OAuth (RFC 6749, section 5.2)",
    ),
    Difference(
        "code used before",
        _used_code,
        "400 invalid_grant",
        "400 invalid_code",
        "as WorkOS",
        "the word of OAuth (RFC 6749, section 5.2)",
    ),
    Difference(
        "code_verifier wrong",
        lambda workos: _redeemed(workos, code_verifier=VERIFIER[::-1]),
        "400 invalid_grant",
        "400 invalid_code_verifier",
        "as WorkOS",
        "the word of PKCE (RFC 7636, section 4.6)",
    ),
    Difference(
        "code_verifier missing",
        lambda workos: _redeemed(workos, code_verifier=None),
        "400 invalid_grant",
        "400 invalid_request",
        "stricter",
        "one word, whatever is wrong with a verifier (RFC 7636, section 4.6)",
    ),
    Difference(
        "code after a wrong verifier, with the right one",
        _code_after_a_wrong_verifier,
        "400 invalid_grant",
        "200 JSON",
        "stricter",
        "a code is good for one attempt: an application that retries has to notice",
    ),
    Difference(
        "code_verifier for a code without challenge",
        _needless_verifier,
        "400 invalid_grant",
        "200 JSON",
        "stricter",
        "else the challenge could be stripped from the request (RFC 9700, section 2.1.1)",
    ),
    Difference(
        "redirect_uri of another sign-in",
        lambda workos: _redeemed(workos, redirect_uri="http://localhost:8000/other"),
        "400 invalid_grant",
        "200 JSON",
        "stricter",
        "where it is sent it has to be the same (RFC 6749, section 4.1.3)",
    ),
    Difference(
        "grant_type unknown",
        lambda workos: verdict(workos.authenticate(grant_type="urn:example:grant")),
        "400 unsupported_grant_type",
        "400 invalid_request",
        "stricter",
        "the word of OAuth (RFC 6749, section 5.2)",
    ),
    Difference(
        "grant_type=password, with a wrong one",
        _password,
        "400 invalid_credentials",
        "401 invalid_credentials",
        "as WorkOS",
        "401 is for the application's own credentials, not for its users'",
    ),
    Difference(
        "body that is no JSON",
        lambda workos: _body(workos, "{"),
        "400 invalid_request",
        "400 invalid_request_body",
        "stricter",
        "the word of OAuth (RFC 6749, section 5.2)",
    ),
    Difference(
        "urlencoded body",
        _urlencoded,
        "200 JSON",
        "400 invalid_request_body",
        "by design",
        "a token endpoint takes a form (RFC 6749, section 4.1.3)",
    ),
    Difference(
        "refresh into an organization of others",
        lambda workos: _refresh_into(workos, workos.emulator.organizations["Acme"]),
        "400 invalid_grant",
        "200 JSON",
        "as WorkOS",
        "no token names an organization that the user is not in",
    ),
    Difference(
        "refresh into an organization that does not exist",
        lambda workos: _refresh_into(workos, "org_unknown"),
        "400 invalid_grant",
        "200 JSON",
        "as WorkOS",
        "no token names an organization that the user is not in",
    ),
    Difference(
        "refresh after signing out",
        _refresh_after_signing_out,
        "400 invalid_grant",
        "200 JSON",
        "as WorkOS",
        "a session that has ended gives no more tokens",
    ),
    Difference(
        "refresh after the session was revoked",
        _refresh_after_revoking,
        "400 invalid_grant",
        "200 JSON",
        "as WorkOS",
        "a session that has ended gives no more tokens",
    ),
)

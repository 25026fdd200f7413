"""GET /user_management/authorize, where the emulators differ."""

from __future__ import annotations

from contract_client import (
    ADA,
    AUTHORIZE,
    CHALLENGE,
    CY,
    PKCE,
    REDIRECT_URI,
    WorkOS,
    verdict,
)
from difference import Difference


def _state_as_returned(workos: WorkOS, encoded: str) -> str:
    """Send a state that is encoded already; return it as it comes back."""
    query = f"client_id={workos.emulator.client_id}&redirect_uri={REDIRECT_URI}&response_type=code"
    response = workos.get(f"{AUTHORIZE}?{query}&login_hint={ADA}&state={encoded}")
    _, separator, returned = response.headers["location"].partition("state=")
    return returned if separator else "nothing"


def _choice_on_the_page(workos: WorkOS) -> str:
    query = {
        "client_id": workos.emulator.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        **PKCE,
    }
    form = {"user_id": workos.emulator.users[ADA]}
    return verdict(workos.request("POST", AUTHORIZE, params=query, data=form))


def _organization_of_a_sign_in(workos: WorkOS, email: str, wanted: str | None = None) -> str:
    organization_id = None if wanted is None else workos.emulator.organizations[wanted]
    code = workos.code(login_hint=email, organization_id=organization_id)
    return workos.organization_name(workos.redeem(code).json()["organization_id"])


def _into_a_foreign_organization(workos: WorkOS) -> str:
    organization_id = workos.emulator.organizations["Acme"]
    return verdict(workos.authorize(login_hint=CY, organization_id=organization_id))


def _cookie(workos: WorkOS) -> str:
    return "set" if "set-cookie" in workos.authorize().headers else "none"


SIGN_IN = (
    Difference(
        "no login_hint",
        lambda workos: verdict(workos.authorize(login_hint=None)),
        "200 page",
        "302 code",
        "as WorkOS",
        "people say on the sign-in page who they are; theirs takes the first user",
    ),
    Difference(
        "login_hint of nobody known",
        lambda workos: verdict(workos.authorize(login_hint="eve@example.com")),
        "200 page",
        "302 error=user_not_found",
        "as WorkOS",
        "it is a hint: somebody else may sign in, or sign up",
    ),
    Difference(
        "login_hint in capitals",
        lambda workos: verdict(workos.authorize(login_hint=ADA.upper())),
        "302 code",
        "302 error=user_not_found",
        "by design",
        "email addresses are compared without regard to case",
    ),
    Difference(
        "screen_hint=sign-up",
        lambda workos: verdict(workos.authorize(screen_hint="sign-up")),
        "200 page",
        "302 code",
        "as WorkOS",
        "the page to sign up on is what was asked for",
    ),
    Difference(
        "choice on the sign-in page, by POST",
        _choice_on_the_page,
        "303 code",
        "404 not_found",
        "by design",
        "theirs has no page",
    ),
    Difference(
        "cookie at sign-in",
        _cookie,
        "set",
        "none",
        "as WorkOS",
        "who has signed in once comes back at once (single sign-on), until signed out",
    ),
    Difference(
        "client_id unknown",
        lambda workos: verdict(workos.authorize(client_id="client_other")),
        "400 page",
        "302 code",
        "as WorkOS",
        "a wrong WORKOS_CLIENT_ID has to show",
    ),
    Difference(
        "client_id missing",
        lambda workos: verdict(workos.authorize(client_id=None)),
        "400 page",
        "302 code",
        "as WorkOS",
        "it is required (RFC 6749, section 4.1.1)",
    ),
    Difference(
        "redirect_uri missing",
        lambda workos: verdict(workos.authorize(redirect_uri=None)),
        "400 page",
        "400 invalid_request",
        "by design",
        "who reads it is a person in a browser",
    ),
    Difference(
        "redirect_uri on another machine",
        lambda workos: verdict(workos.authorize(redirect_uri="https://app.example.com/callback")),
        "302 code",
        "400 invalid_redirect_uri",
        "by design",
        "applications in tests have any origin; the setting `redirect_uris` narrows it",
    ),
    Difference(
        "redirect_uri of an app's own scheme",
        lambda workos: verdict(workos.authorize(redirect_uri="app://localhost/callback")),
        "400 page",
        "302 code",
        "stricter",
        "only web applications sign in here",
    ),
    Difference(
        "redirect_uri with a fragment",
        lambda workos: verdict(workos.authorize(redirect_uri=f"{REDIRECT_URI}#a")),
        "400 page",
        "302 code",
        "stricter",
        "it must have none (RFC 6749, section 3.1.2)",
    ),
    Difference(
        "response_type=token",
        lambda workos: verdict(workos.authorize(response_type="token")),
        "302 error=unsupported_response_type",
        "302 code",
        "stricter",
        "code is the only one there is (RFC 6749, section 4.1.2.1)",
    ),
    Difference(
        "code_challenge_method=plain",
        lambda workos: verdict(workos.authorize(code_challenge_method="plain")),
        "302 error=invalid_request",
        "302 code",
        "as WorkOS",
        "S256 is the only method",
    ),
    Difference(
        "code_challenge without its method",
        lambda workos: verdict(workos.authorize(code_challenge_method=None)),
        "302 error=invalid_request",
        "302 code",
        "stricter",
        "without it the method would be plain (RFC 7636, section 4.3)",
    ),
    Difference(
        "code_challenge_method without a challenge",
        lambda workos: verdict(workos.authorize(code_challenge=None)),
        "302 error=invalid_request",
        "302 code",
        "stricter",
        "a challenge that got lost has to show",
    ),
    Difference(
        "code_challenge that is no SHA-256",
        lambda workos: verdict(workos.authorize(code_challenge=CHALLENGE[:-1])),
        "302 error=invalid_request",
        "302 code",
        "stricter",
        "no verifier could ever match it",
    ),
    Difference(
        "max_age that is no number",
        lambda workos: verdict(workos.authorize(max_age="soon")),
        "302 error=invalid_request",
        "302 code",
        "stricter",
        "a fault of the application has to show",
    ),
    Difference(
        "state `a%20b%2A~`, as it comes back",
        lambda workos: _state_as_returned(workos, "a%20b%2A~"),
        "a%20b%2A~",
        "a+b*%7E",
        "stricter",
        "the exact value is returned (RFC 6749, section 4.1.2); who reads the query raw sees it",
    ),
    Difference(
        "empty state, as it comes back",
        lambda workos: _state_as_returned(workos, "") or "empty",
        "empty",
        "nothing",
        "stricter",
        "present in the request is present in the answer (RFC 6749, section 4.1.2)",
    ),
    Difference(
        "organization_id, and where the session is",
        lambda workos: _organization_of_a_sign_in(workos, ADA, "Initech"),
        "Initech",
        "none",
        "as WorkOS",
        "the sign-in is into that organization",
    ),
    Difference(
        "organization_id of an organization of others",
        _into_a_foreign_organization,
        "302 error=access_denied",
        "302 code",
        "as WorkOS",
        "there is no session in an organization for those who are not in it",
    ),
    Difference(
        "no organization_id, member of one, and where the session is",
        lambda workos: _organization_of_a_sign_in(workos, CY),
        "Globex",
        "none",
        "as WorkOS",
        "the only organization is taken",
    ),
    Difference(
        "no organization_id, member of three, and where the session is",
        lambda workos: _organization_of_a_sign_in(workos, ADA),
        "Acme",
        "none",
        "by design",
        "AuthKit asks people which one; here it is the first, which they can switch",
    ),
)

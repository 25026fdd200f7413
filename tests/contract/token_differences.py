"""What POST /user_management/authenticate gives, where the emulators differ."""

from __future__ import annotations

import httpx
from contract_client import WorkOS, claims_of, listed
from difference import Difference
from shapes import AUTHENTICATION, CLAIMS, ORGANIZATION_CLAIMS, extra


def _sid_after_a_refresh(workos: WorkOS) -> str:
    session = workos.sign_in()
    refreshed = workos.refresh(session["refresh_token"]).json()
    return "the same" if claims_of(refreshed)["sid"] == claims_of(session)["sid"] else "another"


def _lifetime(workos: WorkOS) -> str:
    claims = claims_of(workos.sign_in())
    return str(claims["exp"] - claims["iat"])


def _issuer(workos: WorkOS) -> str:
    emulator = workos.emulator
    issuer = str(claims_of(workos.sign_in())["iss"])
    port = str(httpx.URL(emulator.url).port)
    return issuer.replace(emulator.client_id, "CLIENT_ID").replace(port, "PORT")


def _organization_claims(workos: WorkOS) -> str:
    claims = claims_of(workos.switch(workos.sign_in(), "Acme"))
    without = claims_of(workos.sign_in_impersonated())
    return listed(extra(claims, ORGANIZATION_CLAIMS) - set(without))


def _impersonation_claim(workos: WorkOS) -> str:
    act = claims_of(workos.sign_in_impersonated()).get("act", {})
    return str(act.get("sub", "none"))


TOKENS = (
    Difference(
        "Cache-Control of the answer with tokens",
        lambda workos: workos.redeem(workos.code()).headers.get("cache-control", "none"),
        "no-store",
        "none",
        "stricter",
        "tokens must not be kept by caches (RFC 6749, section 5.1)",
    ),
    Difference(
        "further fields of the answer with tokens",
        lambda workos: listed(extra(workos.sign_in(), AUTHENTICATION)),
        "none",
        "sealed_session",
        "as WorkOS",
        "the API seals nothing: the kits do, and not with this cipher",
    ),
    Difference(
        "authentication_method",
        lambda workos: str(workos.sign_in()["authentication_method"]),
        "Password",
        "OAuth",
        "as WorkOS",
        "OAuth is none of the documented methods; each user can be given one",
    ),
    Difference(
        "authentication_method when impersonated",
        lambda workos: str(workos.sign_in_impersonated()["authentication_method"]),
        "Impersonation",
        "OAuth",
        "as WorkOS",
        "the documented method",
    ),
    Difference(
        "lifetime of an access token, in seconds",
        _lifetime,
        "300",
        "3600",
        "as WorkOS",
        "the default of WorkOS; the setting `access_token_lifetime` changes it",
    ),
    Difference(
        "iss",
        _issuer,
        "https://api.workos.com/user_management/CLIENT_ID",
        "http://localhost:PORT",
        "as WorkOS",
        "the issuer of production, for tests of `issuers`; the setting `issuer` changes it",
    ),
    Difference(
        "further claims",
        lambda workos: listed(extra(claims_of(workos.sign_in_impersonated()), CLAIMS) - {"act"}),
        "auth_time, client_id, jti",
        "aud",
        "as WorkOS",
        "these three are documented, and there is no aud unless a JWT template adds one",
    ),
    Difference(
        "further claims in an organization",
        _organization_claims,
        "roles",
        "none",
        "as WorkOS",
        "documented: all roles, beside the first",
    ),
    Difference(
        "act claim when impersonated",
        _impersonation_claim,
        "eve@example.com",
        "none",
        "as WorkOS",
        "documented: it names who really acts",
    ),
    Difference(
        "sid after a refresh",
        _sid_after_a_refresh,
        "the same",
        "another",
        "as WorkOS",
        "a refresh goes on with its session; the setting `rotate_session_id` changes it",
    ),
)

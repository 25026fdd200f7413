"""A client of some WorkOS, and words for what it answers."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

ADA = "ada@example.com"
"""In Acme (admin), Globex (member) and Initech (member), in this order."""
BOB = "bob@example.com"
"""In no organization; the one who is impersonated."""
CY = "cy@example.com"
"""In Globex only."""

REDIRECT_URI = "http://localhost:8000/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:-1]
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
AUTHORIZE = "/user_management/authorize"
AUTHENTICATE = "/user_management/authenticate"
LOGOUT = "/user_management/sessions/logout"
REVOKE = "/user_management/sessions/revoke"
USERS = "/user_management/users"
MEMBERSHIPS = "/user_management/organization_memberships"


@dataclass(frozen=True, slots=True, kw_only=True)
class Emulator:
    """One emulator with the people above in it; ids by email address, by name."""

    name: str
    url: str
    client_id: str
    api_key: str
    users: Mapping[str, str]
    organizations: Mapping[str, str]
    impersonation_code: Callable[[], str] | None
    """Returns a code for Bob's session, begun by Eve; without it each of his sign-ins is hers."""


class WorkOS:
    """A browser without cookies and an application's server in one; follows no redirect."""

    def __init__(self, emulator: Emulator, http: httpx.Client) -> None:
        self.emulator = emulator
        self._http = http

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        response = self._http.request(method, f"{self.emulator.url}{path}", **options)
        self._http.cookies.clear()
        return response

    def get(self, path: str, **params: str) -> httpx.Response:
        return self.request("GET", path, params=params or None)

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.emulator.api_key}"}
        return self.request(method, path, headers=headers, **options)

    def authorize(self, method: str = "GET", **changes: str | None) -> httpx.Response:
        """Visit the authorize address as Ada; a change to None drops a parameter."""
        parameters = {
            "provider": "authkit",
            "client_id": self.emulator.client_id,
            "redirect_uri": REDIRECT_URI,
            "response_type": "code",
            "state": "a state",
            "login_hint": ADA,
            **PKCE,
            **changes,
        }
        return self.request(method, AUTHORIZE, params=without_none(parameters))

    def code(self, **changes: str | None) -> str:
        return location(self.authorize(**changes)).params["code"]

    def authenticate(self, **changes: Any) -> httpx.Response:
        return self.request("POST", AUTHENTICATE, json=self.credentials(**changes))

    def credentials(self, **changes: Any) -> dict[str, Any]:
        fields = {
            "client_id": self.emulator.client_id,
            "client_secret": self.emulator.api_key,
            **changes,
        }
        return without_none(fields)

    def redeem(self, code: str, **changes: str | None) -> httpx.Response:
        fields = {"code": code, "code_verifier": VERIFIER, **changes}
        return self.authenticate(grant_type="authorization_code", **fields)

    def refresh(self, token: str, **changes: str | None) -> httpx.Response:
        return self.authenticate(grant_type="refresh_token", refresh_token=token, **changes)

    def sign_in(self, email: str = ADA) -> dict[str, Any]:
        return answer(self.redeem(self.code(login_hint=email)))

    def sign_in_impersonated(self) -> dict[str, Any]:
        make_code = self.emulator.impersonation_code
        if make_code is None:
            return self.sign_in(BOB)
        return answer(self.redeem(make_code(), code_verifier=None))

    def switch(self, session: Mapping[str, Any], organization: str) -> dict[str, Any]:
        """Refresh into an organization, which is given by its name."""
        organization_id = self.emulator.organizations[organization]
        return answer(self.refresh(session["refresh_token"], organization_id=organization_id))

    def sessions(self, email: str = ADA) -> list[dict[str, Any]]:
        path = f"{USERS}/{self.emulator.users[email]}/sessions"
        return list(answer(self.api("GET", path))["data"])

    def memberships(self, email: str = ADA, **params: Any) -> httpx.Response:
        query = {"user_id": self.emulator.users[email], **params}
        return self.api("GET", MEMBERSHIPS, params=query)

    def organization_name(self, organization_id: str | None) -> str:
        """Return the name, or ``none``: what differs must not hold ids."""
        names = {known: name for name, known in self.emulator.organizations.items()}
        return names.get(organization_id or "", "none")


def without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def answer(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object of an answer that is no refusal."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert isinstance(body, dict)
    return body


def location(response: httpx.Response) -> httpx.URL:
    return httpx.URL(response.headers["location"])


def claims_of(session: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims of the access token, unverified."""
    return decode_part(session["access_token"].split(".")[1])


def decode_part(part: str) -> dict[str, Any]:
    """Return one part of a JWT (RFC 7515, section 7.1): base64url without padding."""
    assert "=" not in part
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    assert isinstance(value, dict)
    return value


def verdict(response: httpx.Response) -> str:
    """Return the status and the one thing that matters of the rest."""
    return f"{response.status_code} {_gist(response)}".strip()


def _gist(response: httpx.Response) -> str:
    if response.is_redirect:
        target = location(response)
        if "error" in target.params:
            return f"error={target.params['error']}"
        return "code" if "code" in target.params else str(target)
    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind != "application/json":
        return "page" if kind == "text/html" else "without JSON"
    body = response.json()
    return str(body.get("error") or body.get("code") or "JSON")


def listed(names: Iterable[str]) -> str:
    """Return names as one text, in alphabetical order."""
    return ", ".join(sorted(names)) or "none"

"""POST /user_management/authenticate, and the API around sessions and users."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.credentials import CredentialEndpoints
from authkit_asgi.testing.directory import EmulatedUser
from authkit_asgi.testing.paging import one_page
from authkit_asgi.testing.refusal import Refusal, invalid_request, not_found
from authkit_asgi.testing.state import EmulatorState


class AuthenticationEndpoints:
    """The part of the WorkOS API that applications call from the server."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state
        self._credentials = CredentialEndpoints(state)
        self._grants = self._credentials.grants()

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        users = "/user_management/users/{id}"
        return (
            Endpoint(
                name="authenticate",
                method="POST",
                path="/user_management/authenticate",
                handler=self._authenticate,
            ),
            Endpoint(
                name="jwks", method="GET", path="/sso/jwks/{client_id}", handler=self._key_set
            ),
            Endpoint(name="users", method="GET", path=users, handler=self._user, api_key=True),
            Endpoint(
                name="sessions",
                method="GET",
                path=f"{users}/sessions",
                handler=self._sessions_of_user,
                api_key=True,
            ),
            Endpoint(
                name="revoke",
                method="POST",
                path="/user_management/sessions/revoke",
                handler=self._revoke,
                api_key=True,
            ),
            *self._credentials.endpoints(),
        )

    def _authenticate(self, call: Call) -> Response:
        fields = call.fields()
        self._check_client(fields)
        grant_type = _required(fields, "grant_type")
        if grant_type == "authorization_code":
            authentication = self._state.codes.redeem(
                _required(fields, "code"),
                redirect_uri=_optional(fields, "redirect_uri"),
                verifier=_optional(fields, "code_verifier"),
            )
            answer = self._state.sessions.begin(authentication)
        elif grant_type == "refresh_token":
            answer = self._state.sessions.refresh(
                _required(fields, "refresh_token"), _optional(fields, "organization_id")
            )
        elif grant_type in self._grants:
            names, grant = self._grants[grant_type]
            answer = self._state.sessions.begin(
                grant({name: _required(fields, name) for name in names})
            )
        else:
            raise Refusal(400, "unsupported_grant_type", "The grant_type is not supported.")
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _check_client(self, fields: Mapping[str, Any]) -> None:
        settings = self._state.settings
        if _required(fields, "client_id") != settings.client_id:
            raise Refusal(401, "invalid_client", "The client_id is not known.")
        secret = _required(fields, "client_secret")
        if not hmac.compare_digest(_octets(secret), _octets(settings.api_key)):
            raise Refusal(401, "invalid_client", "The client_secret is wrong.")

    def _key_set(self, call: Call) -> Response:
        if call.path["client_id"] != self._state.settings.client_id:
            raise not_found("Client")
        return JSONResponse(self._state.keys.published())

    def _user(self, call: Call) -> Response:
        return JSONResponse(self._find_user(call).as_json())

    def _sessions_of_user(self, call: Call) -> Response:
        sessions = self._state.sessions.active_of(self._find_user(call).id)
        page, list_metadata = one_page(sessions, call.query)
        data = [session.as_json() for session in page]
        return JSONResponse({"object": "list", "data": data, "list_metadata": list_metadata})

    def _revoke(self, call: Call) -> Response:
        session = self._state.sessions.end(_required(call.fields(), "session_id"))
        if session is None:
            raise not_found("Session")
        self._state.browsers.sign_out(session.authentication.browser_id)
        return JSONResponse({"success": True})

    def _find_user(self, call: Call) -> EmulatedUser:
        user = self._state.directory.users.get(call.path["id"])
        if user is None:
            raise not_found("User")
        return user


def _optional(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise invalid_request(f"{name} must be a text.")
    # Some clients send an empty text for what they do not have.
    return value or None


def _required(fields: Mapping[str, Any], name: str) -> str:
    value = _optional(fields, name)
    if value is None:
        raise invalid_request(f"{name} is missing.")
    return value


def _octets(text: str) -> bytes:
    # JSON may hold lone surrogates, which UTF-8 cannot encode.
    return text.encode("utf-8", "surrogatepass")

"""Sign-in forms of an application's own: passwords, magic codes, and verified addresses."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from starlette.responses import JSONResponse, Response

from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.directory import EmulatedUser
from authkit_asgi.testing.identifiers import new_identifier
from authkit_asgi.testing.one_time_codes import Kind, OneTimeCode
from authkit_asgi.testing.refusal import Refusal, invalid_credentials, not_found
from authkit_asgi.testing.sessions import Authentication
from authkit_asgi.testing.state import EmulatorState

Grant: TypeAlias = Callable[[Mapping[str, str]], Authentication]


class CredentialEndpoints:
    """What applications with a sign-in form of their own ask WorkOS."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        return (
            self._endpoint("magic_auth", "POST", "magic_auth", self._send_magic_code),
            self._endpoint("magic_auth", "GET", "magic_auth/{id}", self._magic_code),
            self._endpoint(
                "email_verification", "GET", "email_verification/{id}", self._verification_code
            ),
            self._endpoint(
                "email_verification",
                "POST",
                "users/{id}/email_verification/send",
                self._send_verification_code,
            ),
        )

    def grants(self) -> Mapping[str, tuple[tuple[str, ...], Grant]]:
        """Return the grant types, each with the fields that it needs."""
        prefix = "urn:workos:oauth:grant-type"
        return {
            "password": (("email", "password"), self._by_password),
            f"{prefix}:magic-auth:code": (("email", "code"), self._by_magic_code),
            f"{prefix}:email-verification:code": (
                ("code", "pending_authentication_token"),
                self._by_verification_code,
            ),
        }

    def _endpoint(
        self, name: str, method: str, path: str, handler: Callable[[Call], Response]
    ) -> Endpoint:
        path = f"/user_management/{path}"
        return Endpoint(name=name, method=method, path=path, handler=handler, api_key=True)

    def _by_password(self, fields: Mapping[str, str]) -> Authentication:
        user = self._state.directory.user_by_email(fields["email"])
        # Whether there is such a user is not told: the two refusals are one.
        password = "" if user is None else user.password or ""
        given = fields["password"].encode("utf-8", "surrogatepass")
        if user is None or not password or not hmac.compare_digest(password.encode(), given):
            raise invalid_credentials("invalid_credentials", "The email or password is incorrect.")
        if not user.email_verified:
            raise self._verification_required(user)
        return self._authentication(user, "Password")

    def _by_magic_code(self, fields: Mapping[str, str]) -> Authentication:
        sent = self._state.one_time_codes.redeem_magic_code(fields["code"], fields["email"])
        return self._authentication(self._verified(sent), "MagicAuth")

    def _by_verification_code(self, fields: Mapping[str, str]) -> Authentication:
        sent = self._state.one_time_codes.redeem_verification_code(
            fields["code"], fields["pending_authentication_token"]
        )
        return self._authentication(self._verified(sent), "Password")

    def _verification_required(self, user: EmulatedUser) -> Refusal:
        pending = new_identifier("pending")
        sent = self._state.one_time_codes.send(
            "email_verification", user.id, user.email, pending_token=pending
        )
        return Refusal(
            403,
            "email_verification_required",
            "Email ownership must be verified before authentication.",
            {
                "pending_authentication_token": pending,
                "email": user.email,
                "email_verification_id": sent.id,
            },
        )

    def _verified(self, sent: OneTimeCode) -> EmulatedUser:
        """Return the user to whom a code was sent, who has shown to read that mailbox."""
        user = self._state.directory.users.get(sent.user_id)
        if user is None:
            raise invalid_credentials("user_not_found", "The user does not exist any more.")
        if user.email_verified:
            return user
        return self._state.directory.update_user(user.id, email_verified=True)

    def _authentication(self, user: EmulatedUser, method: str) -> Authentication:
        return Authentication(
            user_id=user.id,
            organization_id=self._state.directory.default_organization(user.id),
            auth_time=self._state.clock(),
            method=method,
        )

    def _send_magic_code(self, call: Call) -> Response:
        """Send a code to an address; who is not known is made a user, as at WorkOS."""
        email = call.fields().get("email")
        if not isinstance(email, str) or "@" not in email:
            raise Refusal(422, "unprocessable_entity", "email must be an address.")
        directory = self._state.directory
        user = directory.user_by_email(email)
        if user is None:
            user = directory.add_user(email=email, email_verified=False)
        sent = self._state.one_time_codes.send("magic_auth", user.id, user.email)
        return JSONResponse(sent.as_json(), 201)

    def _send_verification_code(self, call: Call) -> Response:
        user = self._state.directory.users.get(call.path["id"])
        if user is None:
            raise not_found("User")
        self._state.one_time_codes.send("email_verification", user.id, user.email)
        return JSONResponse({"user": user.as_json()})

    def _magic_code(self, call: Call) -> Response:
        return self._code(call, "magic_auth")

    def _verification_code(self, call: Call) -> Response:
        return self._code(call, "email_verification")

    def _code(self, call: Call, kind: Kind) -> Response:
        found: Any = self._state.one_time_codes.find(kind, call.path["id"])
        if found is None:
            raise not_found("Code")
        return JSONResponse(found.as_json())

"""POST /api_keys/validations, and the part of the emulator's interface that is about API keys."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import JSONResponse, Response

from authkit_asgi.testing.api_keys import EmulatedAPIKey
from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.people import OrganizationReference, People, UserReference, identifier
from authkit_asgi.testing.refusal import Refusal
from authkit_asgi.testing.state import EmulatorState


class APIKeyEndpoints:
    """The validation of API keys."""

    def __init__(self, state: EmulatorState) -> None:
        self._state = state

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the table of endpoints."""
        return (
            Endpoint(
                name="api_keys",
                method="POST",
                path="/api_keys/validations",
                handler=self._validate,
                api_key=True,
            ),
        )

    def _validate(self, call: Call) -> Response:
        value = call.fields().get("value")
        if not isinstance(value, str) or not value:
            raise Refusal(422, "unprocessable_entity", "value must be a text.")
        key = self._state.api_keys.use(value)
        return JSONResponse({"api_key": None if key is None else key.as_json()})


class Customers(People):
    """Who is there, and the API keys of their own clients."""

    __slots__ = ()

    def add_api_key(
        self,
        organization: OrganizationReference,
        *,
        user: UserReference | None = None,
        name: str = "Key",
        permissions: Iterable[str] = (),
        value: str | None = None,
        expires_at: float | None = None,
    ) -> EmulatedAPIKey:
        """Add an API key of an organization's, or of a user's in it.

        Args:
            organization: Whose it is, or where its user may act.
            user: Who owns it, if it is not the organization's own.
            name: What people call it.
            permissions: What it may do.
            value: The key itself; made up if absent.
            expires_at: Seconds since the epoch from which on it is not valid.

        Raises:
            ValueError: There is a key of this value.
        """
        with self._state.lock:
            return self._state.api_keys.add(
                name=name,
                organization_id=identifier(organization),
                user_id=None if user is None else identifier(user),
                permissions=permissions,
                value=value,
                expires_at=expires_at,
            )

    def revoke_api_key(self, key: EmulatedAPIKey | str) -> None:
        """Revoke a key, given as an object or by its id; `KeyError` if there is none."""
        with self._state.lock:
            self._state.api_keys.revoke(key if isinstance(key, str) else key.id)

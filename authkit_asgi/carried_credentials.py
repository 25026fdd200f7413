"""The part of `AuthSession` that reads `Authorization`, which has nothing to do with the cookie."""

from __future__ import annotations

from typing import Literal, TypeAlias

from authkit_asgi.access_token import AccessToken
from authkit_asgi.api_key import APIKey
from authkit_asgi.auth import SignedIn
from authkit_asgi.authorization_header import bearer_token
from authkit_asgi.callbacks import Callbacks
from authkit_asgi.recency import is_recent

Credential: TypeAlias = Literal["cookie", "access token", "API key"]
"""What a guard may go by."""


class CarriedCredentials(Callbacks):
    """What the connection's `Authorization` header carries. `auth` knows nothing of it."""

    __slots__ = ("consulted_authorization", "decided_by")
    consulted_authorization: bool
    """Whether the application asked for it, so that its answer depends on the header."""
    decided_by: Credential | None
    """What has let the request in; `None` where no guard has let it in so far."""

    async def access_token(self) -> AccessToken | None:
        """Return the access token that the connection carries as a bearer token; `None` if none.

        Raises:
            MalformedAuthorizationError: It cannot be told what the header carries.
            InvalidTokenError: The token does not count.
            KeysUnavailableError: It cannot be verified now.
            ConfigurationError: The setting `issuers` is empty.
        """
        self._authkit.require_issuers()  # at the first request of all, not the first with a token
        token = self._bearer_token()
        return None if token is None else await self._authkit.verify_access_token(token)

    async def api_key(self) -> APIKey | None:
        """Return the API key that the connection carries as a bearer token; `None` if none.

        Raises:
            MalformedAuthorizationError: It cannot be told what the header carries.
            InvalidAPIKeyError: The key is not valid.
            UnavailableError: WorkOS cannot be asked.
        """
        value = self._bearer_token()
        return None if value is None else await self._authkit.validate_api_key(value)

    def decide_by(self, credential: Credential) -> bool:
        """Note what lets the request in; return whether nothing else has done so before."""
        if self.decided_by is None:
            self.decided_by = credential
        return self.decided_by == credential

    def was_signed_in_within(self, seconds: float, who: AccessToken | SignedIn) -> bool:
        """Tell whether the user of a token or session proved that recently who they are."""
        leeway, now = self._authkit.config.jwt_leeway, self._authkit.now()
        return is_recent(who.claims.auth_time, max_age=seconds, at=now, leeway=leeway)

    def _bearer_token(self) -> str | None:
        self.consulted_authorization = True
        return bearer_token(self._scope["headers"])

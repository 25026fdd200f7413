"""The part of `AuthKit` that judges what clients send by themselves: access tokens and API keys."""

from __future__ import annotations

from authkit_asgi.access_token import AccessToken
from authkit_asgi.api_key import APIKey
from authkit_asgi.api_key_validation import APIKeyValidator
from authkit_asgi.auth import Claims
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError, InvalidTokenError, UnacceptableClaimsError
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session_ends import is_over
from authkit_asgi.tokens import AccessTokenVerifier

NO_ISSUERS = (
    "WORKOS_ISSUER (issuers) is missing: access tokens in Authorization are accepted from named "
    "issuers only, such as https://api.workos.com/user_management/client_…"
)


class Credentials:
    """Verifies access tokens and validates API keys; no cookie is involved in either."""

    config: AuthKitConfig
    coordinator: RefreshCoordinator
    _verifier: AccessTokenVerifier
    _api_keys: APIKeyValidator

    def require_issuers(self) -> None:
        """Let access tokens be accepted.

        A cookie's seal says that its token was this application's to have. Nothing says so of a
        token that comes by itself but its claims.

        Raises:
            ConfigurationError: The setting `issuers` is empty.
        """
        if not self.config.issuers:
            raise ConfigurationError([NO_ISSUERS])

    async def verify_access_token(self, token: str) -> AccessToken:
        """Return an access token that WorkOS issued to this client for a session that goes on.

        Beside what a session's token has to be, it has to say that it was issued to `client_id`:
        in the claim of that name or, where that is absent, at the end of its issuer.

        Raises:
            InvalidTokenError: It was not, has expired, or its session is over.
            KeysUnavailableError: It cannot be verified now.
            ConfigurationError: The setting `issuers` is empty.
        """
        self.require_issuers()
        claims = await self._verifier.verify(token)
        if not _names_client(claims, self.config.client_id):
            raise UnacceptableClaimsError("The access token does not say that this client has it")
        if is_over(self.coordinator, claims):
            raise InvalidTokenError("The access token's session is over")
        return AccessToken(token=token, claims=claims)

    async def validate_api_key(self, value: str) -> APIKey:
        """Return what WorkOS says of a customer's API key, now or up to 30 s ago.

        Raises:
            InvalidAPIKeyError: It is not valid.
            UnavailableError: WorkOS cannot be asked, or was asked about too many invalid ones.
        """
        return await self._api_keys.validate(value)


def _names_client(claims: Claims, client_id: str) -> bool:
    if "client_id" in claims:
        return claims["client_id"] == client_id  # type: ignore[no-any-return]
    return (claims.iss or "").endswith(f"/{client_id}")

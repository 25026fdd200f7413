"""From an authentic session to who is signed in by it."""

from __future__ import annotations

from collections.abc import Callable

from authkit_asgi.auth import Claims, SignedIn, signed_in
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.http_clients import HTTPClients
from authkit_asgi.session import Session
from authkit_asgi.tokens import AccessTokenVerifier, SigningKey


def access_token_verifier(
    config: AuthKitConfig, http_clients: HTTPClients, *, clock: Callable[[], float]
) -> AccessTokenVerifier:
    """Return what verifies access tokens as the settings say."""
    return AccessTokenVerifier(
        config.jwks_url,
        http_client=http_clients.lend,
        issuers=config.issuers,
        client_id=config.client_id,
        leeway=config.jwt_leeway,
        jwks_max_age=config.jwks_max_age,
        jwks_max_stale=config.jwks_max_stale,
        clock=clock,
    )


async def authenticate(session: Session, verifier: AccessTokenVerifier) -> SignedIn:
    """Return who is signed in by an authentic `session`.

    Raises:
        InvalidTokenError: Its access token does not verify, or has expired.
        InvalidSessionError: The token is not the sealed user's.
        KeysUnavailableError: It cannot be verified now.
    """
    return _signed_in(session, await verifier.verify(session.access_token, is_vouched=True))


def authenticate_now(
    session: Session, verifier: AccessTokenVerifier
) -> tuple[SignedIn, SigningKey] | None:
    """Return who is signed in and the key that says so; `None` if it has to be waited for.

    Raises what `authenticate` does.
    """
    verified = verifier.verify_now(session.access_token)
    if verified is None:
        return None
    claims, signing_key = verified
    return _signed_in(session, claims), signing_key


def _signed_in(session: Session, claims: Claims) -> SignedIn:
    if claims["sub"] != session.user_id:
        raise InvalidSessionError("The access token is not the sealed user's")
    return signed_in(
        claims,
        access_token=session.access_token,
        user=session.user,
        impersonator=session.impersonator,
        authentication_method=session.authentication_method,
    )

"""From an authentic session to who is signed in by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from authkit_asgi.auth import Claims, SignedIn, signed_in
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.http_clients import HTTPClients
from authkit_asgi.session import Session
from authkit_asgi.tokens import AccessTokenVerifier


@dataclass(slots=True)
class ReadSession:
    """What is known already of a session cookie, where more has to be done about it."""

    session: Session
    auth: SignedIn | None = None
    """Who is signed in by it, verified a moment ago; `None` where that is to be found out."""


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
    return signed_in_by(session, await verifier.verify(session.access_token, is_vouched=True))


def signed_in_by(session: Session, claims: Claims) -> SignedIn:
    """Return who is signed in by an authentic `session`, whose access token has these claims.

    Raises:
        InvalidSessionError: The token is not the sealed user's.
    """
    user = session.user
    if claims["sub"] != user.id:
        raise InvalidSessionError("The access token is not the sealed user's")
    return signed_in(
        claims,
        access_token=session.access_token,
        user=user,
        impersonator=session.impersonator,
        authentication_method=session.authentication_method,
    )

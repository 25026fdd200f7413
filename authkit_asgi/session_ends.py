"""Whether a session is known to be over: by its own id, or by what is noted of its user."""

from __future__ import annotations

from authkit_asgi.auth import Claims
from authkit_asgi.refresh import RefreshCoordinator
from authkit_asgi.session import Session, session_id
from authkit_asgi.tokens import unverified_claims


def is_over(coordinator: RefreshCoordinator, claims: Claims) -> bool:
    """Tell whether this process knows that the session of a verified token is over."""
    return coordinator.is_ended(claims["sid"]) or coordinator.revocations.cover(claims)


def has_ended(
    coordinator: RefreshCoordinator, session: Session, *, or_superseded: bool = False
) -> bool:
    """Tell whether this process knows that an authentic session is over."""
    return coordinator.is_ended(
        session_id(session), or_superseded=or_superseded
    ) or coordinator.revocations.cover(unverified_claims(session.access_token))

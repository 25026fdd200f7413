"""Signing out: the address at WorkOS that ends the session, and where that may lead."""

from __future__ import annotations

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.origins import origin_matches, origin_of
from authkit_asgi.pkce import MAX_RETURN_PATH, safe_return_path
from authkit_asgi.session import Session, session_id


def logout_url(
    config: AuthKitConfig, api: WorkOSAPI, session: Session | None, return_to: str | None
) -> str:
    """Return where to send a browser that signs out.

    To WorkOS where the session names its id, else straight to the page asked for. The id is read
    from the token without verifying it: the seal vouches for it, and a sign-out has to work with
    an expired token and without WorkOS.
    """
    target = None if return_to is None else _target(config, return_to)
    sid = None if session is None else session_id(session)
    if sid:
        return api.logout_url(sid, target)
    return target or config.default_return_path


def _target(config: AuthKitConfig, return_to: str) -> str:
    # What is too long for a proxy's header buffer would cost the deletion of the cookies as well.
    origin = origin_of(return_to) if len(return_to) <= MAX_RETURN_PATH else None
    allowed = (config.origin, *config.logout_return_origins)
    if origin is not None and any(origin_matches(origin, pattern) for pattern in allowed):
        return return_to
    return config.origin + safe_return_path(return_to, config.default_return_path)

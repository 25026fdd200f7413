"""The part of `AuthSession` that writes the cookies beside the session's own, where configured."""

from __future__ import annotations

from authkit_asgi.auth import Auth, SignedOutReason
from authkit_asgi.cookie_settings import ACCESS_TOKEN_COOKIE
from authkit_asgi.cookies import cookie_values
from authkit_asgi.fetch_metadata import is_document_request, is_speculative
from authkit_asgi.loading import Loaded
from authkit_asgi.response_cookies import ResponseCookies


class CompanionCookies(ResponseCookies):
    """The activity cookie and the access-token cookie of one connection."""

    __slots__ = ()
    _loaded: Loaded

    def _write_companions(self) -> None:
        """Note the time of use and hand out the access token, as the settings say."""
        kit, session, auth = self._authkit, self._loaded.session, self._loaded.auth
        if not kit.has_companions:
            return
        # A session that has ended, or another in its place, is not to be touched by a late answer.
        if session is None or self._loaded.is_idle or kit.is_over(session):
            return
        if kit.inactivity is not None and _is_used(auth):
            value = kit.inactivity.moved(session, self._cookies.sent.activity)
            if value is not None:
                self._cookies.write(kit.cookies.activity(value))
        if kit.eager_auth is not None and auth.user is not None and self._is_for_page():
            self._cookies.write(*kit.eager_auth.cookies(auth.access_token, self._tokens_sent()))

    def _expire_access_token(self) -> None:
        """Delete the access-token cookie, if it can be there."""
        if self._authkit.eager_auth is not None or self._tokens_sent():
            self._cookies.write(*self._authkit.cookies.expire_access_token())

    def _tokens_sent(self) -> list[str]:
        return cookie_values(self._scope["headers"], ACCESS_TOKEN_COOKIE.encode())

    def _is_for_page(self) -> bool:
        scope = self._scope
        return is_document_request(scope) and scope["method"] == "GET" and not is_speculative(scope)


def _is_used(auth: Auth) -> bool:
    # An outage does not keep people from using the session: they would be signed out after it.
    return auth.user is not None or auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE

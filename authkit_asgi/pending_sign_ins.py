"""One browser's sign-ins under way: its verifier cookies, and to which a callback belongs."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence

from authkit_asgi.cookies import verifier_cookies
from authkit_asgi.errors import (
    CrossSiteRequestError,
    OAuthStateMismatchError,
    PKCECookieMissingError,
)
from authkit_asgi.fetch_metadata import is_own_form
from authkit_asgi.pkce import PendingSignIn, verifier_cookie_name
from authkit_asgi.response_cookies import ResponseCookies

_MAX_STATE_LENGTH = 4096  # characters; a state that fits into a cookie is shorter
_MAX_DELETIONS = 20  # verifier cookies in one response; a browser has 5 of ours


class PendingSignIns(ResponseCookies):
    """The sign-ins that the browser of one connection has begun."""

    __slots__ = ()

    def check_state(self, state: str) -> PendingSignIn:
        """Return the sign-in that `state` belongs to if this very browser began it.

        Without its verifier cookie, which is deleted whatever comes of it, a stranger's callback
        address would sign this browser in to the stranger's account.

        Raises:
            PKCECookieMissingError: `state` is authentic, but the browser has not its cookie.
            OAuthStateMismatchError: It is not authentic, too old, or another browser's.
        """
        self._cookies.require_open()
        if len(state) > _MAX_STATE_LENGTH:
            raise OAuthStateMismatchError("The state is longer than any that was sent out")
        name = verifier_cookie_name(state)
        verifier = self.verifiers().get(name)
        if verifier is None:
            self.unseal_state(state)
            raise PKCECookieMissingError
        self.expire_verifier(name)
        if not hmac.compare_digest(verifier.encode(), state.encode("utf-8", "surrogatepass")):
            raise OAuthStateMismatchError("The state is not the one that this browser was given")
        return self.unseal_state(state)

    def check_own_form(self) -> None:
        """See that this POST comes from a page of this application.

        For sign-in forms of one's own: no cookie keeps another site from sending one, which would
        sign its visitors in to an account of its choice (login CSRF). Goes by `Sec-Fetch-Site`, or
        without that by an `Origin` equal to `redirect_uri`'s.

        Raises:
            CrossSiteRequestError: It does not, or nothing says so.
        """
        if not is_own_form(self._scope, self._authkit.config.origin):
            raise CrossSiteRequestError("The form was not sent from a page of this site")

    def clear_pending_verifier(self, state: str) -> None:
        """Delete the cookie of the sign-in that `state` belongs to, if the browser has it.

        For a callback of one's own that ends before `complete_callback` or `complete_sign_in`,
        which do so themselves.
        """
        if len(state) > _MAX_STATE_LENGTH:
            return
        name = verifier_cookie_name(state)
        if name in self.verifiers():
            self.expire_verifier(name)

    def unseal_state(self, state: str) -> PendingSignIn:
        """See `AuthKit.unseal_state`."""
        return self._authkit.unseal_state(state)

    def verifiers(self) -> Mapping[str, str]:
        """Return the request's cookies of pending sign-ins, by name."""
        return verifier_cookies(self._scope["headers"])

    def expire_verifier(self, name: str) -> None:
        """Delete one verifier cookie."""
        self._cookies.write(self._authkit.cookies.expire_verifier(name))

    def _expire_verifiers(self, names: Sequence[str]) -> None:
        for name in names[:_MAX_DELETIONS]:
            self.expire_verifier(name)

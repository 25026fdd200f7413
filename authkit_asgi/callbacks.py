"""The part of `AuthSession` that completes sign-ins, at the bundled callback or one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from authkit_asgi.errors import (
    AuthorizationDeniedError,
    CallbackRejectedError,
    OAuthStateMismatchError,
)
from authkit_asgi.fetch_metadata import is_navigation
from authkit_asgi.pending_sign_ins import PendingSignIns
from authkit_asgi.pkce import verifier_cookie_name
from authkit_asgi.sign_in import SignInResult

_MAX_PARAMETERS = 32
_SINGLE = frozenset({"code", "state", "iss", "error"})


class Callbacks(PendingSignIns):
    """Judges a callback by all of its parameters."""

    __slots__ = ()

    async def complete_callback(self) -> SignInResult | None:
        """Complete the sign-in whose callback this request is; `adopt` then makes it the session.

        For a callback of one's own; the bundled one does the same. The parameters of OAuth may
        stand in the query only once, `iss` has to be expected (RFC 9207), and `state` that of a
        sign-in which this very browser began; its cookie is deleted whatever comes of it.

        Returns:
            The sign-in; `None` for one that WorkOS began (impersonation, or a tile at an identity
            provider): send the browser to what `restart_sign_in` returns.

        Raises:
            CallbackRejectedError: Parameters are missing, repeated, too many, or of another issuer.
            AuthorizationDeniedError: It brings an error instead of a code.
            AuthKitError: As `complete_sign_in` does.
        """
        self._cookies.require_open()
        query = self._callback_query()
        state = query.get("state")
        if state is None:
            if "code" not in query or "error" in query or not is_navigation(self._scope):
                raise CallbackRejectedError("The callback came without state")
            return None
        self.check_state(state)
        self._authkit.check_issuer(query.get("iss"))
        if "error" in query:
            raise AuthorizationDeniedError(query["error"])
        if not query.get("code"):
            raise CallbackRejectedError("The callback has no code")
        return await self._authkit.complete_sign_in(query["code"], state)

    async def restart_sign_in(self) -> str:
        """Begin anew, once, a sign-in that WorkOS began; return where to send the browser.

        The code that came is not used: without `state` nobody can tell whose browser it was meant
        for.

        Raises:
            OAuthStateMismatchError: It has been begun anew already, and again came without `state`.
        """
        self._cookies.require_open()
        for name, state in self.verifiers().items():
            if self._is_restarted(state):
                self.expire_verifier(name)
                raise OAuthStateMismatchError("The callback came without state a second time")
        return await self.authorization_url(restarted=True)

    if TYPE_CHECKING:

        async def authorization_url(self, *, restarted: bool = False) -> str:
            """See `AuthSession.authorization_url`."""
            ...

    def _callback_query(self) -> Mapping[str, str]:
        """Return the callback's parameters, of which those of OAuth may stand there only once."""
        try:
            pairs = parse_qsl(
                self._scope["query_string"].decode("latin-1"),
                keep_blank_values=True,
                max_num_fields=_MAX_PARAMETERS,
            )
        except ValueError:
            raise CallbackRejectedError("The callback has too many parameters") from None
        names = [name for name, _ in pairs]
        if any(names.count(name) > 1 for name in _SINGLE):
            sent = {verifier_cookie_name(value) for name, value in pairs if name == "state"}
            for name in sent & self.verifiers().keys():
                self.expire_verifier(name)
            raise CallbackRejectedError("A parameter of the callback is repeated")
        return dict(pairs)

    def _is_restarted(self, state: str) -> bool:
        try:
            return self.unseal_state(state).restarted
        except OAuthStateMismatchError:
            return False

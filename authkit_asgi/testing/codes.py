"""Authorization codes: single use, ten minutes, bound to redirect URI and PKCE challenge."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from authkit_asgi.testing.identifiers import new_identifier
from authkit_asgi.testing.refusal import invalid_grant
from authkit_asgi.testing.sessions import Authentication

_LIFETIME_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    authentication: Authentication
    redirect_uri: str | None
    challenge: str | None
    expires_at: float


class Codes:
    """The codes that have not been redeemed."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: dict[str, _Code] = {}

    def clear(self) -> None:
        """Forget all codes."""
        self._codes.clear()

    def issue(
        self,
        authentication: Authentication,
        *,
        redirect_uri: str | None = None,
        challenge: str | None = None,
    ) -> str:
        """Return a new code; `challenge` is an S256 code challenge."""
        code = new_identifier("code")
        self._codes[code] = _Code(
            authentication=authentication,
            redirect_uri=redirect_uri,
            challenge=challenge,
            expires_at=self._clock() + _LIFETIME_SECONDS,
        )
        return code

    def redeem(
        self, code: str, *, redirect_uri: str | None, verifier: str | None
    ) -> Authentication:
        """Return what the code stands for; it is spent even if this refuses.

        `redirect_uri` is compared only when it is given, as WorkOS does not ask for it.
        """
        record = self._codes.pop(code, None)
        if record is None or record.expires_at <= self._clock():
            raise invalid_grant("The code is invalid, has expired or has been used.")
        if None not in {redirect_uri, record.redirect_uri} and redirect_uri != record.redirect_uri:
            raise invalid_grant("The redirect_uri is not the one the code was issued for.")
        if record.challenge is None and verifier is not None:
            # RFC 9700, section 2.1.1: else the challenge could be stripped from the request.
            raise invalid_grant("A code_verifier was sent for a code without code_challenge.")
        if record.challenge is not None and not _verifies(verifier or "", record.challenge):
            raise invalid_grant("The code_verifier does not match the code_challenge.")
        return record.authentication


def _verifies(verifier: str, challenge: str) -> bool:
    digest = hashlib.sha256(verifier.encode("utf-8", "surrogatepass")).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(expected, challenge.encode())

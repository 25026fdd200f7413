"""Access tokens: RS256 verification and what their claims must be."""

from __future__ import annotations

import json
import time
from binascii import a2b_base64
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeAlias

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey

from authkit_asgi import strict_json
from authkit_asgi.auth import Claims, nests_within
from authkit_asgi.claim_readers import read_claims
from authkit_asgi.errors import (
    ExpiredTokenError,
    InvalidTokenError,
    UnacceptableClaimsError,
    UnknownKeyError,
)
from authkit_asgi.jwks import ClientLender, KeySetCache

_MAX_TOKEN_CHARS = 16 * 1024
"""Longer tokens are refused unread; a cookie holds 4 KB, a request's headers rarely 16."""

_MAX_NESTING = 32
"""Of JSON; deeper claims would exhaust the stack of whoever serialises them."""

_MAX_LEEWAY_SECONDS = 60
_MAX_KNOWN_HEADERS = 16
"""Headers under which a signature verified: WorkOS has one a key, so they are parsed once."""

_Segments: TypeAlias = tuple[bytes, bytes, bytes]

# RS256: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, section 3.3).
_PKCS1_V1_5, _SHA256_DIGEST = PKCS1v15(), Prehashed(SHA256())

# What base64url has in place of + and /, which with = are no part of it, like all else.
_BASE64URL = bytes.maketrans(b"-_+/=", b"+/...")
_PADDING = (b"", b"", b"==", b"=")  # by the length of the last group
_LAST = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")  # characters without a surplus bit


class AccessTokenVerifier:
    """Verifies access tokens that WorkOS issued for a user's session; shared by all event loops.

    Args:
        jwks_url: Where the signing keys are published; the only address ever asked. https, or
            http on a loopback host.
        http_client: A client, used as it is and never closed, or a callable whose async context
            manager lends one for each fetch.
        issuers: The `iss` values accepted, compared exactly; empty: `iss` is not looked at.
        client_id: What a `client_id` claim has to be, if the token has one; None: not looked at.
        leeway: Seconds by which clocks may differ, 0 to 60; for `exp` and `nbf`.
        jwks_max_age: Seconds after which the keys are fetched anew, in the background: the longest
            time for which a withdrawn key counts while requests come in. When none have come for
            twice as long, the next one waits for the new keys.
        jwks_max_stale: Seconds for which the keys go on being used while they cannot be fetched.
        clock: Returns the seconds since the epoch.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        jwks_url: str,
        *,
        http_client: httpx.AsyncClient | ClientLender,
        issuers: Sequence[str] = (),
        client_id: str | None = None,
        leeway: float = 10,
        jwks_max_age: float = 300,
        jwks_max_stale: float = 86_400,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 <= leeway <= _MAX_LEEWAY_SECONDS:
            raise ValueError(f"leeway must be between 0 and {_MAX_LEEWAY_SECONDS} seconds")
        if isinstance(issuers, str):
            # Each of its characters would be an issuer.
            raise ValueError("issuers must be a sequence of strings, not one string")  # noqa: TRY004
        self._keys = KeySetCache(
            jwks_url,
            http_client=http_client,
            max_age=jwks_max_age,
            max_stale=jwks_max_stale,
            clock=clock,
        )
        self.key: Callable[[str, float], RSAKey | None] = self._keys.get
        """Returns the key of a `kid`, if it is at hand; on every request, so without a detour."""
        self._issuers = tuple(issuers)
        self._client_id = client_id
        self._leeway = leeway
        self._clock = clock
        self._known_headers: dict[bytes, str] = {}

    async def verify(self, token: str, *, is_vouched: bool = False) -> Claims:
        """Return the claims of a token that is authentic, alive and a user session's.

        The signature is RS256 by the key that the header's `kid` names; a header without `kid` or
        with `crit` is refused, all its other members have no effect (RFC 7515, RFC 8725). `exp`,
        `sub` and `sid` are required. Dates are given in whole seconds, rounded down.

        Args:
            token: The token as it came; any text.
            is_vouched: Whether something authentic brings it, such as a session's seal; then key
                ids that strangers make up do not delay the look for its key.

        Raises:
            ExpiredTokenError: `exp` is over and nothing else is wrong.
            UnacceptableClaimsError: it is authentic, but its claims are not what they have to be.
            UnknownKeyError: the key set does not have the key it names. All are kinds of:
            InvalidTokenError: the token does not verify.
            KeysUnavailableError: the keys cannot be fetched; nothing is known against the token.
        """
        segments, kid = self._open(token)
        key = self._keys.get(kid) or await self._keys.find(kid, is_vouched=is_vouched)
        if key is None:
            raise UnknownKeyError("The access token names a key that the key set does not have")
        return self._verify(segments, kid, key, self._clock())

    def verify_now(self, token: str, now: float) -> tuple[Claims, str, RSAKey] | None:
        """Return a token's claims and what verified it; `None` if its key has to be waited for.

        Raises what `verify` does.
        """
        segments, kid = self._open(token)
        key = self._keys.get(kid, now)
        return None if key is None else (self._verify(segments, kid, key, now), kid, key)

    def _open(self, token: str) -> tuple[_Segments, str]:
        segments = _split(token)
        if segments is None:
            raise InvalidTokenError("The access token is not a JSON Web Token of acceptable size")
        return segments, self._known_headers.get(segments[0]) or _read_kid(segments[0])

    def _verify(self, segments: _Segments, kid: str, key: RSAKey, now: float) -> Claims:
        # Not by joserfc's reading of headers: it refuses unknown members, which RFC 7515 says to
        # ignore, and those that point to a key (jku, jwk) must have no effect at all.
        header, payload, signature = segments
        try:
            decoded = _base64url_decode(signature)
            digest = sha256(b"%b.%b" % (header, payload)).digest()
            key.public_key.verify(decoded, digest, _PKCS1_V1_5, _SHA256_DIGEST)
            is_authentic = True
        except (ValueError, InvalidSignature):
            is_authentic = False
        if not is_authentic:
            raise InvalidTokenError("The access token's signature does not verify")
        if len(self._known_headers) < _MAX_KNOWN_HEADERS:
            self._known_headers[header] = kid
        parsed = _parse_object(payload)
        if parsed is None:
            raise InvalidTokenError("The access token's payload is not a JSON object")
        claims = read_claims(parsed)
        self._check(parsed, now)
        return claims

    async def aclose(self) -> None:
        """Cancel the fetch that the running event loop has under way, and wait for its end."""
        await self._keys.aclose()

    def _check(self, claims: dict[str, Any], now: float) -> None:
        if self._issuers and claims.get("iss") not in self._issuers:
            raise UnacceptableClaimsError("The access token's iss claim is not an accepted issuer")
        if (
            self._client_id is not None
            and claims.get("client_id", self._client_id) != self._client_id
        ):
            raise UnacceptableClaimsError("The access token was issued for another client_id")
        if claims.get("nbf", 0) - self._leeway > now:
            raise UnacceptableClaimsError("The access token is not valid yet (nbf)")
        if claims["exp"] + self._leeway <= now:
            raise ExpiredTokenError("The access token has expired")


def unverified_claims(token: str) -> Mapping[str, Any]:
    """Return the payload of a JWT of which **nothing has been verified**; {} if it has none.

    Right only where something else vouches for the token, as a seal's MAC does for the one in a
    session cookie: to read `sid` at sign-out although the token has expired or the keys are out
    of reach. Never to decide who someone is or what they may do. Raises nothing.
    """
    segments = _split(token)
    return (_parse_object(segments[1]) if segments else None) or {}


def _split(token: Any) -> _Segments | None:
    if not isinstance(token, str) or len(token) > _MAX_TOKEN_CHARS or not token.isascii():
        return None
    segments = token.encode().split(b".")
    if len(segments) != 3:  # noqa: PLR2004  # header, payload, signature: RFC 7515, section 7.1
        return None
    return segments[0], segments[1], segments[2]


def _read_kid(segment: bytes) -> str:
    """Return which key a token's header names, if the header may be trusted to name one."""
    header = _parse_object(segment)
    if header is None:
        raise InvalidTokenError("The access token is not a JSON Web Token of acceptable size")
    if header.get("alg") != "RS256":
        raise InvalidTokenError("The access token's alg is not RS256")
    # No extension is supported, so any `crit` is one we do not understand (RFC 7515, 4.1.11);
    # an unencoded payload (RFC 7797) is one even where `crit` was forgotten.
    if "crit" in header or header.get("b64", True) is not True:
        raise InvalidTokenError("The access token's header asks for an extension (crit, b64)")
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        raise InvalidTokenError("The access token's header names no key (kid)")
    return kid


def _base64url_decode(segment: bytes) -> bytes:
    """Decode base64url as JSON Web Tokens have it (RFC 7515, section 2): no byte in two ways."""
    last = len(segment) % 4
    if last and segment[-1] not in _LAST[last]:
        raise ValueError
    return a2b_base64(segment.translate(_BASE64URL) + _PADDING[last], strict_mode=True)


def _parse_object(segment: bytes) -> dict[str, Any] | None:
    """Parse a base64url segment of JSON; None for anything that is not a sound JSON object.

    No exception: a JSON or Unicode error would carry the text in its attributes.
    """
    try:
        text = _base64url_decode(segment).decode()
        value = strict_json.parse(text)
        sound = (
            isinstance(value, dict)
            # So few brackets cannot nest deeper; hardly any token goes on to be walked.
            and (
                text.count("{") + text.count("[") <= _MAX_NESTING
                or nests_within(value, _MAX_NESTING)
            )
            and ("\\" not in text or _is_unicode(value))
        )
    except (ValueError, RecursionError):
        return None
    return value if sound else None


def _is_unicode(value: Any) -> bool:
    # Half of a surrogate pair can be escaped in JSON but not be encoded again: it would raise
    # in whatever response or log the claim ends up in.
    json.dumps(value, ensure_ascii=False).encode()
    return True

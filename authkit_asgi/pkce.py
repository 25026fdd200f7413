"""A pending sign-in: the sealed state, its verifier cookie, and where to go afterwards."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from authkit_asgi.cookie_settings import VERIFIER_COOKIE_PREFIX
from authkit_asgi.cookies import VERIFIER_MAX_AGE_SECONDS
from authkit_asgi.errors import OAuthStateMismatchError, PKCEPayloadTooLargeError, SealError
from authkit_asgi.seal import Password, seal, unseal

MAX_PENDING = 5
"""Sign-ins a browser may have under way; more verifier cookies would fill its request headers."""

MAX_CUSTOM_STATE_BYTES = 2048
MAX_RETURN_PATH = 2048
"""Characters, before percent-encoding; a longer path is not kept."""

_SKEW_SECONDS = 60  # between the clocks of two workers
_VERIFIER_BYTES = 32  # 256 bits
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """What is sealed into `state` (and the verifier cookie) while the user is at WorkOS."""

    code_verifier: str = field(repr=False)
    issued_at: float
    """Seconds since the epoch."""
    return_path: str | None = None
    custom_state: str | None = None
    restarted: bool = False
    """Made for a callback that came without `state`; such a sign-in is restarted only once."""
    max_age: int | None = None
    """Seconds before it was begun after which having signed in does not count any more."""

    @property
    def code_challenge(self) -> str:
        """The S256 challenge of the verifier (RFC 7636, 4.2)."""
        digest = hashlib.sha256(self.code_verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def begin_sign_in(
    password: Password,
    *,
    return_path: str | None = None,
    custom_state: str | None = None,
    restarted: bool = False,
    max_age: int | None = None,
    clock: Callable[[], float] = time.time,
) -> tuple[PendingSignIn, str]:
    """Return a new pending sign-in and its sealed form, which is `state` and cookie alike.

    Raises:
        PKCEPayloadTooLargeError: The custom state is longer than `MAX_CUSTOM_STATE_BYTES`, or the
            whole is longer than any seal that is read.
    """
    if custom_state and len(custom_state.encode(errors="surrogatepass")) > MAX_CUSTOM_STATE_BYTES:
        raise PKCEPayloadTooLargeError(
            f"The custom state is longer than {MAX_CUSTOM_STATE_BYTES} bytes; keep it elsewhere "
            "and pass its key"
        )
    pending = PendingSignIn(
        code_verifier=secrets.token_urlsafe(_VERIFIER_BYTES),
        issued_at=clock(),
        return_path=return_path,
        custom_state=custom_state,
        restarted=restarted,
        max_age=max_age,
    )
    try:
        sealed = seal(_content(pending), password, ttl=VERIFIER_MAX_AGE_SECONDS, clock=clock)
    except SealError:
        raise PKCEPayloadTooLargeError("The state is too large to be sealed") from None
    return pending, sealed


def _content(pending: PendingSignIn) -> dict[str, object]:
    """Return the blob with the names and the order of authkit-session."""
    content: dict[str, object] = {
        "nonce": str(uuid.uuid4()),
        "codeVerifier": pending.code_verifier,
    }
    if pending.return_path is not None:
        content["returnPathname"] = pending.return_path
    if pending.custom_state is not None:
        content["customState"] = pending.custom_state
    if pending.restarted:
        content["restarted"] = True
    if pending.max_age is not None:
        content["maxAge"] = pending.max_age
    content["issuedAt"] = int(pending.issued_at * 1000)
    return content


def unseal_state(
    state: str, password: Password, *, clock: Callable[[], float] = time.time
) -> PendingSignIn:
    """Return the pending sign-in in an authentic `state` that is at most 600 s old.

    Raises:
        OAuthStateMismatchError: The text is no state of this application, or an old one.
    """
    try:
        content = unseal(state, password, ttl=VERIFIER_MAX_AGE_SECONDS, clock=clock)
    except SealError:
        raise OAuthStateMismatchError("The state is not authentic or has expired") from None
    if not isinstance(content, dict):
        raise OAuthStateMismatchError("The state holds no sign-in")
    verifier, issued_at = content.get("codeVerifier"), content.get("issuedAt")
    if not isinstance(verifier, str) or not isinstance(issued_at, int | float):
        raise OAuthStateMismatchError("The state holds no sign-in")
    # The seal's own expiry grants 60 s of skew on top; this is the strict one. In milliseconds,
    # because comparing takes a number of any size while dividing it does not.
    now = clock() * 1000
    oldest, newest = now - VERIFIER_MAX_AGE_SECONDS * 1000, now + _SKEW_SECONDS * 1000
    if not oldest <= issued_at <= newest:
        raise OAuthStateMismatchError("The state has expired")
    return_path, custom_state = content.get("returnPathname"), content.get("customState")
    max_age = content.get("maxAge")
    return PendingSignIn(
        code_verifier=verifier,
        issued_at=issued_at / 1000,
        return_path=return_path if isinstance(return_path, str) else None,
        custom_state=custom_state if isinstance(custom_state, str) else None,
        restarted=content.get("restarted") is True,
        max_age=max_age if isinstance(max_age, int) else None,
    )


def verifier_cookie_name(state: str) -> str:
    """Return the name of the cookie that belongs to `state`: each pending sign-in has its own.

    The hash (FNV-1a, 32 bits) keeps tabs apart and secures nothing: the values are compared.
    """
    digest = _FNV_OFFSET
    for octet in state.encode(errors="surrogatepass"):
        digest = ((digest ^ octet) * _FNV_PRIME) & 0xFFFFFFFF
    return f"{VERIFIER_COOKIE_PREFIX}{digest:08x}"


def surplus_verifiers(
    cookies: Mapping[str, str], password: Password, *, clock: Callable[[], float] = time.time
) -> list[str]:
    """Return the names of verifier cookies to expire so that one more makes `MAX_PENDING`.

    Dead ones go first, then the oldest by the time inside the seal, which nobody can forge.
    """
    dead: list[str] = []
    alive: list[tuple[float, str]] = []
    for name, state in cookies.items():
        try:
            alive.append((unseal_state(state, password, clock=clock).issued_at, name))
        except OAuthStateMismatchError:
            dead.append(name)
    surplus = max(0, len(alive) - (MAX_PENDING - 1))
    return dead + [name for _, name in sorted(alive)[:surplus]]


_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")


def safe_return_path(path: str | None, default: str) -> str:
    r"""Return `path` if it can only lead to a page of this site, else `default`.

    A single leading slash, no backslash (browsers read ``/\evil.example`` as a host) and no
    control character or blank (browsers take some out: ``/<tab>/evil.example``). What passes is
    unchanged but for non-ASCII characters, which are percent-encoded as UTF-8, as browsers do.
    """
    if not path or len(path) > MAX_RETURN_PATH or path[0] != "/" or path[1:2] == "/":
        return default
    if _UNSAFE.search(path):
        return default
    if path.isascii():
        return path
    try:
        return quote(path, safe="/?#[]@!$&'()*+,;=:%-._~\"<>^`{|}")
    except UnicodeEncodeError:
        return default

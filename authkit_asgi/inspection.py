"""What a session cookie holds, for the people who run the application: ``authkit-asgi inspect``."""

from __future__ import annotations

import dataclasses
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookie_settings import VERIFIER_COOKIE_PREFIX
from authkit_asgi.cookies import MAX_COOKIE_BYTES
from authkit_asgi.environment import read_environment
from authkit_asgi.errors import ConfigurationError, InvalidSessionError, SealError
from authkit_asgi.legacy_fernet import is_legacy
from authkit_asgi.legacy_keys import legacy_key_problems
from authkit_asgi.passwords import CookiePassword, password_problems
from authkit_asgi.previous_passwords import previous_problems, with_previous
from authkit_asgi.seal import is_seal, unseal
from authkit_asgi.session import Session
from authkit_asgi.session_choice import newest
from authkit_asgi.session_cookies import SentCookies, sent_cookies
from authkit_asgi.session_reader import SessionReader
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.session_size import SizeBreakdown, breakdown
from authkit_asgi.tokens import unverified_claims

MAX_INPUT = 128 * 1024
"""Characters that are read: more than a server takes for all headers of a request."""

_LATEST_DATE = 253_402_300_799  # the last second of the year 9999, the latest `datetime` knows
_HEADER_NAME = re.compile(r"\s*(?:set-)?cookie\s*:", re.IGNORECASE)
_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_SEALED_ANEW = "the middleware seals it anew with its next response"
_UNVERIFIED = "not verified: that WorkOS issued the token has not been checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class CookieSettings:
    """What it takes to read a cookie; of the settings of an application the least."""

    password: CookiePassword = field(repr=False)
    name: str = AuthKitConfig.cookie_name
    legacy_keys: Sequence[str] = field(default=(), repr=False)
    """The Fernet keys of workos-python whose sessions are taken over."""

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> CookieSettings:
        """Read what opens the cookie, and its name, from `WORKOS_*`; no other fault matters.

        Raises:
            ConfigurationError: The password is missing, or none; or a key is.
        """
        settings, _ = read_environment(environ)
        password = settings.get("cookie_password", "")
        previous = settings.get("cookie_password_previous", ())
        keys = settings.get("legacy_fernet_key", ())
        problems = (
            *password_problems(password),
            *previous_problems(password, previous),
            *legacy_key_problems(keys),
        )
        if problems:
            raise ConfigurationError(problems)
        return cls(
            password=with_previous(password, previous),
            name=settings.get("cookie_name", AuthKitConfig.cookie_name),
            legacy_keys=keys,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a cookie's seal vouches for. The access token's signature is **not verified**."""

    session: Session
    claims: Mapping[str, Any] = field(repr=False)
    size: SizeBreakdown
    cookie_name: str
    is_legacy: bool
    """Whether workos-python has sealed it."""
    now: float
    """When the cookie was read, in seconds since the epoch."""

    @property
    def issued_at(self) -> int | None:
        """When the access token was issued, in seconds since the epoch."""
        return _date(self.claims.get("iat"))

    @property
    def expires_at(self) -> int | None:
        """The end of the access token's life, in seconds since the epoch."""
        return _date(self.claims.get("exp"))

    @property
    def is_expired(self) -> bool | None:
        """Whether the access token has expired; `None` when it does not say when it does."""
        return None if self.expires_at is None else self.expires_at <= self.now

    @property
    def notes(self) -> list[str]:
        """What is odd about the session or its seal, a sentence each."""
        notes = []
        if self.is_legacy:
            notes.append(f"It was sealed by workos-python (Fernet): {_SEALED_ANEW}")
        elif self.session.is_outdated:
            notes.append(f"It was sealed with an older password: {_SEALED_ANEW}")
        if not self.claims:
            notes.append("The access token is no JSON Web Token: nobody is signed in by it")
        elif self.claims.get("sub") != self.session.user_id:
            notes.append("The access token is another user's: nobody is signed in by it")
        return notes


def inspect_cookie(
    text: str, settings: CookieSettings, *, clock: Callable[[], float] = time.time
) -> Inspection:
    """Open the session cookie in `text`: its value, or Cookie headers as a browser sends them.

    Cookies are found, joined, opened and compared as the middleware does it.

    Args:
        text: Whatever somebody has copied; nothing in it raises another error.
        settings: How to read it.
        clock: Seconds since the epoch.

    Raises:
        InvalidSessionError: It holds no session that opens. The message says why, in a line.
    """
    sent = copied_cookies(text, settings.name)
    refusal = InvalidSessionError(_missing(sent, settings.name))
    reader = SessionReader(settings.password, settings.legacy_keys)
    opened: list[tuple[Session, str]] = []
    for sealed in () if sent.is_crowded else sent.values:
        try:
            opened.append((reader.read(sealed), sealed))
        except InvalidSessionError as error:
            refusal = InvalidSessionError(_reason(sealed, settings) or str(error))
    if not opened:
        raise refusal
    chosen = newest([session for session, _ in opened])
    if chosen is None:
        raise InvalidSessionError(
            "The cookies are of different users, or too many: nobody is signed in by them"
        )
    return next(
        Inspection(
            session=session,
            claims=unverified_claims(session.access_token),
            size=breakdown(session, sealed),
            cookie_name=settings.name,
            is_legacy=is_legacy(sealed),
            now=clock(),
        )
        for session, sealed in opened
        if session is chosen
    )


def copied_cookies(text: str, name: str) -> SentCookies:
    """Return the session cookies in `text`: a bare value, or those of one name in headers."""
    lines = [_HEADER_NAME.sub("", line, count=1).strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    bare = lines[0].strip('"') if len(lines) == 1 else ""
    if bare and (is_legacy(bare) or not re.search("[=;]", bare)):
        return SentCookies(plain=(bare,))
    headers = [(b"cookie", line.encode("latin-1", "replace")) for line in lines]
    return sent_cookies(headers, name.encode(errors="replace"))


def _missing(sent: SentCookies, name: str) -> str:
    """Say why there is nothing to open."""
    if sent.is_crowded:
        return "There are more cookies of the name than a browser has: nobody is signed in by them"
    if sent.chunks:
        return "The cookie's chunks are incomplete or damaged: copy all of them"
    return f"There is no cookie {_printable(name)} (WORKOS_COOKIE_NAME) in it"


def _reason(sealed: str, settings: CookieSettings) -> str | None:
    """Say more than the middleware does of why a text does not open, if there is more to say."""
    if is_legacy(sealed):
        message = "It was sealed by workos-python (Fernet): WORKOS_LEGACY_FERNET_KEY opens it"
        return None if settings.legacy_keys else message
    if sealed.startswith("Fe26.2*") and not is_seal(sealed):
        return "The seal is incomplete or damaged: copy all of the cookie"
    if SessionRecords(settings.password).open_id(sealed) is not None:
        return "It names a session that is kept on the server, where the session itself is"
    try:
        content = unseal(sealed, settings.password)
    except SealError as error:
        return str(error)
    if isinstance(content, dict) and "codeVerifier" in content:
        return f"It is the state of a sign-in under way ({VERIFIER_COOKIE_PREFIX}…), no session"
    return None


def as_text(reading: Inspection, *, show_claims: bool = False) -> str:
    """Return a cookie's content for people: never a token, claims only where they are asked for."""
    session, claims, impersonator = reading.session, reading.claims, reading.session.impersonator
    facts = [
        ("user", session.user_id),
        ("email", session.user.email),
        ("organization", claims.get("org_id")),
        ("session", claims.get("sid")),
        ("impersonator", impersonator and impersonator.email),
        ("signed in by", session.authentication_method),
        ("issued", _moment(reading.issued_at, reading.now)),
        ("expires", _moment(reading.expires_at, reading.now)),
        ("token", _STATES[reading.is_expired]),
        ("signature", _UNVERIFIED),
    ]
    lines = [f"{name:<14}{_printable(str(value))}" for name, value in facts if value is not None]
    lines += [f"note          {note}" for note in reading.notes]
    lines += ["", *_table(reading.size)]
    length = len(reading.cookie_name) + reading.size.total
    lines.append(
        f"With its name: {length} bytes; a browser stores {MAX_COOKIE_BYTES} in one cookie"
    )
    if show_claims:
        lines += ["", json.dumps(claims, indent=2)]
    return "\n".join(lines) + "\n"


def as_json(reading: Inspection, *, show_claims: bool = False) -> str:
    """Return a cookie's content for programs, as `as_text` does for people."""
    session, claims = reading.session, reading.claims
    content = {
        "user_id": session.user_id,
        "email": session.user.email,
        "organization_id": claims.get("org_id"),
        "session_id": claims.get("sid"),
        "impersonator": session.impersonator and session.impersonator.email,
        "authentication_method": session.authentication_method,
        "issued_at": reading.issued_at,
        "expires_at": reading.expires_at,
        "expired": reading.is_expired,
        "signature_verified": False,
        "notes": reading.notes,
        "size": dataclasses.asdict(reading.size),
    }
    return json.dumps({**content, "claims": claims} if show_claims else content, indent=2) + "\n"


_STATES = {True: "expired", False: "not expired", None: "does not say when it expires"}


def _table(size: SizeBreakdown) -> Sequence[str]:
    rows = [("part", "bytes"), *((name, str(number)) for name, number in size.rows())]
    rows.append(("total", str(size.total)))
    width = max(len(name) for name, _ in rows)
    return [f"{name:<{width}}  {number:>6}" for name, number in rows]


def _date(value: Any) -> int | None:
    # `type`, as bool is an int.
    return int(value) if type(value) in (int, float) and 0 <= value <= _LATEST_DATE else None


def _moment(seconds: int | None, now: float) -> str | None:
    if seconds is None:
        return None
    distance = _duration(abs(seconds - now))
    when = f"in {distance}" if seconds > now else f"{distance} ago"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC ({when})"


def _duration(seconds: float) -> str:
    """Return a duration in its two largest units."""
    left = int(seconds)
    parts: list[str] = []
    for unit, length in _UNITS:
        number, left = divmod(left, length)
        if number or (unit == "s" and not parts):
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2])


def _printable(text: str) -> str:
    """Return text that does nothing to a terminal."""
    return text if text.isprintable() else repr(text)

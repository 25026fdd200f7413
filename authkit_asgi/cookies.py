"""Cookies on the wire: read as browsers send them, written and deleted by one serialiser."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookie_settings import ACCESS_TOKEN_COOKIE, VERIFIER_COOKIE_PREFIX
from authkit_asgi.errors import (
    PKCEPayloadTooLargeError,
    SessionTooLargeError,
)

MAX_COOKIE_BYTES = 4096
"""Name plus value; what is longer browsers drop without a word (RFC 6265bis, 5.6)."""

ACTIVITY_SUFFIX = "-activity"
"""What the name of the cookie with the time of last use has behind the session cookie's."""

ACCESS_TOKEN_MAX_AGE_SECONDS = 30
"""A script that is to read the token does so when its page starts."""

MAX_VERIFIER_LINE_BYTES = 3800
"""Of a whole Set-Cookie line, as in authkit-session: proxies cap lower than browsers."""

MAX_SAME_NAME = 8
"""Cookies of one name that are looked at in one request: each costs a look at its MAC."""

VERIFIER_MAX_AGE_SECONDS = 600
"""A pending sign-in's life, of the cookie and of the seal in it."""

_VERIFIER_COOKIE = re.compile(rb"%b[0-9a-f]{8}" % VERIFIER_COOKIE_PREFIX.encode())
_EPOCH = "Thu, 01 Jan 1970 00:00:00 GMT"
_MAX_COOKIES = 500  # in one request; browsers keep 180 a site


def read_cookies(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return name and value of every cookie in ASGI headers, in the order in which they came.

    Names and values are octets as sent: RFC 6265bis decodes nothing. Quotes around a value are
    taken off, as some clients add them.
    """
    return _parse(_cookie_line(headers))


def cookie_values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    """Return the values of the first cookies of one name, in the order in which they came.

    A browser sends two at most (of the host and of a domain); each costs a look at its seal.
    """
    values = [value for found, value in parsed_cookies(headers, name) if found == name]
    return [value.decode("latin-1") for value in values[:MAX_SAME_NAME]]


def parsed_cookies(
    headers: Iterable[tuple[bytes, bytes]], name: bytes
) -> Sequence[tuple[bytes, bytes]]:
    """Return those cookies, of all that `read_cookies` returns, in which `name` occurs."""
    return _parse(_cookie_line(headers), name)


def sole_cookie(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the value of the only cookie in which `name` occurs; empty where it occurs in none.

    `None` where `parsed_cookies` has to be asked: of several, of blanks, of quotes.
    """
    line = b""
    for header, value in headers:
        if header == b"cookie":
            if line:
                return None
            line = value
    if not line or (start := line.find(name)) < 0:
        return b""
    begin = start + len(name) + 1
    end = line.find(b";", begin)
    if end < 0:
        value = line[begin:]
    else:
        value = line[begin:end]
        if line.find(name, end) >= 0:
            return None
    is_plain = (
        (start == 0 or line[start - 2 : start] == b"; ")
        and (start <= _MAX_COOKIES or line.count(b";", 0, start) < _MAX_COOKIES)
        and line[begin - 1 : begin] == b"="
        and value != b""
        and value.strip(b' \t"') == value
    )
    return value if is_plain else None


def _cookie_line(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return all Cookie headers as one: HTTP/2 lets a browser send several (RFC 9113, 8.2.3)."""
    return b";".join([line for header, line in headers if header == b"cookie"])


def _parse(line: bytes, wanted: bytes = b"") -> list[tuple[bytes, bytes]]:
    """Take a line apart; cookies in which `wanted` does not occur may be left out."""
    return [
        (name.strip(b" \t"), _unquoted(value.strip(b" \t")))
        for cookie in line.split(b";", _MAX_COOKIES)[:_MAX_COOKIES]
        if wanted in cookie
        for name, separator, value in [cookie.partition(b"=")]
        if separator
    ]


def _unquoted(value: bytes) -> bytes:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == ord('"') else value


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One Set-Cookie line. Of lines with the same `key` a browser keeps the last one only."""

    name: str
    domain: str | None
    line: bytes = field(repr=False)

    @property
    def key(self) -> tuple[str, str | None]:
        """What makes two lines mean the same cookie (the path is always /)."""
        return self.name, self.domain


class CookieWriter:
    """Writes the package's cookies with the attributes that the configuration asks for.

    Setting and deleting share one serialiser: a deletion whose attributes differ deletes nothing.
    """

    def __init__(self, config: AuthKitConfig) -> None:
        self._session_name = config.cookie_name
        self._chunk_bytes = MAX_COOKIE_BYTES - len(config.cookie_name) - len(".0")
        self._max_session_bytes = (
            config.max_session_cookie_bytes if config.cookie_chunking else MAX_COOKIE_BYTES
        )
        self._max_age = config.cookie_max_age
        self.notes_activity: bool = config.inactivity_timeout is not None
        self._domain = config.cookie_domain
        self._secure = "; Secure" if config.cookie_secure else ""
        self._same_site = config.cookie_same_site.capitalize()
        # The way back from WorkOS is a cross-site navigation, on which Strict cookies stay away.
        self._verifier_same_site = "None" if config.cookie_same_site == "none" else "Lax"

    @property
    def is_strict(self) -> bool:
        """Whether a callback, which comes from another site, brings no session cookie."""
        return self._same_site == "Strict"

    @property
    def may_chunk(self) -> bool:
        """Whether a session may be written as several cookies."""
        return self._max_session_bytes > MAX_COOKIE_BYTES

    def session(self, sealed: str) -> list[SetCookie]:
        """Return the lines that store a sealed session: one, or its chunks where one is too small.

        Raises:
            SessionTooLargeError: Browsers would drop the cookie without a word, or servers and
                proxies refuse the requests that bring it.
        """
        if not self.fits(sealed):
            limit = self._max_session_bytes
            raise SessionTooLargeError(
                f"The sealed session does not fit into cookies of {limit} bytes in all. Choose "
                "session_user_fields, or shorten the access token: fewer permissions in the role, "
                "or a smaller JWT template"
            )
        name = self._session_name
        if len(name) + len(sealed) <= MAX_COOKIE_BYTES:
            return [self._write(name, sealed, self._max_age, self._same_site)]
        step = self._chunk_bytes
        parts = [sealed[start : start + step] for start in range(0, len(sealed), step)]
        return [
            self._write(f"{name}.{index}", part, self._max_age, self._same_site)
            for index, part in enumerate(parts)
        ]

    def fits(self, sealed: str) -> bool:
        """Tell whether a sealed session can be stored."""
        size = len(self._session_name) + len(sealed)
        if size > MAX_COOKIE_BYTES:
            chunks = -(-len(sealed) // self._chunk_bytes)
            size = len(sealed) + chunks * (len(self._session_name) + 2)
        return size <= self._max_session_bytes

    def expire_session(self) -> list[SetCookie]:
        """Return the lines that delete the session cookie, for this host and for the domain."""
        return self._expire(self._session_name, self._same_site)

    def expire_chunks(self, indexes: Iterable[int]) -> list[SetCookie]:
        """Return the lines that delete chunks of a session."""
        names = [f"{self._session_name}.{index}" for index in sorted(indexes)]
        return [line for name in names for line in self._expire(name, self._same_site)]

    def expire_host_only_session(self, chunks: Iterable[int] = ()) -> list[SetCookie]:
        """Return the lines that delete what an earlier configuration without domain left."""
        lines = [*self.expire_session(), *self.expire_chunks(chunks)]
        return [line for line in lines if line.domain != self._domain]

    def activity(self, value: str) -> SetCookie:
        """Return the line that stores the time of last use, for as long as the session's cookie."""
        name = self._session_name + ACTIVITY_SUFFIX
        return self._write(name, value, self._max_age, self._same_site)

    def expire_activity(self) -> list[SetCookie]:
        """Return the lines that delete the time of last use."""
        return self._expire(self._session_name + ACTIVITY_SUFFIX, self._same_site)

    def access_token(self, token: str) -> SetCookie:
        """Return the line that hands an access token to the scripts of this very host."""
        return self._write(
            ACCESS_TOKEN_COOKIE,
            token,
            ACCESS_TOKEN_MAX_AGE_SECONDS,
            self._same_site,
            host_only=True,
            http_only=False,
        )

    def expire_access_token(self) -> list[SetCookie]:
        """Return the lines that delete the access-token cookie, authkit-nextjs's as well."""
        return self._expire(ACCESS_TOKEN_COOKIE, self._same_site, http_only=False)

    def verifier(self, name: str, state: str) -> SetCookie:
        """Return the line that stores a pending sign-in.

        Raises:
            PKCEPayloadTooLargeError: The line is longer than `MAX_VERIFIER_LINE_BYTES`.
        """
        cookie = self._write(name, state, VERIFIER_MAX_AGE_SECONDS, self._verifier_same_site)
        if len(cookie.line) > MAX_VERIFIER_LINE_BYTES:
            raise PKCEPayloadTooLargeError(
                "The return path and the custom state together do not fit into a cookie"
            )
        return cookie

    def expire_verifier(self, name: str) -> SetCookie:
        """Return the line that deletes a pending sign-in."""
        return self._write(name, "", 0, self._verifier_same_site)

    def _expire(self, name: str, same_site: str, *, http_only: bool = True) -> list[SetCookie]:
        lines = [self._write(name, "", 0, same_site, http_only=http_only)]
        if self._domain is not None:
            # What an earlier configuration without domain left would shadow ours for ever.
            lines.append(self._write(name, "", 0, same_site, host_only=True, http_only=http_only))
        return lines

    def _write(
        self,
        name: str,
        value: str,
        max_age: int,
        same_site: str,
        *,
        host_only: bool = False,
        http_only: bool = True,
    ) -> SetCookie:
        domain = None if host_only else self._domain
        line = (
            f"{name}={value}; Path=/"
            + (f"; Domain={domain}" if domain else "")
            + f"; Max-Age={max_age}"
            + ("" if max_age else f"; Expires={_EPOCH}")
            + ("; HttpOnly" if http_only else "")
            + self._secure
            + f"; SameSite={same_site}"
        )
        return SetCookie(name, domain, line.encode("ascii"))


def verifier_cookies(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the cookies of pending sign-ins, by name."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in read_cookies(headers)
        if is_verifier_cookie(name)
    }


def is_verifier_cookie(name: bytes) -> bool:
    """Tell whether a cookie of this name holds a pending sign-in.

    Other names are not ours to delete, and might not fit into a Set-Cookie line.
    """
    return _VERIFIER_COOKIE.fullmatch(name) is not None

"""The session's cookies: one, or several chunks where one cannot hold it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from authkit_asgi.cookie_changes import CookieChanges
from authkit_asgi.cookies import (
    ACTIVITY_SUFFIX,
    MAX_SAME_NAME,
    CookieWriter,
    SetCookie,
    parsed_cookies,
)
from authkit_asgi.quick_making import quick_maker
from authkit_asgi.seal import MAX_SEAL_LENGTH, is_seal

_LIKELY_CHUNKS = 2  # of a session, unless `max_session_cookie_bytes` is raised
_END = "~2"  # without which a text can be a seal, too, but not one that was cut into chunks
_MAX_JOINED = 16  # four chunks of the host beside four of a domain, each with each


@dataclass(frozen=True, slots=True)
class SentCookies:
    """The session cookies of one request."""

    plain: tuple[str, ...] = field(default=(), repr=False)
    """The values of the cookies that are not chunks; a browser sends two at most."""
    joined: tuple[str, ...] = field(default=(), repr=False)
    """What complete sequences of chunks hold."""
    chunks: frozenset[int] = frozenset()
    """The indexes of all chunks."""
    is_crowded: bool = False
    """Whether there are more than are looked at. Somebody else may have put them there, to hide
    the browser's own: no browser has so many by itself."""
    activity: tuple[str, ...] = field(default=(), repr=False)
    """What may say when the session was last used; each costs a look at its MAC."""

    @property
    def values(self) -> tuple[str, ...]:
        """What may be a sealed session; each costs a look at its MAC."""
        return self.joined + self.plain


NONE_SENT = SentCookies()
_new_sent = quick_maker(SentCookies)


def sent_cookies(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> SentCookies:
    """Return the session cookies in ASGI headers, in the order in which they came."""
    found_cookies = parsed_cookies(headers, name)
    if not found_cookies:
        return NONE_SENT
    plain: list[str] = []
    chunks: dict[int, list[str]] = {}
    activity: list[str] = []
    for found, value in found_cookies:
        if found == name:
            plain.append(value.decode("latin-1"))
        elif found[:-1] == name + b"." and found[-1:].isdigit():
            chunks.setdefault(int(found[-1:]), []).append(value.decode("latin-1"))
        elif found == name + ACTIVITY_SUFFIX.encode():
            activity.append(value.decode("latin-1"))
    if not chunks and not plain:
        return NONE_SENT
    if len(plain) > 1:
        plain = [*dict.fromkeys(plain)]
    joined, is_crowded = _join(chunks) if chunks else ((), False)
    return _new_sent(
        plain=tuple(plain[:MAX_SAME_NAME]),
        joined=joined,
        chunks=frozenset(chunks),
        is_crowded=is_crowded or len(plain) > MAX_SAME_NAME,
        activity=tuple(activity[:MAX_SAME_NAME]),
    )


def _join(chunks: dict[int, list[str]]) -> tuple[tuple[str, ...], bool]:
    """Return what complete sequences of chunks hold, and whether there are too many.

    Where it ends the text itself tells: what is left over from a longer one is not part of it. Of
    chunks that came twice each is tried with each; the seal's MAC says which belong together.
    """
    parts_once = [chunks[index][0] for index in sorted(chunks)]
    if (
        max(chunks) == len(chunks) - 1
        and all(len(parts) == 1 for parts in chunks.values())
        and not any(part.endswith(_END) for part in parts_once[:-1])
    ):  # as browsers send them
        text = "".join(parts_once)
        return ((text,) if text.endswith(_END) and is_seal(text) else ()), False
    return _combined(chunks)


def _combined(chunks: dict[int, list[str]]) -> tuple[tuple[str, ...], bool]:
    """Join chunks of which some may have come twice, or be left over."""
    found: list[str] = []
    texts = [""]
    for index in range(10):
        parts = dict.fromkeys(chunks.get(index, ()))
        if len(texts) * len(parts) > _MAX_JOINED:
            return (), True
        texts = [
            text + part
            for text in texts
            for part in parts
            if len(text) + len(part) <= MAX_SEAL_LENGTH
        ]
        whole = [text for text in texts if text.endswith(_END) and is_seal(text)]
        found += whole
        texts = [text for text in texts if text not in whole]
    return tuple(found[:_MAX_JOINED]), len(found) > _MAX_JOINED


class SessionCookies(CookieChanges):
    """The cookies that one response will carry, the session's among them.

    Args:
        writer: Makes the lines.
        sent: What the browser has.
        is_closed: Whether the response's headers have been sent.
    """

    __slots__ = ("_pending", "_writer", "sent")

    def __init__(self, writer: CookieWriter, sent: SentCookies, *, is_closed: bool = False) -> None:
        super().__init__(is_closed=is_closed)
        self._writer = writer
        self.sent: SentCookies = sent
        self._pending: list[SetCookie] = []

    @property
    def change_session(self) -> bool:
        """Whether the session's cookies will change."""
        return bool(self._pending)

    def reopen(self) -> None:
        """Let the middleware settle what it has closed; nobody else may run until it closes it."""
        self.is_closed = False

    def store(self, sealed: str) -> None:
        """Write a session, and delete what the browser has of the one before beside it.

        Raises:
            SessionTooLargeError: Browsers would not store it, or servers refuse it.
            ResponseStartedError: The response's headers have been sent.
        """
        lines = self._writer.session(sealed)
        keys = {line.key for line in lines}
        stale = [line for line in self._deletions() if line.key not in keys]
        self._replace([*lines, *stale])

    def delete(self) -> None:
        """Delete the session.

        Raises:
            ResponseStartedError: The response's headers have been sent.
        """
        # Chunks may have been written since the request was sent.
        likely = range(_LIKELY_CHUNKS) if self._writer.may_chunk else ()
        chunks = self._writer.expire_chunks({*likely, *self.sent.chunks})
        lines = [*self._writer.expire_session(), *chunks]
        if self.sent.activity or self._writer.notes_activity:
            lines += self._writer.expire_activity()
        self._replace(lines)

    def leave(self) -> None:
        """Leave the session's cookies as they are."""
        self.discard(*self._pending)
        self._pending = []

    def make_room(self) -> None:
        """Delete what may stand in the way of a new session.

        That is an older cookie of this host alone, beside one for the domain; and under
        SameSite=Strict, where a callback brings no session cookie, the other kind of cookie.
        """
        self.write(*self._writer.expire_host_only_session({0, *self.sent.chunks}))
        if self._writer.is_strict:
            written = {line.name for line in self._pending}
            others = [*self._writer.expire_session(), *self._writer.expire_chunks({0})]
            self.write(*(line for line in others if line.name not in written))

    def _deletions(self) -> list[SetCookie]:
        plain = self._writer.expire_session() if self.sent.plain else ()
        return [*plain, *self._writer.expire_chunks(self.sent.chunks)]

    def _replace(self, lines: list[SetCookie]) -> None:
        self.require_open()
        self.leave()
        self.write(*lines)
        self._pending = lines

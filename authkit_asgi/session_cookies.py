"""The session's cookies: one, or several chunks where one cannot hold it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from authkit_asgi.cookies import (
    MAX_SAME_NAME,
    CookieChanges,
    CookieWriter,
    SetCookie,
    parsed_cookies,
)
from authkit_asgi.seal import is_seal

_END = "~2"  # without which a text can be a seal, too, but not one that was cut into chunks
_MAX_PER_INDEX = 2  # a browser sends a chunk twice at most, of the host and of a domain


@dataclass(frozen=True, slots=True)
class SentCookies:
    """The session cookies of one request."""

    plain: tuple[str, ...] = field(default=(), repr=False)
    """The values of the cookies that are not chunks; a browser sends two at most."""
    joined: tuple[str, ...] = field(default=(), repr=False)
    """What complete sequences of chunks hold."""
    chunks: frozenset[int] = frozenset()
    """The indexes of all chunks."""

    @property
    def values(self) -> tuple[str, ...]:
        """What may be a sealed session; each costs a look at its MAC."""
        return self.plain[:MAX_SAME_NAME] + self.joined[:MAX_SAME_NAME]


NONE_SENT = SentCookies()


def sent_cookies(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> SentCookies:
    """Return the session cookies in ASGI headers, in the order in which they came."""
    plain: list[str] = []
    chunks: dict[int, list[str]] = {}
    for found, value in parsed_cookies(headers, name):
        if found == name:
            plain.append(value.decode("latin-1"))
        elif found[:-1] == name + b"." and found[-1:].isdigit():
            chunks.setdefault(int(found[-1:]), []).append(value.decode("latin-1"))
    if not chunks and not plain:
        return NONE_SENT
    joined = tuple(_joined(chunks)) if chunks else ()
    return SentCookies(tuple(plain), joined, frozenset(chunks))


def _joined(chunks: dict[int, list[str]]) -> Iterator[str]:
    """Yield what complete sequences of chunks hold.

    Where it ends the text itself tells: what is left over from a longer one is not part of it. Of
    chunks that came twice each is tried with each; the seal's MAC says which belong together.
    """
    texts = [""]
    for index in range(10):
        parts = dict.fromkeys(chunks.get(index, [])[:_MAX_PER_INDEX])
        texts = [text + part for text in texts for part in parts]
        whole = [text for text in texts if text.endswith(_END) and is_seal(text)]
        yield from whole
        texts = [text for text in texts if text not in whole][:MAX_SAME_NAME]


class SessionCookies(CookieChanges):
    """The cookies that one response will carry, the session's among them.

    Args:
        writer: Makes the lines.
        sent: What the browser has.
    """

    def __init__(self, writer: CookieWriter, sent: SentCookies) -> None:
        super().__init__()
        self._writer = writer
        self._sent = sent
        self._pending: list[SetCookie] = []

    @property
    def change_session(self) -> bool:
        """Whether the session's cookies will change."""
        return bool(self._pending)

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
        self._replace([*self._writer.expire_session(), *self._chunk_deletions()])

    def keep_only(self, value: str) -> None:
        """Delete what does not belong to the session that was read from `value`."""
        if value in self._sent.plain:
            self._replace(self._chunk_deletions())
        elif self._sent.plain:
            self._replace(self._writer.expire_session())

    def leave(self) -> None:
        """Leave the session's cookies as they are."""
        self.discard(*self._pending)
        self._pending = []

    def make_room(self) -> None:
        """Delete what may stand in the way of a new session.

        That is an older cookie of this host alone, beside one for the domain; and under
        SameSite=Strict, where a callback brings no session cookie, the other kind of cookie.
        """
        self.write(*self._writer.expire_host_only_session(self._sent.chunks))
        if self._writer.is_strict:
            written = {line.name for line in self._pending}
            others = [*self._writer.expire_session(), *self._writer.expire_chunks({0})]
            self.write(*(line for line in others if line.name not in written))

    def _deletions(self) -> list[SetCookie]:
        return [
            *(self._writer.expire_session() if self._sent.plain else ()),
            *self._chunk_deletions(),
        ]

    def _chunk_deletions(self) -> list[SetCookie]:
        return self._writer.expire_chunks(self._sent.chunks)

    def _replace(self, lines: list[SetCookie]) -> None:
        self.require_open()
        self.leave()
        self.write(*lines)
        self._pending = lines

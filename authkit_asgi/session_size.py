"""Where the bytes of a session cookie go: names and counts, never a token or a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from authkit_asgi.session import Session
from authkit_asgi.tokens import unverified_claims

_LARGEST = 8  # claims, and fields of the user, that are named
_LARGEST_IN_LINE = 4  # of either in a line of a log
_LONGEST_NAME = 40  # characters; claims are often named by an address
_BLOCK_BYTES = 16  # AES: the plaintext is filled up to whole blocks, by 1 to 16 bytes

# Others name claims: what could be mistaken for our own words, or break a line, is quoted.
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.:/-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePart:
    """A part of the sealed session, and what that is made of."""

    name: str
    size: int
    """Bytes."""
    parts: tuple[SizePart, ...] = ()
    """The largest first; at the end, in brackets, what has no name of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeBreakdown:
    """How many bytes of a sealed session each part of it takes. As text it fits into a log."""

    total: int
    """Bytes of the seal, the cookie's name not counted."""
    parts: tuple[SizePart, ...]
    """They add up to `total`."""

    def __str__(self) -> str:
        return f"{self.total} bytes: " + ", ".join(_in_line(part) for part in self.parts)

    def rows(self) -> list[tuple[str, int]]:
        """Return names and bytes for a table: two blanks before what is part of the row above."""
        return [
            row
            for part in self.parts
            for row in (
                (part.name, part.size),
                *((f"  {inner.name}", inner.size) for inner in part.parts),
            )
        ]


def breakdown(session: Session, sealed: str) -> SizeBreakdown:
    """Return where the bytes of `sealed` go.

    The tokens and the user count as they stand in the JSON; what encrypting, base64 and salts add
    to it is the overhead of the seal. Claims count by their share of the token as base64.

    Args:
        session: What is in the seal.
        sealed: The text of the cookie, of all its chunks.
    """
    token = SizePart(
        name="access token",
        size=_member_size("accessToken", session.access_token),
        parts=_claims(session.access_token),
    )
    user = SizePart(
        name="user", size=_member_size("user", session.user_json), parts=_fields(session.user_json)
    )
    refresh_token = _part("refresh token", "refreshToken", session.refresh_token)
    known = [token, refresh_token, user, *_how(session)]
    known_size = sum(part.size for part in known) + 1  # the bracket in front of them all
    content_size = max(known_size, _least_content(sealed))
    if content_size > known_size:  # as a kit may have sealed it
        known.append(SizePart(name="other content", size=content_size - known_size))
    overhead = max(0, len(sealed) - sum(part.size for part in known))
    parts = (*known, SizePart(name="seal overhead", size=overhead))
    return SizeBreakdown(total=len(sealed), parts=parts)


def _how(session: Session) -> Iterable[SizePart]:
    if session.impersonator is not None:
        yield _part("impersonator", "impersonator", asdict(session.impersonator))
    if session.authentication_method is not None:
        yield _part("authentication method", "authenticationMethod", session.authentication_method)


def _part(name: str, member: str, value: Any) -> SizePart:
    return SizePart(name=name, size=_member_size(member, value))


def _least_content(sealed: str) -> int:
    """Return how many bytes are encrypted at least: the last block may be padding alone."""
    fields = sealed.split("*", 5)
    ciphertext = fields[4] if len(fields) > 4 else ""  # noqa: PLR2004  # its place in a seal
    return len(ciphertext) * 3 // 4 - _BLOCK_BYTES


def _claims(token: str) -> tuple[SizePart, ...]:
    sizes = _member_sizes(unverified_claims(token))
    if not sizes:
        return ()
    payload, whole = len(token.split(".")[1]), sum(sizes.values())
    shares = {name: size * payload // whole for name, size in sizes.items()}
    rest = SizePart(name="(header and signature)", size=len(token) - payload)
    return (*_largest(shares, "claims"), rest)


def _fields(user: Mapping[str, Any]) -> tuple[SizePart, ...]:
    return _largest(_member_sizes(user), "fields")


def _largest(sizes: Mapping[str, int], kind: str) -> tuple[SizePart, ...]:
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    named = [SizePart(name=_shown(name), size=size) for name, size in ordered[:_LARGEST]]
    return (*named, *_others([size for _, size in ordered[_LARGEST:]], kind))


def _others(sizes: list[int], kind: str) -> Iterable[SizePart]:
    return [SizePart(name=f"({len(sizes)} other {kind})", size=sum(sizes))] if sizes else []


def _member_sizes(value: Mapping[str, Any]) -> dict[str, int]:
    return {name: _member_size(name, item) for name, item in value.items()}


def _member_size(name: str, value: Any) -> int:
    """Return the bytes of a member of a JSON object, with the comma or bracket behind it."""
    text = json.dumps({name: value}, ensure_ascii=False, separators=(",", ":"))
    return len(text.encode(errors="backslashreplace")) - 1


def _shown(name: str) -> str:
    start = name[:_LONGEST_NAME]
    text = start if _PLAIN_NAME.fullmatch(start) else repr(start)
    return text if len(name) <= _LONGEST_NAME else f"{text}…"


def _in_line(part: SizePart) -> str:
    if not part.parts:
        return f"{part.name} {part.size}"
    inner = ", ".join(f"{one.name} {one.size}" for one in part.parts[:_LARGEST_IN_LINE])
    more = ", …" if len(part.parts) > _LARGEST_IN_LINE else ""
    return f"{part.name} {part.size} ({inner}{more})"

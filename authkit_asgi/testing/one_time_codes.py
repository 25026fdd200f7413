"""Codes of six digits that WorkOS sends by email: magic codes, and those that verify an address."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from authkit_asgi.testing.identifiers import new_identifier, timestamp
from authkit_asgi.testing.refusal import invalid_credentials

Kind: TypeAlias = Literal["magic_auth", "email_verification"]

_LIFETIME_SECONDS = 600
_DIGITS = 6


@dataclass(slots=True, kw_only=True)
class OneTimeCode:
    """A code that was sent."""

    id: str
    kind: Kind
    user_id: str
    email: str
    code: str
    created_at: float
    pending_token: str | None = None
    """What has to come with it: that of the sign-in which waits for it."""
    is_used: bool = False

    @property
    def expires_at(self) -> float:
        """When it can no longer be used."""
        return self.created_at + _LIFETIME_SECONDS

    def as_json(self) -> dict[str, Any]:
        """Return the WorkOS MagicAuth or EmailVerification object."""
        return {
            "object": self.kind,
            "id": self.id,
            "user_id": self.user_id,
            "email": self.email,
            "expires_at": timestamp(self.expires_at),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.created_at),
            "code": self.code,
        }


class OneTimeCodes:
    """The codes that were sent, the oldest first."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._codes: list[OneTimeCode] = []

    def clear(self) -> None:
        """Forget all codes."""
        self._codes.clear()

    def send(
        self, kind: Kind, user_id: str, email: str, *, pending_token: str | None = None
    ) -> OneTimeCode:
        """Make a code, as if sent to `email`; an older one of the kind and user is void."""
        for code in self._codes:
            if (code.kind, code.user_id) == (kind, user_id):
                pending_token = pending_token or code.pending_token
                code.is_used = True
        sent = OneTimeCode(
            id=new_identifier(kind),
            kind=kind,
            user_id=user_id,
            email=email,
            code=f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}}",
            created_at=self._clock(),
            pending_token=pending_token,
        )
        self._codes.append(sent)
        return sent

    def find(self, kind: Kind, code_id: str) -> OneTimeCode | None:
        """Return a code by its id."""
        return next((c for c in self._codes if (c.kind, c.id) == (kind, code_id)), None)

    def last_sent_to(self, email: str) -> OneTimeCode | None:
        """Return the newest code in somebody's mailbox; case does not matter."""
        wanted = email.casefold()
        return next((c for c in reversed(self._codes) if c.email.casefold() == wanted), None)

    def redeem_magic_code(self, code: str, email: str) -> OneTimeCode:
        """Use up the magic code sent to `email`; raises `Refusal`."""
        wanted = email.casefold()
        sent = (c for c in self._codes if c.kind == "magic_auth" and c.email.casefold() == wanted)
        return self._redeem(code, list(sent))

    def redeem_verification_code(self, code: str, pending_token: str) -> OneTimeCode:
        """Use up the code that the sign-in of `pending_token` waits for; raises `Refusal`."""
        sent = [c for c in self._codes if c.pending_token == pending_token]
        if not sent:
            raise invalid_credentials(
                "invalid_pending_authentication_token",
                "The pending authentication token is invalid or has expired.",
            )
        return self._redeem(code, sent)

    def _redeem(self, code: str, sent: list[OneTimeCode]) -> OneTimeCode:
        octets = code.encode("utf-8", "surrogatepass")
        matching = [one for one in sent if hmac.compare_digest(one.code.encode(), octets)]
        if not matching:
            raise invalid_credentials("invalid_one_time_code", "The code is incorrect.")
        found = matching[-1]
        if found.is_used:
            raise invalid_credentials(
                "one_time_code_previously_used", "The code has been used or replaced."
            )
        if found.expires_at <= self._clock():
            raise invalid_credentials("one_time_code_expired", "The code has expired.")
        found.is_used = True
        return found

"""What an endpoint answers when it refuses: a status, a word, a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

ErrorShape: TypeAlias = Literal["oauth", "workos"]


class Refusal(Exception):  # noqa: N818  # an answer on its way out, never seen by callers
    """A request is refused; the application turns this into the JSON answer."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        extra: Mapping[str, Any] | None = None,
        *,
        is_plain: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra: dict[str, Any] = dict(extra or {})
        self.is_plain = is_plain

    def as_json(self, shape: ErrorShape) -> dict[str, Any]:
        """Return the body: ``error`` and ``error_description``, or ``code`` and ``message``.

        Refusals that ask for another step of the sign-in (they carry further fields), and those of
        passwords and one-time codes (plain), have ``code`` and ``message`` in either shape.
        """
        if shape == "oauth" and not self.extra and not self.is_plain:
            return {"error": self.code, "error_description": self.message}
        return {"code": self.code, "message": self.message, **self.extra}


def invalid_grant(message: str) -> Refusal:
    """Return the refusal of a code or refresh token (RFC 6749, section 5.2)."""
    return Refusal(400, "invalid_grant", message)


def invalid_request(message: str) -> Refusal:
    """Return the refusal of a request that lacks something or is malformed."""
    return Refusal(400, "invalid_request", message)


def invalid_credentials(code: str, message: str) -> Refusal:
    """Return the refusal of a password or a one-time code: never in the shape of OAuth."""
    return Refusal(400, code, message, is_plain=True)


def not_found(what: str) -> Refusal:
    """Return the refusal of a request for something that does not exist."""
    return Refusal(404, "entity_not_found", f"{what} not found.")

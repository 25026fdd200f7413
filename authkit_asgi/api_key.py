"""A customer's API key, as WorkOS describes it: data only, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authkit_asgi.errors import WorkOSUnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class APIKey:
    """A valid API key of an organization, or of a user in one. The key itself is not in it.

    Times are ISO 8601 text, as WorkOS writes them.
    """

    id: str
    name: str
    organization_id: str | None
    """The organization that owns it, or that its user may act in."""
    user_id: str | None = None
    """The user who owns it, where it is not the organization's own."""
    permissions: tuple[str, ...] = ()
    obfuscated_value: str | None = None
    """As much of the key as people may be shown, such as ``sk_…3456``."""
    created_at: str | None = None
    updated_at: str | None = None
    last_used_at: str | None = None
    expires_at: str | None = None

    def has_permission(self, *permissions: str) -> bool:
        """Tell whether the key has all of `permissions`."""
        return all(permission in self.permissions for permission in permissions)


def api_key_of(answer: Any) -> APIKey | None:
    """Return the key that WorkOS's answer to a validation describes; `None` if it is not valid.

    Raises:
        WorkOSUnavailableError: It is no such answer, so that nothing is known of the key.
    """
    if not isinstance(answer, dict) or "api_key" not in answer:
        raise WorkOSUnavailableError("WorkOS's answer is no validation of an API key")
    described = answer["api_key"]
    if described is None:
        return None
    try:
        return _described(described)
    except (AttributeError, KeyError, TypeError):
        raise WorkOSUnavailableError("WorkOS's description of an API key cannot be used") from None


def _described(given: Mapping[str, Any]) -> APIKey:
    owner = given["owner"]
    is_users = {"organization": False, "user": True}[owner["type"]]
    permissions = given["permissions"]
    if not isinstance(permissions, list):
        raise TypeError
    times = ("created_at", "updated_at", "last_used_at", "expires_at")
    return APIKey(
        id=_text(given["id"]),
        name=_text(given["name"]),
        organization_id=_optional(owner.get("organization_id")) if is_users else _text(owner["id"]),
        user_id=_text(owner["id"]) if is_users else None,
        permissions=tuple(map(_text, permissions)),
        obfuscated_value=_optional(given.get("obfuscated_value")),
        **{name: _optional(given.get(name)) for name in times},
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _optional(value: Any) -> str | None:
    return None if value is None else _text(value)

"""The API keys of the customers' own clients."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from authkit_asgi.testing.identifiers import new_identifier, timestamp

_SHOWN_CHARACTERS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatedAPIKey:
    """A customer's API key as of the moment it was read; `value` is the key itself."""

    id: str
    value: str
    name: str
    organization_id: str
    user_id: str | None = None
    permissions: tuple[str, ...] = ()
    created_at: float
    last_used_at: float | None = None
    expires_at: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the WorkOS ApiKey object, which does not hold the key itself."""
        owner = {"type": "organization", "id": self.organization_id}
        if self.user_id is not None:
            owner = {"type": "user", "id": self.user_id, "organization_id": self.organization_id}
        return {
            "object": "api_key",
            "id": self.id,
            "owner": owner,
            "name": self.name,
            "obfuscated_value": f"sk_…{self.value[-_SHOWN_CHARACTERS:]}",
            "permissions": list(self.permissions),
            "last_used_at": None if self.last_used_at is None else timestamp(self.last_used_at),
            "expires_at": None if self.expires_at is None else timestamp(self.expires_at),
            "created_at": timestamp(self.created_at),
            "updated_at": timestamp(self.created_at),
        }


class APIKeys:
    """All keys that have not been revoked."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: dict[str, EmulatedAPIKey] = {}

    def clear(self) -> None:
        """Forget all keys."""
        self._keys.clear()

    def add(self, *, permissions: Iterable[str], value: str | None, **more: Any) -> EmulatedAPIKey:
        """Add a key; `ValueError` if there is one of this value."""
        value = value or f"sk_test_{secrets.token_urlsafe(24)}"
        if isinstance(permissions, str):
            raise TypeError("expected a list of permissions, not one text")
        if value in self._keys:
            raise ValueError("there is such a key already")
        key = EmulatedAPIKey(
            id=new_identifier("api_key"),
            value=value,
            permissions=tuple(permissions),
            created_at=self._clock(),
            **more,
        )
        self._keys[value] = key
        return key

    def revoke(self, key_id: str) -> None:
        """Revoke a key; `KeyError` if there is none of this id."""
        del self._keys[next((v for v, key in self._keys.items() if key.id == key_id), key_id)]

    def use(self, value: str) -> EmulatedAPIKey | None:
        """Return the key of this value if it is valid, and note that it was used."""
        key, now = self._keys.get(value), self._clock()
        if key is None or (key.expires_at is not None and key.expires_at <= now):
            return None
        self._keys[value] = replace(key, last_used_at=now)
        return key

"""What a verified token says its user may do: the questions to ask of it."""

from __future__ import annotations

from typing import Protocol


class _Granted(Protocol):
    @property
    def role(self) -> str | None: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def permissions(self) -> tuple[str, ...]: ...
    @property
    def entitlements(self) -> tuple[str, ...]: ...
    @property
    def feature_flags(self) -> tuple[str, ...]: ...


class Grants:
    """Questions about roles, permissions, entitlements and flags."""

    __slots__ = ()

    def has_role(self: _Granted, *roles: str) -> bool:
        """Tell whether the user has any of `roles` in the current organization."""
        return any(role == self.role or role in self.roles for role in roles)

    def has_permission(self: _Granted, *permissions: str) -> bool:
        """Tell whether the user has all of `permissions` in the current organization."""
        return all(permission in self.permissions for permission in permissions)

    def has_entitlement(self: _Granted, *entitlements: str) -> bool:
        """Tell whether the current organization has all of `entitlements`."""
        return all(entitlement in self.entitlements for entitlement in entitlements)

    def has_feature_flag(self: _Granted, *flags: str) -> bool:
        """Tell whether all of `flags` are on."""
        return all(flag in self.feature_flags for flag in flags)

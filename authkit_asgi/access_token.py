"""An access token that a client sent by itself, in `Authorization`: data only, frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from authkit_asgi.auth import Claims, Impersonator, impersonator_of
from authkit_asgi.grants import Grants


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccessToken(Grants):
    """A verified access token of a single-page or mobile client of the same WorkOS application.

    Everything is what its claims say; the user's name and address are not among them.
    """

    token: str = field(repr=False)
    """The JWT itself. It is a secret: whoever has it is taken for the user."""
    claims: Claims

    @property
    def user_id(self) -> str:
        """The user's id, the claim `sub`."""
        return self.claims.sub

    @property
    def session_id(self) -> str:
        """The id of the session at WorkOS, the claim `sid`."""
        return self.claims.sid

    @property
    def expires_at(self) -> int:
        """The end of the token's life, in seconds since the epoch."""
        return self.claims.exp

    @property
    def organization_id(self) -> str | None:
        """The organization the session is in."""
        return self.claims.org_id

    @property
    def client_id(self) -> str | None:
        """The client it was issued to, where a claim says so; it is the configured one."""
        return self.claims.get("client_id")

    @property
    def role(self) -> str | None:
        """The user's role in the organization."""
        return self.claims.get("role")

    @property
    def roles(self) -> tuple[str, ...]:
        """All roles, where there are several."""
        return self._names("roles")

    @property
    def permissions(self) -> tuple[str, ...]:
        """What the user may do in the organization."""
        return self._names("permissions")

    @property
    def entitlements(self) -> tuple[str, ...]:
        """What the organization has bought."""
        return self._names("entitlements")

    @property
    def feature_flags(self) -> tuple[str, ...]:
        """The flags that are on."""
        return self._names("feature_flags")

    @property
    def impersonator(self) -> Impersonator | None:
        """Who acts in the user's name (RFC 8693, 4.1); tokens do not say why."""
        return impersonator_of(self.claims)

    def _names(self, claim: str) -> tuple[str, ...]:
        names: tuple[str, ...] = self.claims.get(claim, ())  # the verifier has seen to its type
        return names

    def __repr__(self) -> str:
        names = ("user_id", "session_id", "organization_id", "expires_at")
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({shown})"

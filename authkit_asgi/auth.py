"""What a request knows about its user: data only, frozen, safe to share between requests."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NoReturn, TypeAlias, TypeVar

from authkit_asgi.grants import Grants
from authkit_asgi.quick_making import quick_maker

_K = TypeVar("_K")
_V = TypeVar("_V")


class FrozenDict(dict[_K, _V]):
    """An immutable `dict`: JSON, `asdict`, `copy` and `pickle` take it for what it is.

    A `dict` subclass because `types.MappingProxyType` is refused by all four.
    """

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} is immutable; change a copy: dict(value)")

    _refusal: ClassVar[Any] = _refuse  # Any: no one signature fits all that it stands in for
    __setitem__: ClassVar[Any] = _refusal
    __delitem__: ClassVar[Any] = _refusal
    __ior__: ClassVar[Any] = _refusal
    clear: ClassVar[Any] = _refusal
    pop: ClassVar[Any] = _refusal
    popitem: ClassVar[Any] = _refusal
    setdefault: ClassVar[Any] = _refusal
    update: ClassVar[Any] = _refusal

    def __hash__(self) -> int:  # type: ignore[override]  # immutable, so hashable
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict[_K, _V]:
        return self

    def __deepcopy__(self, memo: object) -> FrozenDict[_K, _V]:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict[_K, _V]], tuple[dict[_K, _V]]]:
        return type(self), (dict(self),)


_SCALARS = frozenset({str, int, float, bool, type(None)})


def freeze(value: Any) -> Any:
    """Return parsed JSON as deeply immutable data: objects as `FrozenDict`, arrays as tuples."""
    if isinstance(value, dict):
        frozen: FrozenDict[Any, Any] = FrozenDict(value)
        for key, item in value.items():
            if type(item) not in _SCALARS:  # asking here saves a call for nearly all of them
                dict.__setitem__(frozen, key, freeze(item))  # nobody else has it yet
        return frozen
    if isinstance(value, list):
        return tuple(value if _SCALARS.issuperset(map(type, value)) else map(freeze, value))
    return value


def nests_within(value: Any, levels: int) -> bool:
    """Tell whether parsed JSON has at most `levels` levels of objects and arrays.

    How deep the interpreter itself can go differs from version to version.
    """
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(nests_within(item, levels - 1) for item in items)


class Claims(FrozenDict[str, Any]):
    """The verified claims of an access token: a read-only `dict` with typed names.

    Claims that WorkOS or a JWT template adds are kept: ``claims["https://example.com/plan"]``.
    """

    __slots__ = ()

    @property
    def sub(self) -> str:
        """The user's id."""
        return self["sub"]  # type: ignore[no-any-return]  # the verifier has seen to its type

    @property
    def sid(self) -> str:
        """The session's id."""
        return self["sid"]  # type: ignore[no-any-return]  # the verifier has seen to its type

    @property
    def exp(self) -> int:
        """The end of the token's life, in seconds since the epoch."""
        return self["exp"]  # type: ignore[no-any-return]  # the verifier has seen to its type

    @property
    def iat(self) -> int | None:
        """When the token was issued, in seconds since the epoch."""
        return self.get("iat")

    @property
    def auth_time(self) -> int | None:
        """When the user last proved who they are, in seconds since the epoch."""
        return self.get("auth_time")

    @property
    def iss(self) -> str | None:
        """The issuer."""
        return self.get("iss")

    @property
    def jti(self) -> str | None:
        """The token's own id."""
        return self.get("jti")

    @property
    def org_id(self) -> str | None:
        """The organization the session is in."""
        return self.get("org_id")


class SignedOutReason(enum.StrEnum):
    """Why nobody is signed in. Words are WorkOS's own where it has one (its SDKs, its API)."""

    NO_SESSION_COOKIE_PROVIDED = "no_session_cookie_provided"
    INVALID_SESSION_COOKIE = "invalid_session_cookie"
    INVALID_JWT = "invalid_jwt"
    SESSION_EXPIRED = "session_expired"
    """The token has expired and was not refreshed: no refresh token, or a path that never does."""
    SIGNED_OUT = "signed_out"
    """The session was signed out, or another sign-in took its place, while this was under way."""
    REFRESH_DENIED = "refresh_denied"
    MFA_ENROLLMENT = "mfa_enrollment"
    MFA_CHALLENGE = "mfa_challenge"
    SSO_REQUIRED = "sso_required"
    EMAIL_VERIFICATION_REQUIRED = "email_verification_required"
    ORGANIZATION_SELECTION_REQUIRED = "organization_selection_required"
    UNTRUSTED_ORIGIN = "untrusted_origin"
    """The request comes from a page of another origin that `trusted_origins` does not name."""
    TEMPORARILY_UNAVAILABLE = "temporarily_unavailable"
    """WorkOS cannot be asked: nothing is known against the user, and the cookie is kept."""
    NOT_EVALUATED = "not_evaluated"
    """The path is one that `skip` names, so the cookie was not read."""


class _Marked:
    """Room for a mark that is no field: no constructor, no comparison and no JSON has it."""

    __slots__ = ("_not_loaded",)
    _not_loaded: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class User(_Marked):
    """A WorkOS user as the session holds it. Times are ISO 8601 text, as WorkOS writes them."""

    id: str
    email: str
    email_verified: bool = False
    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    profile_picture_url: str | None = None
    last_sign_in_at: str | None = None
    locale: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    external_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=FrozenDict)
    """The customer's own keys and values, as they are in WorkOS."""

    @property
    def not_loaded(self) -> frozenset[str]:
        """The fields that the session does not hold, which read as if WorkOS had none.

        `AuthSession.load_user` asks WorkOS for them. What a kit has left out of its cookie counts
        too. No field itself: two users are equal, and serialised alike, whatever is not loaded;
        and of a user that `dataclasses.replace` makes, everything counts as loaded.
        """
        return getattr(self, "_not_loaded", frozenset())

    def __repr__(self) -> str:
        shown = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self)]
        if self.not_loaded:
            shown.append(f"not_loaded={sorted(self.not_loaded)!r}")
        return f"{type(self).__qualname__}({', '.join(shown)})"

    # For pickle and deepcopy; those that a dataclass makes know of its fields only.
    def __getstate__(self) -> tuple[dict[str, Any], frozenset[str]]:
        return {one.name: getattr(self, one.name) for one in fields(self)}, self.not_loaded

    def __setstate__(self, state: tuple[dict[str, Any], frozenset[str]]) -> None:
        values, not_loaded = state
        for name, value in values.items():
            object.__setattr__(self, name, value)
        mark_not_loaded(self, not_loaded)


def mark_not_loaded(user: User, names: frozenset[str]) -> None:
    """Note on a user just made which of its fields are not known."""
    object.__setattr__(user, "_not_loaded", names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonator:
    """Who acts in the user's name, from the WorkOS dashboard, and why."""

    email: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Grants):
    """A user whose session was authentic and whose access token verified."""

    user: User
    session_id: str
    access_token: str = field(repr=False)
    claims: Claims = field(repr=False)
    organization_id: str | None = None
    role: str | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    feature_flags: tuple[str, ...] = ()
    impersonator: Impersonator | None = None
    authentication_method: str | None = None
    expires_at: int
    """The end of the access token's life, in seconds since the epoch."""

    @property
    def user_id(self) -> str:
        """The user's id, as an `AccessToken` has it, too."""
        return self.user.id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut:
    """Nobody is signed in; `reason` says why."""

    user: None = field(default=None, init=False)
    reason: SignedOutReason
    retry_after: int | None = None
    """Seconds after which another try makes sense, when the reason is an outage."""


_new_signed_in = quick_maker(SignedIn)


def impersonator_of(claims: Claims) -> Impersonator | None:
    """Return who a token says acts in the user's name (RFC 8693, 4.1); it does not say why."""
    actor = claims.get("act")
    who = actor.get("sub") if isinstance(actor, Mapping) else None
    return Impersonator(email=who) if isinstance(who, str) else None


Auth: TypeAlias = SignedIn | SignedOut
"""Who a request is from. ``auth.user is None``, `isinstance` and `match` narrow it."""


def signed_in(
    claims: Claims,
    *,
    access_token: str,
    user: User,
    impersonator: Impersonator | None,
    authentication_method: str | None,
) -> SignedIn:
    """Return the `SignedIn` that verified claims and the sealed user make."""
    get = claims.get
    return _new_signed_in(
        user=user,
        session_id=claims["sid"],
        access_token=access_token,
        claims=claims,
        organization_id=get("org_id"),
        role=get("role"),
        roles=get("roles", ()),
        permissions=get("permissions", ()),
        entitlements=get("entitlements", ()),
        feature_flags=get("feature_flags", ()),
        # A session that somebody else has sealed, or changed, may not name them.
        impersonator=impersonator or (impersonator_of(claims) if "act" in claims else None),
        authentication_method=authentication_method,
        expires_at=claims["exp"],
    )

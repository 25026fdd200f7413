"""The session in the cookie: its JSON as the JavaScript kits write it, and WorkOS's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypeGuard

from authkit_asgi.auth import (
    FrozenDict,
    Impersonator,
    User,
    freeze,
    mark_not_loaded,
    nests_within,
)
from authkit_asgi.errors import (
    InvalidSessionError,
    SealError,
    SessionTooLargeError,
    UntrustedResponseError,
)
from authkit_asgi.quick_making import quick_maker
from authkit_asgi.seal import MAX_SEAL_LENGTH, Password, seal, unseal
from authkit_asgi.stores import StoredAs
from authkit_asgi.tokens import unverified_claims

MAX_KEPT_LENGTH = 65_536
"""Characters of a sealed session, of which a cookie may hold less."""

_NOT_OURS = "The cookie is not a seal of this application"

_MAX_NESTING = 50  # levels of an answer; a seal holds 100, and the session stands around them

# The API's name, the cookie's name, and ours are one; in the order in which the kits write them.
USER_FIELDS = (
    ("object", "object"),
    ("id", "id"),
    ("email", "email"),
    ("email_verified", "emailVerified"),
    ("name", "name"),
    ("first_name", "firstName"),
    ("profile_picture_url", "profilePictureUrl"),
    ("last_name", "lastName"),
    ("last_sign_in_at", "lastSignInAt"),
    ("locale", "locale"),
    ("created_at", "createdAt"),
    ("updated_at", "updatedAt"),
    ("external_id", "externalId"),
    ("metadata", "metadata"),
)
_SEALED_FIELDS = frozenset(sealed for _, sealed in USER_FIELDS)
_ALWAYS_SEALED = frozenset({"object", "id", "email"})
_OMISSIBLE = {sealed: api for api, sealed in USER_FIELDS if api not in _ALWAYS_SEALED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a session cookie holds. Authentic, because sealed; its access token may have expired."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    user_json: Mapping[str, Any] = field(repr=False)
    """The user as it is sealed: camelCase, absent keys absent, nulls kept."""
    impersonator: Impersonator | None = None
    authentication_method: str | None = None
    is_outdated: bool = field(default=False, compare=False)
    """Whether its cookie was sealed otherwise than cookies are now: with an older password, or by
    workos-python; or whether it is to go to another place."""
    stored: StoredAs | None = field(default=None, compare=False, repr=False)
    """Where it stands, if that is not the cookie itself."""

    @property
    def user_id(self) -> str:
        """The id of the sealed user."""
        return self.user_json["id"]  # type: ignore[no-any-return]  # text: `_is_user` has seen to it

    @property
    def user(self) -> User:
        """The sealed user. A field of another type than WorkOS gives it reads as absent."""
        user = _user(self.user_json)
        if len(self.user_json) < len(_SEALED_FIELDS):
            absent = _OMISSIBLE.keys() - self.user_json.keys()
            mark_not_loaded(user, frozenset([_OMISSIBLE[name] for name in absent]))
        return user


_SEALED_AS = dict(USER_FIELDS)
_SEALED_TEXTS = [_SEALED_AS[one.name] for one in fields(User)[3:-1]]
"""In the order of `User`'s fields, of which all are text but the first three and the last."""
_TEXT_TYPES = frozenset({str, type(None)})


def _user(user_json: Mapping[str, Any]) -> User:
    get = user_json.get
    metadata = get("metadata")
    texts: list[Any] = [*map(get, _SEALED_TEXTS)]
    if not _TEXT_TYPES.issuperset(map(type, texts)):
        texts = [*map(_text, texts)]
    return _new_user(
        user_json["id"],
        user_json["email"],
        get("emailVerified") is True,
        *texts,
        metadata if isinstance(metadata, FrozenDict) else FrozenDict(),
    )


_new_user: Callable[..., User] = quick_maker(User, by_name=False)
_new_session = quick_maker(Session)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def seal_session(session: Session, password: Password) -> str:
    """Return a session as text, encrypted and authenticated.

    Whether a cookie can hold it is for its writer to say: a session that was refreshed has to be
    remembered in any case, as its refresh token is spent.

    Raises:
        SessionTooLargeError: It would be longer than `MAX_KEPT_LENGTH`.
    """
    try:
        return seal(session_content(session), password, max_length=MAX_KEPT_LENGTH)
    except SealError:
        raise SessionTooLargeError("The session is too large to be sealed") from None


def session_content(session: Session) -> dict[str, Any]:
    """Return the JSON that is sealed, keys in the order of authkit-session."""
    content: dict[str, Any] = {
        "accessToken": session.access_token,
        "refreshToken": session.refresh_token,
        "user": session.user_json,
    }
    if session.impersonator is not None:
        content["impersonator"] = {
            "email": session.impersonator.email,
            "reason": session.impersonator.reason,
        }
    if session.authentication_method is not None:
        content["authenticationMethod"] = session.authentication_method
    return content


def unseal_session(
    sealed: str, password: Password, *, max_length: int = MAX_SEAL_LENGTH
) -> Session:
    """Return the session that a cookie holds, whichever kit wrote it.

    Raises:
        InvalidSessionError: The text is no seal of ours, or longer than `max_length`, or no session
            is in it.
    """
    try:
        content = unseal(sealed, password, max_length=max_length)
    except SealError:
        raise InvalidSessionError(_NOT_OURS) from None
    return read_session(content)


def read_session(content: Any) -> Session:
    """Return the session that sealed JSON holds.

    Raises:
        InvalidSessionError: No session is in it.
    """
    if not isinstance(content, dict):
        raise InvalidSessionError("The seal holds no session")
    get = content.get
    access_token, refresh_token, user = get("accessToken"), get("refreshToken"), get("user")
    impersonator, method = get("impersonator"), get("authenticationMethod")
    if not (isinstance(access_token, str) and access_token and _is_user(user)):
        raise InvalidSessionError("The seal holds no session")
    return _new_session(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        user_json=_user_json(
            user
            if user.keys() <= _SEALED_FIELDS
            else {name: user[name] for name in user if name in _SEALED_FIELDS}
        ),
        impersonator=_impersonator(impersonator),
        authentication_method=method if isinstance(method, str) else None,
    )


def _user_json(user: dict[str, Any]) -> FrozenDict[str, Any]:
    """Return a user as sessions have it; what `User` gives out of it as it is, is immutable."""
    frozen, metadata = FrozenDict(user), user.get("metadata")
    if metadata is not None:
        dict.__setitem__(frozen, "metadata", freeze(metadata))  # nobody else has it yet
    return frozen


def session_from_answer(answer: Mapping[str, Any], previous: Session | None = None) -> Session:
    """Return the session that an answer of `POST /user_management/authenticate` makes.

    What a refresh does not repeat (how the user signed in, who impersonates) is carried over from
    `previous`.

    Raises:
        UntrustedResponseError: A token or the user is missing, or the user is nested too deep.
    """
    access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
    user = answer.get("user")
    if not (isinstance(access_token, str) and access_token):
        raise UntrustedResponseError("WorkOS's answer has no access token")
    if not (isinstance(refresh_token, str) and refresh_token):
        raise UntrustedResponseError("WorkOS's answer has no refresh token")
    if not _is_user(user):
        raise UntrustedResponseError("WorkOS's answer has no user")
    return Session(
        access_token=access_token,
        refresh_token=refresh_token,
        user_json=_sealed_user(user),
        impersonator=_impersonator(answer.get("impersonator"))
        or (previous.impersonator if previous else None),
        authentication_method=_text(answer.get("authentication_method"))
        or (previous.authentication_method if previous else None),
    )


def user_from_answer(answer: Mapping[str, Any]) -> User:
    """Return the user that an answer of `GET /user_management/users/{id}` describes.

    Raises:
        UntrustedResponseError: It describes none, or is nested too deep.
    """
    if not _is_user(answer):
        raise UntrustedResponseError("WorkOS's answer has no user")
    return _user(_sealed_user(answer))


def freeze_answer(value: Any) -> Any:
    """Return a part of WorkOS's answer as immutable data.

    Raises:
        UntrustedResponseError: It is nested beyond all reason.
    """
    _check_nesting(value)
    return freeze(value)


def _check_nesting(value: Any) -> None:
    if not nests_within(value, _MAX_NESTING):
        raise UntrustedResponseError("WorkOS's answer is nested too deep")


def _sealed_user(user: Mapping[str, Any]) -> FrozenDict[str, Any]:
    """Name the API's user as @workos-inc/node does: what it always writes is always there."""
    always = {"name": user.get("name"), "external_id": user.get("external_id")}
    whole = {**user, **always, "metadata": user.get("metadata") or {}}
    named = {sealed: whole[api] for api, sealed in USER_FIELDS if api in whole}
    _check_nesting(named)
    return _user_json(named)


def _is_user(user: Any) -> TypeGuard[dict[str, Any]]:
    return (
        isinstance(user, dict)
        and isinstance(user.get("id"), str)
        and user["id"] != ""
        and isinstance(user.get("email"), str)
    )


def _impersonator(value: Any) -> Impersonator | None:
    if not (isinstance(value, dict) and isinstance(value.get("email"), str)):
        return None
    return Impersonator(email=value["email"], reason=_text(value.get("reason")))


def session_id(session: Session) -> str | None:
    """Return the id of an authentic session, also when its token has expired."""
    return _text_claim(session, "sid")


def session_organization(session: Session) -> str | None:
    """Return the organization an authentic session is in, also when its token has expired."""
    return _text_claim(session, "org_id")


def _text_claim(session: Session, name: str) -> str | None:
    value = unverified_claims(session.access_token).get(name)
    return value if isinstance(value, str) else None


def session_issued_at(session: Session) -> float:
    """Return when an authentic session's token was issued, in seconds since the epoch; else 0."""
    issued_at = unverified_claims(session.access_token).get("iat")
    # Not made a float: JSON has whole numbers that do not fit into one.
    return issued_at if isinstance(issued_at, int | float) else 0

"""`Auth` narrows: where the user is, everything else is. Checked by mypy and pyright, never run."""

from typing import Annotated, Any, assert_never, assert_type

from fastapi import Depends
from starlette.requests import Request

from authkit_asgi import (
    Auth,
    AuthSession,
    Claims,
    Impersonator,
    SignedIn,
    SignedOut,
    SignedOutReason,
    User,
    get_auth,
    get_session,
    require_signed_in,
)
from authkit_asgi.fastapi import (
    CurrentAuth,
    CurrentSession,
    CurrentUser,
    OptionalUser,
    require_auth,
)


def narrows_by_none(auth: Auth) -> User:
    if auth.user is None:
        assert_type(auth, SignedOut)
        assert_type(auth.reason, SignedOutReason)
        assert_type(auth.retry_after, int | None)
        raise PermissionError
    assert_type(auth, SignedIn)
    assert_type(auth.session_id, str)
    assert_type(auth.claims, Claims)
    assert_type(auth.organization_id, str | None)
    assert_type(auth.permissions, tuple[str, ...])
    assert_type(auth.impersonator, Impersonator | None)
    return auth.user


def narrows_by_not_none(auth: Auth) -> str:
    if auth.user is not None:
        return auth.access_token
    return auth.reason


def narrows_by_isinstance(auth: Auth) -> str:
    if isinstance(auth, SignedIn):
        assert_type(auth.user, User)
        return auth.user.email
    assert_type(auth, SignedOut)
    assert_type(auth.user, None)
    return auth.reason


def narrows_by_match(auth: Auth) -> str:
    match auth:
        case SignedIn(user=user):
            assert_type(user, User)
            return user.id
        case SignedOut(reason=reason):
            assert_type(reason, SignedOutReason)
            return reason
        case _:
            assert_never(auth)


def does_not_know_what_it_has_not_asked(auth: Auth) -> None:
    str(auth.session_id)  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    str(auth.user.email)  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]


def is_frozen(auth: SignedIn) -> None:
    auth.session_id = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    auth.user.email = "x"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    auth.user.not_loaded = frozenset()  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]


async def asks_a_request(request: Request) -> None:
    assert_type(get_auth(request), SignedIn | SignedOut)
    assert_type(require_signed_in(request), SignedIn)
    session = get_session(request)
    assert_type(session, AuthSession)
    assert_type(await session.refresh(), SignedIn)
    assert_type(await session.switch_organization("org_1"), SignedIn)
    assert_type(await session.load_user(), User)
    assert_type(await session.sign_out("/"), str)
    assert_type(await session.authorization_url(return_to="/", prompt="login", max_age=60), str)
    await session.authorization_url(promt="login")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def endpoint(
    user: CurrentUser,
    auth: CurrentAuth,
    optional: OptionalUser,
    session: CurrentSession,
    explicit: Annotated[SignedIn, Depends(require_auth)],
) -> None:
    assert_type(user, User)
    assert_type(user.not_loaded, frozenset[str])
    assert_type(auth, SignedIn)
    assert_type(optional, User | None)
    assert_type(session, AuthSession)
    assert_type(explicit.claims.get("plan"), Any | None)

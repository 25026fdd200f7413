"""Sign-in routes of one's own take the SDK's answers. Checked by mypy and pyright."""

from typing import Any, assert_type

from authkit_asgi import AuthKit, AuthSession, SignedIn, SignInResult


async def sign_in(session: AuthSession, authkit: AuthKit, raw: dict[str, Any]) -> None:
    session.check_own_form()
    users = session.client.user_management
    answer = await users.authenticate_with_password(email="ada@example.com", password="…")
    assert_type(await session.sign_in(answer), SignedIn)
    assert_type(await session.sign_in(raw), SignedIn)
    assert_type(await authkit.accept_sign_in(answer), SignInResult)
    session.clear_pending_verifier("state")
    await session.sign_in("no answer")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

"""The part of `AuthKit` that asks WorkOS for users."""

from __future__ import annotations

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.auth import User
from authkit_asgi.errors import UntrustedResponseError, WorkOSUnavailableError
from authkit_asgi.session import user_from_answer


class Users:
    """Fetches users."""

    api: WorkOSAPI

    async def load_user(self, user_id: str) -> User:
        """Return a user with all fields, as WorkOS has them now. Each call asks WorkOS.

        Raises:
            UserNotFoundError: WorkOS knows no user of this id.
            UnavailableError: WorkOS cannot be asked, or its answer is not to be used.
        """
        answer = await self.api.fetch_user(user_id)
        try:
            user = user_from_answer(answer)
        except UntrustedResponseError as error:
            raise WorkOSUnavailableError(f"WorkOS's answer cannot be used: {error}") from None
        if user.id != user_id:
            raise WorkOSUnavailableError("WorkOS answered with another user")
        return user

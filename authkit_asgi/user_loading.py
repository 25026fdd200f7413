"""The part of `AuthSession` that asks WorkOS for what the session does not hold of its user."""

from __future__ import annotations

from authkit_asgi.auth import User
from authkit_asgi.errors import InvalidSessionError
from authkit_asgi.loading import Loaded
from authkit_asgi.service import AuthKit


class UserLoading:
    """What `AuthSession` knows of its user beyond the session."""

    __slots__ = ()
    _authkit: AuthKit
    _loaded: Loaded

    async def load_user(self) -> User:
        """Return the user with all fields, as WorkOS has them now; the session stays as it is.

        Each call asks WorkOS, and may do so after the response has started.

        Raises:
            InvalidSessionError: Nobody is signed in.
            UserNotFoundError: The user has been deleted meanwhile.
            UnavailableError: WorkOS cannot be asked.
        """
        user = self._loaded.auth.user
        if user is None:
            raise InvalidSessionError("Nobody is signed in")
        return await self._authkit.load_user(user.id)

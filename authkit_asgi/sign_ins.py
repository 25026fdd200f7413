"""The part of `AuthKit` that signs people in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, Unpack

from authkit_asgi.api import SignInOptions
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.cookies import CookieWriter, SetCookie
from authkit_asgi.errors import CallbackRejectedError, SessionReadOnlyError
from authkit_asgi.pkce import PendingSignIn, surplus_verifiers, verifier_cookie_name
from authkit_asgi.sign_in import SignInFlow, SignInRequest, SignInResult


class SDKAnswer(Protocol):
    """An answer of `authenticate` as the WorkOS SDK returns it: its `AuthenticateResponse`."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        ...


AuthenticateAnswer: TypeAlias = Mapping[str, Any] | SDKAnswer


class SignIns:
    """Begins and completes sign-ins."""

    config: AuthKitConfig
    cookies: CookieWriter
    _clock: Callable[[], float]
    _sign_ins: SignInFlow

    def authorization_url(
        self,
        *,
        return_to: str | None = None,
        custom_state: str | None = None,
        restarted: bool = False,
        **options: Unpack[SignInOptions],
    ) -> SignInRequest:
        """Begin a sign-in (or sign-up, with ``screen_hint="sign-up"``).

        The browser has to be given the cookie of the result and be sent to its URL.

        Args:
            return_to: The page to end at, a path of this site; anything else, and what is too
                long to be kept, becomes the default page.
            custom_state: Text for `on_success`, 2,048 bytes at most.
            restarted: The sign-in answers a callback that came without `state`.
            options: What to ask of AuthKit.

        Raises:
            PKCEPayloadTooLargeError: `custom_state` is too long.
        """
        return self._sign_ins.begin(
            return_to=return_to, custom_state=custom_state, restarted=restarted, **options
        )

    def surplus_verifiers(self, cookies: Mapping[str, str]) -> list[str]:
        """Return the names of verifier cookies that have to go for one more to find room."""
        return surplus_verifiers(cookies, self.config.cookie_password, clock=self._clock)

    def unseal_state(self, state: str) -> PendingSignIn:
        """Return the sign-in that an authentic `state`, at most 600 s old, belongs to.

        Raises:
            OAuthStateMismatchError: It is neither.
        """
        return self._sign_ins.unseal_state(state)

    def check_issuer(self, iss: str | None) -> None:
        """See that a callback which names its issuer names one of the setting `issuers` (RFC 9207).

        Raises:
            CallbackRejectedError: It does not. Nothing is compared where `issuers` is empty.
        """
        if iss is not None and self.config.issuers and iss not in self.config.issuers:
            raise CallbackRejectedError("The callback is from another issuer")  # RFC 9207, 2.4

    async def complete_sign_in(
        self, code: str, state: str, *, iss: str | None = None
    ) -> SignInResult:
        """Exchange the callback's `code`. The caller has compared `state` with its cookie.

        Args:
            code: As the callback brought it; that and the others only if it brought one of each.
            state: Likewise.
            iss: Likewise, if it brought one; compared as `check_issuer` does.

        Raises:
            CallbackRejectedError: `iss` is not expected.
            OAuthStateMismatchError: `state` is not authentic or too old.
            GrantRejectedError: WorkOS refused the code.
            UnavailableError: WorkOS or its signing keys cannot be reached.
            UntrustedResponseError: The answer holds no usable session.
            SessionTooLargeError: The session cannot be sealed.
        """
        self._require_writable()
        self.check_issuer(iss)
        return await self._sign_ins.complete(code, self.unseal_state(state))

    def clear_pending_verifier(self, state: str) -> SetCookie:
        """Return the line that deletes the cookie of a sign-in, whatever has become of it.

        For callbacks of one's own without the middleware; with it, `AuthSession` has the same.
        """
        return self.cookies.expire_verifier(verifier_cookie_name(state))

    async def accept_sign_in(self, answer: AuthenticateAnswer) -> SignInResult:
        """Return the sign-in that an answer of WorkOS's `authenticate` makes.

        `answer` is its JSON or what the SDK's ``authenticate_with_…`` return.

        Raises:
            UntrustedResponseError: The answer holds no usable session.
            KeysUnavailableError: Its token cannot be verified now.
            SessionReadOnlyError: The setting `refresh` is ``never``.
            SessionTooLargeError: The session cannot be sealed.
        """
        self._require_writable()
        if isinstance(answer, Mapping):
            return await self._sign_ins.accept(answer)
        # Of an answer that is no JSON the SDK makes `None`, whatever its types say.
        content: dict[str, Any] = getattr(answer, "to_dict", dict)()
        return await self._sign_ins.accept(content)

    def _require_writable(self) -> None:
        if self.config.is_read_only:
            raise SessionReadOnlyError

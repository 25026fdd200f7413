"""Keeping everything to those who are signed in, but for the paths that are public."""

from __future__ import annotations

from collections.abc import Sequence

# The path as Starlette's own router sees it below a mount; there is no public name for it.
from starlette._utils import get_route_path
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.connection import get_auth, session_of
from authkit_asgi.denials import MixedCredentialsError, SignInRedirectError, deny, signed_out_denial
from authkit_asgi.fetch_metadata import header
from authkit_asgi.front_end import answer_for_strangers
from authkit_asgi.login_address import login_url
from authkit_asgi.path_rules import PathRules


class Protection:
    """Lets requests through to an application if somebody is signed in, or the path is public.

    Args:
        config: The settings; the paths of the bundled routes are public by themselves.
        public: Paths that are everybody's.
        sign_up_paths: Paths from which strangers are sent to sign up instead.
    """

    def __init__(
        self, config: AuthKitConfig, *, public: Sequence[str], sign_up_paths: Sequence[str]
    ) -> None:
        self._own_paths = config.own_paths
        self._sign_up_path = config.sign_up_route
        self._public = PathRules(public)
        self._sign_up_paths = PathRules(sign_up_paths)

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, whose session has been read, by `app` or by a denial."""
        path = get_route_path(scope)
        # The settings name the bundled routes as browsers see them: below a mount, in full.
        if path in self._public or not self._own_paths.isdisjoint((path, scope["path"])):
            await app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        auth = get_auth(connection)
        if auth.user is not None and not session_of(connection).decide_by("cookie"):
            await deny(MixedCredentialsError(), scope, receive, send)
        elif auth.user is not None:
            await app(scope, receive, send)
        elif (answer := answer_for_strangers(scope)) is not None:
            await answer(scope, receive, send)
        elif _is_preflight(scope):
            await _serve_headers_only(app, scope, receive, send)
        else:
            denial = signed_out_denial(scope, auth)
            if isinstance(denial, SignInRedirectError) and path in self._sign_up_paths:
                denial = SignInRedirectError(login_url(scope, path=self._sign_up_path))
            await deny(denial, scope, receive, send)


def _is_preflight(scope: Scope) -> bool:
    """Tell whether a browser asks, without cookies, what a page of another origin may send."""
    return (
        scope["type"] == "http"
        and scope["method"] == "OPTIONS"
        and header(scope, b"origin") is not None
        and header(scope, b"access-control-request-method") is not None
    )


async def _serve_headers_only(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a preflight, of which browsers read the headers alone.

    Anybody can write one, and an application below may answer every method with its page.
    """

    async def send_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message.get("headers", ())
            kept = [(name, value) for name, value in headers if name.lower() != b"content-length"]
            message = {**message, "headers": [*kept, (b"content-length", b"0")]}
        else:
            message = {**message, "body": b""}
        await send(message)

    # Without extensions there are no other messages than these two, such as one with a file's path.
    await app({**scope, "extensions": {}}, receive, send_headers)

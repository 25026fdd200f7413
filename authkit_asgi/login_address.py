"""Where a request's browser is sent to sign in or out, and where it comes back to."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from starlette.types import Scope

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.fetch_metadata import header
from authkit_asgi.pkce import MAX_RETURN_PATH

_PATH_CHARACTERS = "/:@!$&'()*+,;=~"  # that need no percent-encoding (RFC 3986, 3.3)


def login_url(scope: Scope, *, path: str | None = None, max_age: int | None = None) -> str:
    """Return where to send the browser of this request to sign in and come back.

    With `max_age` the sign-in counts only if it is no more seconds old than that. `path` stands in
    for the login route's.

    Back is the page asked for; for a form, the page of this site that it stood on, if the browser
    says which: the form's own address may take nothing but POST.
    """
    page = None if scope["method"] == "GET" else _referring_path(scope)
    page = page or _requested_path(scope)
    query = {"return_to": page} if len(page) <= MAX_RETURN_PATH else {}
    if max_age is not None:
        query["max_age"] = str(max_age)
    where = login_path(scope) if path is None else root_path(scope) + path
    return f"{where}?{urlencode(query)}" if query else where


def _referring_path(scope: Scope) -> str | None:
    config = _config(scope)
    referrer = header(scope, b"referer")
    if referrer is None or config is None:
        return None
    origin = config.origin
    return referrer.removeprefix(origin) if referrer.startswith(f"{origin}/") else None


def login_path(scope: Scope) -> str:
    """Return the path of the login route as browsers see it."""
    config = _config(scope)
    return root_path(scope) + ("/login" if config is None else config.login_path)


def logout_path(scope: Scope) -> str | None:
    """Return the path of the sign-out route as browsers see it; `None` without an `AuthSession`."""
    config = _config(scope)
    return None if config is None else root_path(scope) + config.logout_route


def _config(scope: Scope) -> AuthKitConfig | None:
    """Return the settings of the `AuthSession` there may be."""
    config = getattr(scope["state"].get("authkit"), "config", None)
    return config if isinstance(config, AuthKitConfig) else None


def root_path(scope: Scope) -> str:
    """Return what browsers see before the paths of the application that has the auth routes."""
    # A mounted application's own root path is below the one that has the auth routes.
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    return quote(f"/{root.strip('/')}", safe=_PATH_CHARACTERS) if root.strip("/") else ""


def _requested_path(scope: Scope) -> str:
    """Return path and query as the browser sent them, percent-encoding and all."""
    raw_path: bytes | None = scope.get("raw_path")
    path = (
        quote(scope["path"], safe=_PATH_CHARACTERS, errors="surrogatepass")
        if raw_path is None
        else raw_path.partition(b"?")[0].decode("latin-1")
    )
    root = root_path(scope)
    if root and not f"{path}/".startswith(f"{root}/"):
        path = root + path  # a proxy has taken it off: FastAPI(root_path="/api")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path

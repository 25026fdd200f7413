"""The example application without tolerance for expired tokens: 3 s shall be 3 s.

Its own pages forbid frames, so there is one more, for other sites to embed and to send forms to.
Below /bundled are guarded pages whose denials are the package's own.
/scripts/token hands the access token to scripts, and /scripts/asked says who has asked.
With EAGER_AUTH set there is another, whose script takes the access token as the guide has it.
With REDIS_URL set, the workers of that Redis tell each other which sessions are over.
STORE and PREVIOUS_STORE are addresses of the Redis that keeps the sessions, or has kept them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from authkit_asgi import (
    AuthKitConfig,
    get_auth,
    require,
    require_permission,
    require_recent_auth,
)
from authkit_asgi.fastapi import auth_router
from authkit_asgi.redis import RedisSessionStore
from example_app.main import create_app


def make() -> FastAPI:
    # Tokens of 3 s are always about to expire: each request would renew them ahead of time.
    has_buffer = "refresh_buffer" in AuthKitConfig.__dataclass_fields__
    ahead: dict[str, Any] = {"refresh_buffer": 0} if has_buffer else {}
    store, previous = (
        RedisSessionStore(os.environ[name]) if name in os.environ else None
        for name in ("STORE", "PREVIOUS_STORE")
    )
    app = create_app(
        jwt_leeway=0,
        redis_url=os.environ.get("REDIS_URL"),
        eager_auth="EAGER_AUTH" in os.environ,
        store=store,
        previous_store=previous,
        **ahead,
    )
    app.api_route("/widget", methods=["GET", "POST"])(_widget)
    app.get("/script")(_script)
    app.mount("/scripts", _for_scripts())
    guards = {
        "/member": require(),
        "/export": require(require_permission("data:burn")),
        "/recent": require(require_recent_auth(max_age=10)),
    }
    app.mount("/bundled", Starlette(routes=[Route(p, g(_guarded)) for p, g in guards.items()]))
    return app


def _for_scripts() -> FastAPI:
    """Return an application with a token route, and a list of what was asked there and answered."""
    app = FastAPI()
    asked: list[dict[str, Any]] = []

    @app.get("/asked")
    async def list_asked() -> list[dict[str, Any]]:
        return asked

    @app.middleware("http")
    async def note(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await go_on(request)
        site = request.headers.get("sec-fetch-site")
        has_cookie = "wos-session" in request.cookies
        path = request.url.path
        asked.append({"path": path, "site": site, "cookie": has_cookie, "as": response.status_code})
        return response

    app.include_router(auth_router(session="/session", token="/token"))
    return app


async def _guarded(request: Request) -> Response:
    return HTMLResponse(f"<!doctype html><title>Guarded</title><h1>{request.url.path}</h1>")


async def _widget(request: Request) -> Response:
    """Say by what method it was asked, and who asked."""
    auth = get_auth(request)
    who = auth.user.email if auth.user is not None else auth.reason
    return HTMLResponse(
        f'<!doctype html><title>Widget</title><p role="status">{request.method}: {who}</p>'
        '<form method="post" action="/widget"><button>Send</button></form>'
    )


async def _script(request: Request) -> Response:
    """Show the token in force, and what the page's own script finds at once and afterwards."""
    auth = get_auth(request)
    guide = Path(__file__).parents[2] / "docs/guides/single-page-application.md"
    (lines,) = re.findall(r"^```js\n(.*?)^```", guide.read_text(), re.MULTILINE | re.DOTALL)
    return HTMLResponse(
        f"<!doctype html><title>Script</title><script>{lines}"
        "const taken = [takeAccessToken(), takeAccessToken()];"
        "const left = document.cookie;"
        f"</script><p>{auth.access_token if auth.user is not None else ''}</p>"
    )

"""The example application, which also says in one line who asks, and in which organization.

With STORM_STORED set, its sessions are in the Redis through which the workers coordinate.
"""

from __future__ import annotations

import os

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authkit_asgi import Auth, redis, redis_connection
from authkit_asgi.errors import AuthKitError, UnavailableError
from example_app.main import create_app

_seconds = {
    name: float(os.environ[variable])
    for name in ("api_timeout", "refresh_timeout", "redis_timeout")
    if (variable := f"STORM_{name.upper()}") in os.environ
}
_redis_seconds = _seconds.pop("redis_timeout", redis_connection.CALL_SECONDS)
for _module in (redis, redis_connection):
    _module.CALL_SECONDS = _redis_seconds


async def who(request: Request) -> JSONResponse:
    return _answer(request.state.auth)


async def switch(request: Request) -> JSONResponse:
    try:
        auth = await request.state.authkit.switch_organization(request.path_params["organization"])
    except AuthKitError as error:
        status = 503 if isinstance(error, UnavailableError) else 401
        return JSONResponse({"worker": os.getpid(), "reason": str(error)}, status)
    return _answer(auth)


async def revoke(request: Request) -> JSONResponse:
    authkit = request.state.authkit._authkit
    number = await authkit.revoke_sessions(request.path_params["user"])
    return JSONResponse({"worker": os.getpid(), "revoked": number})


def _answer(auth: Auth) -> JSONResponse:
    body = {"worker": os.getpid()}
    if auth.user is None:
        status = 401 if auth.retry_after is None else 503
        return JSONResponse({**body, "reason": auth.reason.value}, status)
    return JSONResponse({**body, "user": auth.user.id, "organization": auth.organization_id})


_redis_url = os.environ.get("STORM_REDIS_URL")
app = create_app(
    redis_url=_redis_url,
    store=redis.RedisSessionStore(_redis_url or "") if "STORM_STORED" in os.environ else None,
    **_seconds,
)
app.router.routes += [
    Route("/who", who),
    Route("/switch/{organization}", switch),
    Route("/revoke/{user}", revoke),
]

"""A program of its own: somebody signs in to a Starlette application, all in this process."""

import asyncio

import httpx
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, auth_routes, require_signed_in
from authkit_asgi.testing import WorkOSEmulator

emulator = WorkOSEmulator.demo()
authkit = AuthKit(
    AuthKitConfig(
        client_id=emulator.client_id,
        api_key=emulator.api_key,
        redirect_uri="https://app.example.com/callback",
        cookie_password="a password of at least 32 characters",
        api_base_url="http://workos.localhost",
    ),
    http_client_factory=lambda: httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app)),
)


async def home(request):
    return PlainTextResponse(require_signed_in(request).user.email)


app = Starlette(routes=[Route("/", home), *auth_routes()])
app.add_middleware(AuthKitMiddleware, authkit=authkit)


async def main():
    site, workos = httpx.ASGITransport(app), httpx.ASGITransport(emulator.app)
    async with (
        httpx.AsyncClient(transport=site, base_url="https://app.example.com") as browser,
        httpx.AsyncClient(transport=workos) as elsewhere,
    ):
        assert (await browser.get("/")).status_code == 401
        login = await browser.get("/login?login_hint=ada@example.com")
        granted = await elsewhere.get(login.headers["location"])
        assert (await browser.get(granted.headers["location"])).status_code == 303
        print((await browser.get("/")).text)  # noqa: T201  # the test reads it


asyncio.run(main())

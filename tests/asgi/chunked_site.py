"""A site whose users have sessions that one cookie cannot hold."""

from __future__ import annotations

from typing import Any

from asgi_driver import Browser
from asgi_site import SESSION, sealed_session, site
from jar_browser import JarBrowser
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from authkit_asgi import get_session

SMALL, LARGE, LARGER, TOO_LARGE = 100, 2500, 3500, 7000  # letters of a user's metadata
ONE, TWO = [SESSION], [f"{SESSION}.0", f"{SESSION}.1"]


async def refresh(request: Request) -> Response:
    await get_session(request).refresh()
    return Response()


def shop(emulator, **changes: Any):
    return site(emulator, [Route("/refresh", refresh, methods=["POST"])], **changes)


def resize(emulator, size: int, user: str = "user_ada") -> None:
    emulator.update_user(user, metadata={"notes": "x" * size})


def session_names(browser: JarBrowser) -> list[str]:
    return sorted(browser.names(SESSION))


def chunked(emulator, user: str = "user_ada", size: int = LARGE, **times: Any) -> dict[str, str]:
    """Return the cookies of somebody whose session needs two."""
    resize(emulator, size, user)
    value = sealed_session(emulator.sign_in(user, **times))
    assert len(value) > 4096
    return {TWO[0]: value[:4000], TWO[1]: value[4000:]}


async def seen(browser: Browser) -> Any:
    return (await browser.get("/who")).json["user"]

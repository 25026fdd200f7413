"""The application: ``uvicorn example_app.main:app`` with `WORKOS_*` in the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Unpack

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from authkit_asgi import AuthKitMiddleware, SessionStore
from authkit_asgi.fastapi import auth_router, webhook_router
from authkit_asgi.setting_types import AuthKitSettings
from example_app import api, devices, guarded, pages, problems

WEBHOOK_PATH = "/webhooks/workos"
"""Where WorkOS is to send events, if the environment has the secret they are signed with."""

_STATIC = Path(__file__).parent / "static"


def create_app(
    *,
    redis_url: str | None = None,
    store: SessionStore | None = None,
    previous_store: SessionStore | None = None,
    **settings: Unpack[AuthKitSettings],
) -> FastAPI:
    """Return the application; `settings` count where the environment leaves something open."""
    # FastAPI's own documentation pages load scripts from elsewhere.
    app = FastAPI(title="AuthKit example", docs_url=None, redoc_url=None)
    # Signed in or not makes no difference to a style sheet, so nobody looks at the cookie there.
    app.add_middleware(
        AuthKitMiddleware,
        skip=("/static",),
        redis_url=redis_url,
        store=store,
        previous_store=previous_store,
        **settings,
    )
    # /login, /signup, /callback, /logout; and /session, for the scripts of /front-end
    app.include_router(auth_router(session="/session"))
    if secret := os.environ.get("WORKOS_WEBHOOK_SECRET"):
        app.include_router(webhook_router(WEBHOOK_PATH, secret=secret))
    app.include_router(pages.router)
    app.include_router(guarded.router)
    app.include_router(devices.router)
    app.include_router(api.router)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    problems.install(app)
    return app


app = create_app(redis_url=os.environ.get("REDIS_URL"))

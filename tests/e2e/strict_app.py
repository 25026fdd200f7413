"""The example application without tolerance for expired tokens: 3 s shall be 3 s."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from authkit_asgi import AuthKitConfig
from example_app.main import create_app


def make() -> FastAPI:
    # Tokens of 3 s are always about to expire: each request would renew them ahead of time.
    has_buffer = "refresh_buffer" in AuthKitConfig.__dataclass_fields__
    ahead: dict[str, Any] = {"refresh_buffer": 0} if has_buffer else {}
    return create_app(jwt_leeway=0, **ahead)

"""A look at an application's routes when it starts, for guards that the settings do not fit."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from authkit_asgi.async_guard import MARK
from authkit_asgi.config import AuthKitConfig
from authkit_asgi.credentials import NO_ISSUERS
from authkit_asgi.errors import ConfigurationError

_METHODS = ("get", "head", "post", "put", "patch", "delete", "options")


def start_up_fault(app: object, config: AuthKitConfig) -> ConfigurationError | None:
    """Return what is wrong if an endpoint takes access tokens, and the settings name no issuer.

    Guards that are called by hand are not found; their first request is.

    Args:
        app: The Starlette application, if the lifespan's scope names it.
        config: The settings.
    """
    if config.issuers or not _take_access_tokens(getattr(app, "routes", ())):
        return None
    return ConfigurationError([NO_ISSUERS])


def _take_access_tokens(routes: Iterable[Any]) -> bool:
    return any(
        _endpoint_does(getattr(route, "endpoint", None))
        or _dependant_does(getattr(route, "dependant", None))
        or _take_access_tokens(_below(route))
        for route in routes
    )


def _below(route: Any) -> Iterable[Any]:
    """Return the routes of a mounted application, or of a router that FastAPI has included."""
    included = getattr(route, "effective_candidates", None)
    return (getattr(route, "routes", None) or ()) if included is None else included()


def _endpoint_does(endpoint: object) -> bool:
    # The methods are those of a class-based endpoint, which may be decorated one by one.
    parts = (endpoint, *(getattr(endpoint, method, None) for method in _METHODS))
    return any(getattr(part, MARK, False) for part in parts)


def _dependant_does(dependant: Any) -> bool:
    """Tell it of FastAPI's tree of what a route depends on."""
    return dependant is not None and (
        getattr(dependant.call, MARK, False) or any(map(_dependant_does, dependant.dependencies))
    )

"""The settings of the application under test, as far as they can be found from outside."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Host, Mount
from starlette.types import Receive, Scope, Send

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.middleware import AuthKitMiddleware

_INNER = ("middleware_stack", "app")
_MOST_PARTS = 1000  # of an application; what is no application may go on for ever


def tested_settings(client: object, variables: dict[str, str]) -> AuthKitConfig:
    """Return the settings of the application that a client calls in this process.

    Where its middleware cannot be found, because it runs in another process or is wrapped in
    something that hides it, these are the settings that the environment makes.

    Args:
        client: A test client; `None` is nobody's.
        variables: What `authkit_env` has set.

    Raises:
        ConfigurationError: They are faulty, or were read before `authkit_env` was there.
    """
    config = _config_in(_application(client)) or AuthKitConfig.from_env()
    emulated = (variables["WORKOS_BASE_URL"], variables["WORKOS_CLIENT_ID"])
    if (config.api_base_url, config.client_id) != emulated:
        problem = (
            f"the application asks {config.api_base_url} as {config.client_id}, not the emulator "
            f"at {emulated[0]} as {emulated[1]}: its settings were read before the fixture "
            "authkit_env had set them. Give AuthKitMiddleware no config= or authkit= that is made "
            "when a module is imported, or make the application in a fixture that asks for "
            "authkit_env"
        )
        raise ConfigurationError([problem])
    return config


def _application(client: object) -> Any:
    # The test client of Starlette says it, and httpx's transport for ASGI.
    transport = getattr(client, "_transport", None)
    return getattr(client, "app", None) or getattr(transport, "app", None)


def _config_in(application: Any) -> AuthKitConfig | None:
    """Return the settings of the first AuthKitMiddleware on the way in, outermost first."""
    waiting = [application]
    for _ in range(_MOST_PARTS):
        if not waiting:
            break
        part = waiting.pop(0)
        if isinstance(part, AuthKitMiddleware):
            return _read_earlier(part)
        if isinstance(part, Starlette) and part.middleware_stack is None:
            # Starlette makes its middleware with the first request; this one only tells.
            middleware: Any
            for middleware in part.user_middleware:
                made = middleware.cls
                if isinstance(made, type) and issubclass(made, AuthKitMiddleware):
                    return made(_nothing, *middleware.args, **middleware.kwargs).config
        routes = getattr(part, "routes", ())
        waiting += [route.app for route in routes if isinstance(route, Mount | Host)]
        waiting += [getattr(part, name) for name in _INNER if hasattr(part, name)]
    return None


def _read_earlier(middleware: AuthKitMiddleware) -> AuthKitConfig:
    try:
        return middleware.config
    except ConfigurationError as fault:
        problem = (
            "if these are WORKOS_* variables: the application read them before the fixture "
            "authkit_env had set them. Let everything that calls it ask for authkit_env"
        )
        raise ConfigurationError([*fault.problems, problem]) from None


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for an application that is never called."""

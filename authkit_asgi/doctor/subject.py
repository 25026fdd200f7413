"""The settings to be examined, read as the application itself reads them."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.middleware import AuthKitMiddleware
from authkit_asgi.start_up_check import start_up_fault

_MAX_LAYERS = 100  # of middleware around an application; one may name itself as what it wraps


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The settings, or what keeps them from being any."""

    origin: str
    """Where they were read, for a sentence."""
    config: AuthKitConfig | None = None
    problems: tuple[str, ...] = ()
    redis_url: str | None = field(default=None, repr=False)


def from_environment(environ: Mapping[str, str], *, origin: str) -> Subject:
    """Read `WORKOS_*`, as ``AuthKitConfig.from_env()`` does."""
    try:
        return Subject(origin=origin, config=AuthKitConfig.from_env(environ))
    except ConfigurationError as error:
        return Subject(origin=origin, problems=error.problems)


def with_env_file(environ: Mapping[str, str], path: Path) -> Mapping[str, str]:
    """Return the environment, and what `path` has for names that are not set in it.

    Raises:
        ImportError: python-dotenv is not installed.
        OSError, UnicodeDecodeError: The file cannot be read.
    """
    from dotenv import dotenv_values  # noqa: PLC0415  # an extra

    with path.open(encoding="utf-8") as file:
        values = dotenv_values(stream=file, interpolate=False)
    named = {name: value for name, value in values.items() if value}
    return {**named, **{name: value for name, value in environ.items() if value}}


def from_application(name: str) -> Subject:
    """Import ``module:attribute`` and return the settings of the middleware that it has.

    The module is looked for in the working directory too, as uvicorn does.
    """
    origin = f"the application {name}"
    if (directory := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, directory)
    module, _, attributes = name.partition(":")
    try:
        app = functools.reduce(getattr, attributes.split("."), importlib.import_module(module))
    # Whatever an application does when it is imported; its own words may hold anything.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        problem = f"{name} cannot be imported: {type(error).__name__}"
        return Subject(origin=origin, problems=(problem,))
    middleware, redis_url = _middleware(app)
    if middleware is None:
        problem = f"{name} has no AuthKitMiddleware: app.add_middleware(AuthKitMiddleware)"
        return Subject(origin=origin, problems=(problem,))
    try:
        config = middleware.config
    except ConfigurationError as error:
        return Subject(origin=origin, problems=error.problems, redis_url=redis_url)
    fault = start_up_fault(app, config)
    problems = () if fault is None else fault.problems
    return Subject(origin=origin, config=config, problems=problems, redis_url=redis_url)


def _middleware(app: Any) -> tuple[AuthKitMiddleware | None, str | None]:
    """Return the middleware in or around an application, and the `redis_url` it was given."""
    for _ in range(_MAX_LAYERS):
        if isinstance(app, AuthKitMiddleware):
            return app, None
        for entry in getattr(app, "user_middleware", ()):
            if isinstance(entry.cls, type) and issubclass(entry.cls, AuthKitMiddleware):
                # Starlette makes it at the first request; to make one more does no harm.
                return entry.cls(app, *entry.args, **entry.kwargs), entry.kwargs.get("redis_url")
        app = getattr(app, "app", None)
    return None, None

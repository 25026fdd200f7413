"""What `AuthKitMiddleware` is called with: faults in it, and the `AuthKit` that it makes."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.path_rules import rule_problems
from authkit_asgi.service import AuthKit
from authkit_asgi.setting_types import AuthKitSettings


def check_arguments(
    config: AuthKitConfig | None,
    authkit: AuthKit | None,
    settings: AuthKitSettings,
    parts: Mapping[str, object],
) -> None:
    """See that the sources of settings do not contradict each other.

    Raises:
        ConfigurationError: naming every fault.
    """
    problems: list[str] = []
    # Misspelt, they would be a TypeError: raised here, servers would serve all the same.
    known = AuthKitSettings.__annotations__.keys()
    for name in sorted(settings.keys() - known):
        close = difflib.get_close_matches(name, known, n=1)
        hint = f": is {close[0]!r} meant?" if close else ""
        problems.append(f"there is no option {name!r}{hint}")
    if sum(source is not None for source in (config, authkit, settings or None)) > 1:
        problems.append("AuthKitMiddleware takes either config, or authkit, or settings")
    if authkit is not None:
        problems += (
            f"{name} belongs to the AuthKit that authkit= gives"
            for name, part in parts.items()
            if part is not None
        )
    if parts["redis_url"] is not None and parts["coordinator"] is not None:
        problems.append("AuthKitMiddleware takes either redis_url or coordinator")
    if problems:
        raise ConfigurationError(problems)


def check_paths(
    *, skip: Sequence[str], protect: bool, public: Sequence[str], sign_up_paths: Sequence[str]
) -> None:
    """See that paths can be matched, and are not asked for in vain.

    Raises:
        ConfigurationError: naming every fault.
    """
    problems = [
        f"skip holds {path!r}, which is not a path such as /static"
        for path in skip
        if not path.startswith("/") or path.endswith("/")
    ]
    for name, rules in (("public", public), ("sign_up_paths", sign_up_paths)):
        problems += rule_problems(name, rules)
        if rules and not protect:
            problems.append(f"{name} means nothing without protect=True")
    if problems:
        raise ConfigurationError(problems)


def make_authkit(config: AuthKitConfig, *, redis_url: str | None, **parts: Any) -> AuthKit:
    """Return the service for settings and parts; with a `redis_url`, coordinated through that.

    Raises:
        ConfigurationError: The package redis is missing, or the address is none.
    """
    if redis_url is not None:
        try:
            from authkit_asgi.redis import RedisRefreshCoordinator  # noqa: PLC0415  # an extra
        except ModuleNotFoundError:
            problem = "redis_url needs the package redis: pip install 'authkit-asgi[redis]'"
            raise ConfigurationError([problem]) from None
        parts["coordinator"] = RedisRefreshCoordinator(
            redis_url, cookie_password=config.cookie_password, timeout=config.refresh_timeout
        )
    return AuthKit(config, **parts)

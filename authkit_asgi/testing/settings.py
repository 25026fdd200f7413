"""The settings of one emulator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, cast, get_args

from authkit_asgi.testing.connections import is_loopback_origin
from authkit_asgi.testing.refusal import ErrorShape


class SettingValues(TypedDict, total=False):
    """The settings by name, for keyword arguments; `Settings` says what each means."""

    client_id: str
    api_key: str
    issuer: str | None
    access_token_lifetime: float
    replay_window: float
    reuse_revokes_session: bool
    rotate_session_id: bool
    omit_method_on_refresh: bool
    error_shape: ErrorShape
    redirect_uris: Sequence[str]
    webhook_url: str
    webhook_secret: str


_PRODUCTION_API = "https://api.workos.com"


@dataclass(slots=True, kw_only=True)
class Settings:
    """What the emulator answers with and how strict it is; may be changed while it runs.

    Args:
        client_id: The client it knows; all others are refused.
        api_key: The secret of that client and the bearer token of the API.
        issuer: The ``iss`` claim; ``None`` is the form production uses,
            ``https://api.workos.com/user_management/<client_id>``.
        access_token_lifetime: Seconds from ``iat`` to ``exp``.
        replay_window: Seconds in which a used refresh token is answered with the same pair;
            0 is strict single use.
        reuse_revokes_session: Whether a replay outside the window ends the whole session.
        rotate_session_id: Whether each refresh changes ``sid``.
        omit_method_on_refresh: Whether ``authentication_method`` is absent from the answer to a
            refresh.
        error_shape: How ``authenticate`` words its errors: ``oauth`` is ``error`` and
            ``error_description``, ``workos`` is ``code`` and ``message``.
        redirect_uris: The redirect URIs allowed; empty allows any.
        webhook_url: Where events are sent, on this machine: sessions that end, users and
            memberships that are deleted. Empty for nowhere.
        webhook_secret: What they are signed with.
    """

    client_id: str = "client_emulator"
    api_key: str = "sk_test_emulator"
    issuer: str | None = None
    access_token_lifetime: float = 300
    replay_window: float = 0
    reuse_revokes_session: bool = False
    rotate_session_id: bool = False
    omit_method_on_refresh: bool = False
    error_shape: ErrorShape = "oauth"
    redirect_uris: Sequence[str] = ()
    webhook_url: str = ""
    webhook_secret: str = "whsec_emulator"  # noqa: S105  # of no account

    def __post_init__(self) -> None:
        self.issuer = self.issuer or f"{_PRODUCTION_API}/user_management/{self.client_id}"
        self.change(**self.as_changes())

    def change(self, **changes: Any) -> None:
        """Change settings by name, all or none; `ValueError` says what is wrong."""
        checked = {name: _check(name, value) for name, value in changes.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def as_changes(self) -> SettingValues:
        """Return all settings, for `change`."""
        return cast("SettingValues", {name: getattr(self, name) for name in _NAMES})

    def as_json(self) -> dict[str, Any]:
        """Return the settings without the secret."""
        return {name: getattr(self, name) for name in _NAMES if name not in _SECRETS}


_SECRETS = frozenset({"api_key", "webhook_secret"})
_NAMES = tuple(field.name for field in fields(Settings))


def _seconds(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _span(value: Any) -> float | None:
    seconds = _seconds(value)
    return None if seconds is None or seconds < 0 else seconds


def _switch(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _shape(value: Any) -> ErrorShape | None:
    return value if value in get_args(ErrorShape) else None


def _addresses(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    return tuple(value) if all(isinstance(item, str) for item in value) else None


def _loopback_address(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    scheme, _, rest = value.partition("://")
    return value if value == "" or is_loopback_origin(f"{scheme}://{rest.split('/')[0]}") else None


# For each setting what it must be, and a reader that returns `None` for anything else.
_READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "client_id": ("a text that is not empty", _text),
    "api_key": ("a text that is not empty", _text),
    "issuer": ("a text that is not empty", _text),
    "access_token_lifetime": ("a number of seconds", _seconds),
    "replay_window": ("a number of seconds, not negative", _span),
    "reuse_revokes_session": ("true or false", _switch),
    "rotate_session_id": ("true or false", _switch),
    "omit_method_on_refresh": ("true or false", _switch),
    "error_shape": ("'oauth' or 'workos'", _shape),
    "redirect_uris": ("a list of addresses", _addresses),
    "webhook_url": ("an http address of this machine, or empty", _loopback_address),
    "webhook_secret": ("a text that is not empty", _text),
}


def _check(name: str, value: Any) -> Any:
    if name not in _READERS:
        raise ValueError(f"there is no setting {name!r}")
    expected, read = _READERS[name]
    checked = read(value)
    if checked is None:
        raise ValueError(f"{name} must be {expected}")
    return checked

"""The settings: values only, checked all at once, read from the environment on request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Unpack, cast
from urllib.parse import urlsplit

from authkit_asgi.auth import User
from authkit_asgi.cookie_settings import domain_problems, name_problems
from authkit_asgi.environment import read_environment
from authkit_asgi.errors import ConfigurationError
from authkit_asgi.legacy_keys import legacy_key_problems
from authkit_asgi.origins import (
    is_origin_pattern,
    is_secure_url,
    origin_of,
    parse_http_url,
)
from authkit_asgi.passwords import CookiePassword, password_problems
from authkit_asgi.previous_passwords import previous_problems, with_previous
from authkit_asgi.setting_kinds import type_problems
from authkit_asgi.setting_types import AuthKitSettings, RefreshMode, SameSite

WEBHOOK_PATH = "/webhooks/workos"
"""Where `webhook_route` is unless it is told otherwise; public by itself."""

_MIN_SESSION_BYTES, _MAX_SESSION_BYTES = 4096, 16_384  # of one cookie, of what is read
_USER_FIELDS = frozenset(field.name for field in fields(User))
_MIN_TIMEOUT_SECONDS = 10  # the time of last use is kept in whole seconds
_MAX_LEEWAY_SECONDS = 60  # more would let a revoked session live on noticeably
_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9._~!$&'()*+,;=:@%/-]*")


@dataclass(frozen=True, kw_only=True)
class AuthKitConfig:
    """All settings of one application; what is passed here is final.

    Raises:
        ConfigurationError: naming every fault at once, and showing no value.
    """

    client_id: str = ""
    """The WorkOS client id, ``client_…`` (WORKOS_CLIENT_ID)."""
    api_key: str = field(default="", repr=False)
    """The WorkOS API key, ``sk_…`` (WORKOS_API_KEY)."""
    redirect_uri: str = ""
    """The absolute address of the callback route, as browsers see it (WORKOS_REDIRECT_URI)."""
    cookie_password: CookiePassword = field(default="", repr=False)
    """What seals the cookies: 32 characters or more (WORKOS_COOKIE_PASSWORD). Several, the newest
    first, or a mapping from id to password, let it be changed without signing anyone out."""
    cookie_password_previous: Sequence[str] = field(default=(), repr=False)
    """Older ones, which open sessions still (WORKOS_COOKIE_PASSWORD_PREVIOUS, comma-separated).
    `cookie_password` has them at its end once the settings are made."""
    legacy_fernet_key: Sequence[str] = field(default=(), repr=False)
    """Fernet keys of cookies that workos-python sealed and that are to be taken over
    (WORKOS_LEGACY_FERNET_KEY, comma-separated)."""
    cookie_name: str = "wos-session"
    """The session cookie's name (WORKOS_COOKIE_NAME)."""
    cookie_max_age: int = 34_560_000
    """The session cookie's life in seconds; 400 days is the most browsers grant
    (WORKOS_COOKIE_MAX_AGE)."""
    cookie_domain: str | None = None
    """The domain that shares the cookie; host-only when `None` (WORKOS_COOKIE_DOMAIN)."""
    cookie_same_site: SameSite = "lax"
    """lax, strict or none (WORKOS_COOKIE_SAME_SITE or WORKOS_COOKIE_SAMESITE)."""
    cookie_chunking: bool = True
    """Whether a session that one cookie cannot hold is written as several: wos-session.0, .1, …"""
    max_session_cookie_bytes: int = 7168
    """Bytes of these together, 16,384 at most; nginx and others refuse header lines over 8 KB."""
    api_base_url: str = "https://api.workos.com"
    """Where the WorkOS API is (WORKOS_BASE_URL; or WORKOS_API_HOSTNAME, _HTTPS and _PORT)."""
    issuers: Sequence[str] = ()
    """Accepted `iss` values; any when empty (WORKOS_ISSUER, comma-separated)."""
    jwt_leeway: float = 10
    """Clock skew allowed in `exp` and `nbf`, in seconds, at most 60."""
    jwks_max_age: float = 300
    """Seconds after which the signing keys are fetched again."""
    jwks_max_stale: float = 86_400
    """Seconds for which known signing keys serve on while they cannot be fetched."""
    api_timeout: float = 5
    """Seconds one call of the WorkOS API may take."""
    refresh: RefreshMode = "auto"
    """``never`` reads sessions and leaves them to the application that owns the cookie."""
    refresh_buffer: float | None = None
    """Seconds before its end at which an access token is renewed; 0 for not before. `None` for 60,
    or 30 where it lives 5 minutes or less. Half of its life at most."""
    refresh_timeout: float = 10
    """Seconds a refresh may take in all."""
    inactivity_timeout: float | None = None
    """Seconds, 10 or more, after which a session that nobody has used is over; `None` for never."""
    verified_cache_size: int = 2048
    """Sessions remembered for 60 s once they are verified, of 4 KB of cookie each, which take about
    three times that in memory; 0 for none."""
    session_user_fields: Sequence[str] | None = None
    """The fields of `User` that the session cookie holds, `id` and `email` in any case; all when
    `None` (WORKOS_SESSION_USER_FIELDS, comma-separated)."""
    eager_auth: bool = False
    """Whether pages get the access token in a cookie that scripts can read, for 30 s."""
    trusted_origins: Sequence[str] = ()
    """Other origins whose pages may open WebSockets and, under SameSite=None, send forms."""
    logout_return_origins: Sequence[str] = ()
    """Other origins that a sign-out may return to; ``https://*.example.com`` as in WorkOS."""
    login_path: str = "/login"
    """Where guards send people to sign in; an absolute path in the application."""
    sign_up_path: str | None = None
    """The sign-up route; `None` for /signup beside `login_path`."""
    callback_path: str = "/callback"
    """The end of the callback route's path; `redirect_uri` must end in it too."""
    logout_path: str | None = None
    """The sign-out route; `None` for /logout beside `login_path`."""
    default_return_path: str = "/"
    """Where a sign-in or sign-out ends when nobody asked for a page."""

    def __post_init__(self) -> None:
        if problems := tuple(type_problems(self)):
            raise ConfigurationError(problems)
        _set(self, "cookie_same_site", str(self.cookie_same_site).lower())
        _set(self, "api_base_url", self.api_base_url.rstrip("/"))
        for setting in fields(self):
            value = getattr(self, setting.name)
            if str(setting.type).startswith("Sequence[str]") and value is not None:
                _set(self, setting.name, (value,) if isinstance(value, str) else tuple(value))
        if problems := tuple(_problems(self)):
            raise ConfigurationError(problems)
        passwords = with_previous(self.cookie_password, self.cookie_password_previous)
        _set(self, "cookie_password", passwords)

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str] | None = None, /, **defaults: Unpack[AuthKitSettings]
    ) -> AuthKitConfig:
        """Read `WORKOS_*`; the environment wins over `defaults`, as in the JavaScript kits.

        Args:
            environ: What to read instead of `os.environ`. Empty values count as absent.
            defaults: Settings for what the environment leaves open.

        Raises:
            ConfigurationError: naming every fault at once, and showing no value.
        """
        settings, problems = read_environment(os.environ if environ is None else environ)
        try:
            defaults.update(cast("AuthKitSettings", settings))
            config = cls(**defaults)
        except ConfigurationError as error:
            raise ConfigurationError((*problems, *error.problems)) from None
        if problems:
            raise ConfigurationError(problems)
        return config

    @property
    def origin(self) -> str:
        """The application's own origin: `redirect_uri`'s. No request header is asked for it."""
        return cast("str", origin_of(self.redirect_uri))

    @property
    def cookie_secure(self) -> bool:
        """Whether cookies are `Secure`: only an http `redirect_uri` makes them not."""
        return self.redirect_uri.lower().startswith("https:") or self.cookie_same_site == "none"

    @property
    def is_read_only(self) -> bool:
        """Whether sessions are another application's to write."""
        return self.refresh == "never"

    @property
    def jwks_url(self) -> str:
        """Where the signing keys of this client are published."""
        return f"{self.api_base_url}/sso/jwks/{self.client_id}"

    @property
    def sign_up_route(self) -> str:
        """The path of the sign-up route."""
        return self.sign_up_path or self.login_path.rpartition("/")[0] + "/signup"

    @property
    def logout_route(self) -> str:
        """The path of the sign-out route."""
        return self.logout_path or self.login_path.rpartition("/")[0] + "/logout"

    @property
    def own_paths(self) -> frozenset[str]:
        """Paths of the bundled routes, which never refresh and where no sign-in may end."""
        parent = self.login_path.rpartition("/")[0]
        return frozenset(
            {
                self.login_path,
                self.sign_up_route,
                self.logout_route,
                parent + self.callback_path,
                urlsplit(self.redirect_uri).path,
                WEBHOOK_PATH,
            }
        )


def _set(config: AuthKitConfig, name: str, value: object) -> None:
    object.__setattr__(config, name, value)


def _problems(config: AuthKitConfig) -> Iterator[str]:
    if not config.client_id:
        yield "WORKOS_CLIENT_ID (client_id) is missing: copy it from the WorkOS dashboard, API keys"
    elif config.client_id.startswith("sk_") or config.api_key.startswith("client_"):
        yield "WORKOS_CLIENT_ID (client_id) and WORKOS_API_KEY (api_key) are swapped"
    elif not re.fullmatch(r"[A-Za-z0-9_-]+", config.client_id):
        yield "WORKOS_CLIENT_ID (client_id) holds characters that no client id has"
    if not config.api_key:
        yield "WORKOS_API_KEY (api_key) is missing: copy it from the WorkOS dashboard, API keys"
    elif not (config.api_key.isascii() and config.api_key.isprintable()):
        yield "WORKOS_API_KEY (api_key) holds characters that no HTTP header may carry"
    yield from password_problems(config.cookie_password)
    yield from previous_problems(config.cookie_password, config.cookie_password_previous)
    yield from legacy_key_problems(config.legacy_fernet_key)
    yield from _address_problems(config)
    yield from _cookie_problems(config)
    yield from _path_problems(config)
    yield from _number_problems(config)
    if not _USER_FIELDS.issuperset(config.session_user_fields or ()):
        known = ", ".join(sorted(_USER_FIELDS))
        yield (
            "WORKOS_SESSION_USER_FIELDS (session_user_fields) names something else than fields of "
            f"User: {known}"
        )


def _address_problems(config: AuthKitConfig) -> Iterator[str]:
    name = "WORKOS_REDIRECT_URI (redirect_uri)"
    parts = parse_http_url(config.redirect_uri)
    if not config.redirect_uri:
        yield f"{name} is missing: the callback's address, such as http://localhost:8000/callback"
    elif parts is None or parts.fragment or parts.query:
        yield f"{name} is not an absolute http(s) address without query and fragment"
    elif not is_secure_url(config.redirect_uri):
        yield f"{name} is http: use https, which only localhost may do without"
    elif not parts.path.endswith(config.callback_path):
        yield f"{name} does not end in the callback route's path, callback_path: /callback if unset"
    name = "WORKOS_BASE_URL or WORKOS_API_HOSTNAME (api_base_url)"
    api = parse_http_url(config.api_base_url)
    if api is None or api.query or api.fragment:
        yield f"{name} is not an absolute http(s) address without query and fragment"
    elif not is_secure_url(config.api_base_url):
        yield f"{name} is http: use https, which only localhost may do without"
    if any(origin_of(origin) != origin for origin in config.trusted_origins):
        yield "trusted_origins holds something else than origins such as https://app.example.com"
    if not all(is_origin_pattern(origin) for origin in config.logout_return_origins):
        yield (
            "logout_return_origins holds something else than origins such as "
            "https://app.example.com or https://*.example.com"
        )


def _cookie_problems(config: AuthKitConfig) -> Iterator[str]:
    has_domain = bool(config.cookie_domain)
    yield from name_problems(
        config.cookie_name, is_secure=config.cookie_secure, has_domain=has_domain
    )
    if config.cookie_same_site not in {"lax", "strict", "none"}:
        yield "WORKOS_COOKIE_SAME_SITE (cookie_same_site) is none of lax, strict, none"
    if config.cookie_max_age < 1:
        yield "WORKOS_COOKIE_MAX_AGE (cookie_max_age) is less than one second"
    if not _MIN_SESSION_BYTES <= config.max_session_cookie_bytes <= _MAX_SESSION_BYTES:
        yield (
            f"max_session_cookie_bytes is not between {_MIN_SESSION_BYTES} and {_MAX_SESSION_BYTES}"
        )
    if config.cookie_domain is not None:
        yield from domain_problems(config.cookie_domain, config.redirect_uri)


def _path_problems(config: AuthKitConfig) -> Iterator[str]:
    names = ("login_path", "sign_up_path", "callback_path", "logout_path", "default_return_path")
    for name in names:
        if not _PATH.fullmatch(getattr(config, name) or "/"):
            yield f"{name} is not a path that begins with one slash"


def _number_problems(config: AuthKitConfig) -> Iterator[str]:
    if not 0 <= config.jwt_leeway <= _MAX_LEEWAY_SECONDS:
        yield f"jwt_leeway is not between 0 and {_MAX_LEEWAY_SECONDS} seconds"
    if config.refresh not in {"auto", "never"}:
        yield "refresh is neither auto nor never"
    if not 0 <= (config.refresh_buffer or 0) < float("inf"):
        yield "refresh_buffer is not a number of seconds, 0 or more"
    if config.verified_cache_size < 0:
        yield "verified_cache_size is not a number of sessions, 0 or more"
    timeout = config.inactivity_timeout
    if timeout is not None and not _MIN_TIMEOUT_SECONDS <= timeout < float("inf"):
        yield "inactivity_timeout is not a number of seconds, 10 or more"
    for name in ("jwks_max_age", "jwks_max_stale", "api_timeout", "refresh_timeout"):
        if not 0 < getattr(config, name) < float("inf"):
            yield f"{name} is not a positive number of seconds"

"""The types of the settings, for signatures that pass them on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from authkit_asgi.passwords import CookiePassword

SameSite = Literal["lax", "strict", "none"]
RefreshMode = Literal["auto", "never"]


class AuthKitSettings(TypedDict, total=False):
    """The keyword arguments of `AuthKitConfig`, one by one."""

    client_id: str
    api_key: str
    redirect_uri: str
    cookie_password: CookiePassword
    cookie_password_previous: Sequence[str]
    legacy_fernet_key: Sequence[str]
    cookie_name: str
    cookie_max_age: int
    cookie_domain: str | None
    cookie_same_site: SameSite
    cookie_chunking: bool
    max_session_cookie_bytes: int
    api_base_url: str
    issuers: Sequence[str]
    jwt_leeway: float
    jwks_max_age: float
    jwks_max_stale: float
    api_timeout: float
    refresh: RefreshMode
    refresh_buffer: float | None
    refresh_timeout: float
    inactivity_timeout: float | None
    verified_cache_size: int
    session_user_fields: Sequence[str] | None
    eager_auth: bool
    trusted_origins: Sequence[str]
    logout_return_origins: Sequence[str]
    login_path: str
    sign_up_path: str | None
    callback_path: str
    logout_path: str | None
    default_return_path: str

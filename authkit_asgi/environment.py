"""The `WORKOS_*` environment variables, as all the kits name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TEXT_VARIABLES = {
    "client_id": ("WORKOS_CLIENT_ID",),
    "api_key": ("WORKOS_API_KEY",),
    "redirect_uri": ("WORKOS_REDIRECT_URI",),
    "cookie_password": ("WORKOS_COOKIE_PASSWORD",),
    "cookie_name": ("WORKOS_COOKIE_NAME",),
    "cookie_domain": ("WORKOS_COOKIE_DOMAIN",),
    "cookie_same_site": ("WORKOS_COOKIE_SAME_SITE", "WORKOS_COOKIE_SAMESITE"),
    "api_base_url": ("WORKOS_BASE_URL",),
}
_LIST_VARIABLES = {
    "cookie_password_previous": "WORKOS_COOKIE_PASSWORD_PREVIOUS",
    "legacy_fernet_key": "WORKOS_LEGACY_FERNET_KEY",
    "session_user_fields": "WORKOS_SESSION_USER_FIELDS",
    "issuers": "WORKOS_ISSUER",
}


def read_environment(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that `environ` holds and, a line each, what in it cannot be read.

    Empty values count as absent. The names are those of the JavaScript kits and the Python SDK.
    """
    settings: dict[str, Any] = {}
    problems: list[str] = []
    for setting, names in _TEXT_VARIABLES.items():
        value = next((environ[name] for name in names if environ.get(name)), None)
        if value is not None:
            settings[setting] = value
    for setting, name in _LIST_VARIABLES.items():
        parts = (part.strip() for part in environ.get(name, "").split(","))
        if named := tuple(part for part in parts if part):
            settings[setting] = named
    if max_age := environ.get("WORKOS_COOKIE_MAX_AGE"):
        if max_age.isascii() and max_age.isdecimal() and len(max_age) <= len("34560000"):
            settings["cookie_max_age"] = int(max_age)
        else:
            problems.append("WORKOS_COOKIE_MAX_AGE is not a number of seconds, such as 34560000")
    if "api_base_url" not in settings:
        _read_api_parts(environ, settings, problems)
    return settings, problems


def _read_api_parts(
    environ: Mapping[str, str], settings: dict[str, Any], problems: list[str]
) -> None:
    """Build the API's address as the JavaScript kits name it: host, https and port."""
    host = environ.get("WORKOS_API_HOSTNAME")
    https = environ.get("WORKOS_API_HTTPS")
    port = environ.get("WORKOS_API_PORT")
    if not (host or https or port):
        return
    if https and https.lower() not in {"true", "false"}:
        problems.append("WORKOS_API_HTTPS is neither true nor false")
    if port and not (port.isascii() and port.isdecimal() and len(port) <= len("65535")):
        problems.append("WORKOS_API_PORT is not a port number, such as 443")
        return
    scheme = "http" if https and https.lower() == "false" else "https"
    authority = (host or "api.workos.com") + (f":{port}" if port else "")
    settings["api_base_url"] = f"{scheme}://{authority}"

"""Session cookies that were sealed otherwise than cookies are now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulated import OTHER_PASSWORD, PASSWORD, sealed
from workos.session import seal_data, seal_session_from_auth_response

LEGACY_KEY = "dGhpcyBpcyBhIEZlcm5ldCBrZXksIG9mIDMyIG9jdHM="
OTHER_LEGACY_KEY = "YW5vdGhlciBGZXJuZXQga2V5LCBvZiAzMiBvY3RldHM="
ROTATING: dict[str, Any] = {
    "cookie_password": PASSWORD,
    "cookie_password_previous": OTHER_PASSWORD,
    "legacy_fernet_key": LEGACY_KEY,
}
"""Settings under which all of `WRITERS` are read."""


def sealed_by_sdk(answer: Mapping[str, Any], key: str = LEGACY_KEY) -> str:
    """Return the cookie that today's workos-python makes of an answer of `authenticate`."""
    return seal_session_from_auth_response(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        impersonator=answer.get("impersonator"),
        cookie_password=key,
    )


def sealed_by_older_sdk(answer: Mapping[str, Any], key: str = LEGACY_KEY) -> str:
    """Return the cookie that workos-python 5 makes: it seals the whole answer."""
    return seal_data(dict(answer), key)


def sealed_by_older_password(answer: Mapping[str, Any]) -> str:
    return sealed(answer, OTHER_PASSWORD)


WRITERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "older password": sealed_by_older_password,
    "workos-python": sealed_by_sdk,
    "older workos-python": sealed_by_older_sdk,
}

"""The fields that both emulators give, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_WORKOS_ID = "[0-9A-HJKMNP-TV-Z]{26}"  # a ULID: Crockford's base 32
TEXT = re.compile(r"(?s).+")
NOTHING = type(None)


def identifier(prefix: str) -> re.Pattern[str]:
    return re.compile(f"{prefix}_{_WORKOS_ID}")


Field = type | re.Pattern[str] | tuple[type | re.Pattern[str], ...]

USER: Mapping[str, Field] = {
    "object": re.compile("user"),
    "id": identifier("user"),
    "email": TEXT,
    "email_verified": bool,
    "first_name": (TEXT, NOTHING),
    "last_name": (TEXT, NOTHING),
    "profile_picture_url": (TEXT, NOTHING),
    "last_sign_in_at": (TIMESTAMP, NOTHING),
    "locale": (TEXT, NOTHING),
    "external_id": (TEXT, NOTHING),
    "metadata": dict,
    "created_at": TIMESTAMP,
    "updated_at": TIMESTAMP,
}
SESSION: Mapping[str, Field] = {
    "object": re.compile("session"),
    "id": identifier("session"),
    "user_id": identifier("user"),
    "organization_id": (identifier("org"), NOTHING),
    "ip_address": (TEXT, NOTHING),
    "user_agent": (TEXT, NOTHING),
    "created_at": TIMESTAMP,
    "updated_at": TIMESTAMP,
}
MEMBERSHIP: Mapping[str, Field] = {
    "object": re.compile("organization_membership"),
    "id": identifier("om"),
    "user_id": identifier("user"),
    "organization_id": identifier("org"),
    "status": re.compile("active"),
    "role": dict,
    "created_at": TIMESTAMP,
    "updated_at": TIMESTAMP,
}
AUTHENTICATION: Mapping[str, Field] = {
    "user": dict,
    "organization_id": (identifier("org"), NOTHING),
    "access_token": re.compile(r"[\w-]+\.[\w-]+\.[\w-]+"),
    "refresh_token": identifier("ref"),
    "authentication_method": TEXT,
}
CLAIMS: Mapping[str, Field] = {
    "iss": re.compile("https?://.+"),
    "sub": identifier("user"),
    "sid": identifier("session"),
    "iat": int,
    "exp": int,
}
ORGANIZATION_CLAIMS: Mapping[str, Field] = {
    "org_id": identifier("org"),
    "role": TEXT,
    "permissions": list,
}
KEY: Mapping[str, Field] = {
    "kty": re.compile("RSA"),
    "n": re.compile("[A-Za-z0-9_-]{342}"),  # 2,048 bits
    "e": re.compile("AQAB"),
    "kid": TEXT,
    "alg": re.compile("RS256"),
    "use": re.compile("sig"),
}


def faults(body: Mapping[str, Any], shape: Mapping[str, Field]) -> list[str]:
    """Return the fields that are missing or hold something else; others may be there."""
    return [
        f"{name}: {body.get(name, 'missing')!r}"
        for name, field in shape.items()
        if name not in body or not _fits(body[name], field)
    ]


def extra(body: Mapping[str, Any], *shapes: Mapping[str, Field]) -> set[str]:
    """Return the names of the fields beyond these."""
    return set(body).difference(*shapes)


def _fits(value: Any, field: Field) -> bool:
    if isinstance(field, tuple):
        return any(_fits(value, one) for one in field)
    if isinstance(field, re.Pattern):
        return isinstance(value, str) and field.fullmatch(value) is not None
    return type(value) is field

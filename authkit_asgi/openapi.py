"""How credentials and denials stand in FastAPI's OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Security
from fastapi.security import APIKeyCookie, HTTPBearer
from starlette.requests import HTTPConnection


class _SessionCookie(APIKeyCookie):
    """Puts the session cookie into OpenAPI; the middleware is what reads it."""

    async def __call__(self, request: HTTPConnection) -> None:  # noqa: ARG002  # FastAPI's protocol
        return None


class _Bearer(HTTPBearer):
    """Puts a bearer token into OpenAPI; a guard is what reads it."""

    async def __call__(self, request: HTTPConnection) -> None:  # noqa: ARG002  # FastAPI's protocol
        return None


SESSION_COOKIE = Security(
    _SessionCookie(
        name="wos-session",
        scheme_name="AuthKitSession",
        description="The sealed session that signing in sets. "
        "The setting `cookie_name` may name it otherwise.",
    )
)
DocumentedCookie = Annotated[None, SESSION_COOKIE]
DocumentedToken = Annotated[
    None,
    Security(
        _Bearer(
            bearerFormat="JWT",
            scheme_name="AuthKitAccessToken",
            description="An access token that WorkOS issued to a client of this application.",
        )
    ),
]
DocumentedAPIKey = Annotated[
    None,
    Security(
        _Bearer(scheme_name="WorkOSAPIKey", description="An API key, ``sk_…``, made in WorkOS.")
    ),
]

_MEMBERS: dict[str, Any] = {
    "type": {"type": "string"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "code": {"type": "string"},
}
_MORE_MEMBERS: dict[int, dict[str, Any]] = {
    401: {
        "reason": {"type": "string", "description": "Why nobody is signed in."},
        "max_age": {
            "type": "integer",
            "description": "How recent, in seconds, the sign-in has to be.",
        },
    },
    403: {
        "missing": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "description": "What it would take: names by their kind, such as permissions.",
        }
    },
}


def _documented(descriptions: dict[int, str]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {
            "description": description,
            "content": {"application/problem+json": {"schema": _problem(status)}},
        }
        for status, description in descriptions.items()
    }


def _problem(status: int) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["title", "status", "detail", "code"],
        "properties": {**_MEMBERS, **_MORE_MEMBERS.get(status, {})},
    }


AUTH_RESPONSES = _documented(
    {
        401: "Nobody is signed in.",
        403: "Whoever is signed in may not do this.",
        503: "It cannot be told who is signed in; see Retry-After.",
    }
)
"""For `responses=` of routes and routers whose dependencies are guards."""

BEARER_RESPONSES = _documented(
    {
        400: "Authorization cannot be read.",
        401: "Authorization carries nothing that counts; see WWW-Authenticate.",
        403: "Whoever asks may not do this, or asks with two credentials at once.",
        503: "It cannot be told who asks; see Retry-After.",
    }
)
"""The same for guards that read `Authorization`."""

"""The OpenAPI document is valid, and the application answers everybody as it says there."""

from __future__ import annotations

import collections
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from authkit_asgi.fastapi import auth_router
from authkit_asgi.testing import BreakWorkOS, SignIn
from example_app.main import create_app

_FEW_AND_THE_SAME = settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
_ADA, _SOREN = "user_01DEMOADA00000000000000000", "user_01DEMOSOREN000000000000000"
_SCRIPT = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}


@pytest.fixture
def app(authkit_env: object) -> FastAPI:
    """The application, with all that the package's router can have in the document."""
    app = create_app(jwt_leeway=0, refresh_buffer=0)
    app.include_router(auth_router(prefix="/all", session="/session", token="/token"))
    return app


def _statuses(
    app: FastAPI, headers: Mapping[str, str], *excluded: schemathesis.CheckFunction
) -> dict[str, set[int]]:
    """Ask for all that the document has, hold the answers to it, and return their statuses."""
    seen: dict[str, set[int]] = collections.defaultdict(set)
    for operation in _operations(app):

        @given(case=operation.as_strategy())
        @_FEW_AND_THE_SAME
        def ask(case: schemathesis.Case) -> None:
            response = case.call_and_validate(headers=dict(headers), excluded_checks=[*excluded])
            seen[case.path].add(response.status_code)

        ask()
    return seen


def _operations(app: FastAPI) -> Iterator[Any]:
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


def test_document_is_valid(app: FastAPI) -> None:
    document = app.openapi()
    validate(document)
    assert document["paths"].keys() >= {"/api/me", "/api/export", "/session", "/all/token"}


@pytest.mark.parametrize("script", [{}, _SCRIPT], ids=["program", "script"])
def test_strangers_get_what_the_document_says(app: FastAPI, script: dict[str, str]) -> None:
    seen = _statuses(app, script)
    assert seen["/api/me"] == seen["/api/export"] == {401}
    assert seen["/session"] == {200}
    assert seen["/all/token"] == ({401} if script else {403})


def _signed_in(sign_in: SignIn, user: str, lifetime: float = 300) -> dict[str, str]:
    return {**_SCRIPT, "Cookie": sign_in(user=user, expires_in=lifetime).cookie_header}


@pytest.mark.parametrize("lifetime", [300, -100], ids=["signed in", "expired and refreshed"])
@pytest.mark.parametrize(("user", "export"), [(_ADA, 200), (_SOREN, 403)], ids=["ada", "soren"])
def test_users_get_what_the_document_says(
    app: FastAPI, sign_in: SignIn, user: str, export: int, lifetime: float
) -> None:
    seen = _statuses(app, _signed_in(sign_in, user, lifetime))
    assert seen["/api/export"] == {export}
    for path in ("/api/me", "/session", "/all/session", "/all/token"):
        assert seen[path] == {200}


def test_users_get_what_the_document_says_in_an_outage(
    app: FastAPI, sign_in: SignIn, break_workos: BreakWorkOS
) -> None:
    headers = _signed_in(sign_in, _ADA, -100)
    break_workos()
    seen = _statuses(app, headers, not_a_server_error)
    for path in ("/api/me", "/api/export", "/session", "/all/session", "/all/token"):
        assert seen[path] == {503}

"""The settings of an application, as its own middleware reads them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from examined import RANDOM

from authkit_asgi.doctor.subject import Subject, from_application

NUMBERS = itertools.count()
SETTINGS = f"""
settings = {{
    "client_id": "client_emulator",
    "api_key": "sk_test_emulator",
    "redirect_uri": "https://app.example.com/callback",
    "cookie_password": "{RANDOM}",
    "cookie_name": "of-the-code",
}}
"""
HEAD = f"""
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route
from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware
{SETTINGS}
"""


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what is read of an application whose module has this text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def of(text: str, attribute: str = "app") -> Subject:
        module = f"examined_application_{next(NUMBERS)}"
        (tmp_path / f"{module}.py").write_text(HEAD + text, encoding="utf-8")
        return from_application(f"{module}:{attribute}")

    return of


STARLETTE = "app = Starlette(middleware=[{}])"
KIT = "authkit=AuthKit(AuthKitConfig(**settings))"
AROUND = """
class Around:
    def __init__(self, app):
        self.app = app

app = Around(Starlette(middleware=[Middleware(Around), Middleware(AuthKitMiddleware, **settings)]))
"""


@pytest.mark.parametrize(
    "text",
    [
        STARLETTE.format("Middleware(AuthKitMiddleware, **settings)"),
        STARLETTE.format("Middleware(AuthKitMiddleware, AuthKitConfig(**settings))"),
        STARLETTE.format(f"Middleware(AuthKitMiddleware, {KIT})"),
        "app = AuthKitMiddleware(Starlette(), **settings)",
        AROUND,
    ],
)
def test_settings_in_code_are_found_wherever_they_are_given(read, text):
    subject = read(text)
    assert subject.problems == ()
    assert subject.config is not None
    assert subject.config.cookie_name == "of-the-code"
    assert subject.redis_url is None
    assert subject.origin.startswith("the application examined_application_")


def test_application_may_be_an_attribute_of_another_object(read):
    subject = read(
        "class Site:\n    app = Starlette(middleware=[Middleware(AuthKitMiddleware, **settings)])",
        "Site.app",
    )
    assert subject.config is not None


def test_redis_of_the_application_is_the_one_to_examine(read):
    url = "redis://:hidden@localhost:6379/0"
    text = "Starlette(middleware=[Middleware(AuthKitMiddleware, redis_url={!r}, **settings)])"
    subject = read(f"app = {text.format(url)}")
    assert subject.redis_url == url
    assert "hidden" not in repr(subject)


def test_faults_of_the_settings_in_code_are_told_with_the_redis(read):
    subject = read(
        "app = Starlette(middleware=[Middleware(AuthKitMiddleware, redis_url='redis://localhost',"
        " **{**settings, 'api_key': '', 'cookie_nam': 'x'})])"
    )
    assert subject.config is None
    assert subject.problems == ("there is no option 'cookie_nam': is 'cookie_name' meant?",)
    assert subject.redis_url == "redis://localhost"


def test_guard_for_access_tokens_without_issuers_is_a_fault_as_at_start_up(read):
    subject = read(
        "from authkit_asgi import require, require_access_token\n"
        "@require(require_access_token)\nasync def page(request): ...\n"
        "app = Starlette(routes=[Route('/', page)],"
        " middleware=[Middleware(AuthKitMiddleware, **settings)])"
    )
    assert subject.config is not None
    (problem,) = subject.problems
    assert "WORKOS_ISSUER" in problem


@pytest.mark.parametrize(
    ("text", "attribute", "words"),
    [
        ("app = Starlette()", "app", "has no AuthKitMiddleware: app.add_middleware"),
        ("app = None", "app", "has no AuthKitMiddleware"),
        ("app = type('App', (), {})()\napp.app = app", "app", "has no AuthKitMiddleware"),
        ("app = Starlette()", "application", "cannot be imported: AttributeError"),
        ("raise RuntimeError('hidden')", "app", "cannot be imported: RuntimeError"),
        ("raise SystemExit('hidden')", "app", "cannot be imported: SystemExit"),
    ],
)
def test_what_is_no_application_of_ours_is_a_fault(read, text, attribute, words):
    subject = read(text, attribute)
    assert subject.config is None
    (problem,) = subject.problems
    assert words in problem
    assert "hidden" not in problem


def test_module_that_is_not_there_is_a_fault():
    (problem,) = from_application("no_such_module_here:app").problems
    assert problem == "no_such_module_here:app cannot be imported: ModuleNotFoundError"

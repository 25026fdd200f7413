"""Without telemetry nothing of OpenTelemetry is imported, and nothing stands in a request's way."""

from __future__ import annotations

import json
import subprocess
import sys

from emulated import service, settings

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware
from authkit_asgi.opentelemetry import OpenTelemetry
from authkit_asgi.protection import Protection
from authkit_asgi.session_check import SessionCheck
from authkit_asgi.sign_in import SignInFlow
from authkit_asgi.size_warning import SizeWarning
from authkit_asgi.verified_sessions import VerifiedSessions

PROGRAM = """
import json, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "opentelemetry":
            asked.append(name)
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

asked = []
sys.meta_path.insert(0, Absent())
from starlette.applications import Starlette
from starlette.testclient import TestClient
from authkit_asgi import AuthKitMiddleware
app = Starlette()
app.add_middleware(AuthKitMiddleware, **json.loads(sys.argv[1]))
TestClient(app).get("/")
before = list(asked)
try:
    import authkit_asgi.opentelemetry
except ModuleNotFoundError as error:
    print(json.dumps([before, error.name]))
"""


async def bare(scope, receive, send): ...


def test_package_works_where_opentelemetry_is_not_installed_and_does_not_look_for_it():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(settings())],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(result.stdout) == [[], "opentelemetry"]


def test_parts_without_telemetry_are_those_that_tell_nobody(emulator):
    kit = service(emulator)
    assert kit.telemetry is None
    assert type(kit._check) is SessionCheck
    assert type(kit._check._verified) is VerifiedSessions
    assert type(kit._sign_ins) is SignInFlow
    assert type(kit.size_warning) is SizeWarning
    assert AuthKitMiddleware(bare, authkit=kit).app is bare
    middleware = AuthKitMiddleware(bare, authkit=kit, protect=True)
    assert middleware.app is bare
    assert type(middleware._protection) is Protection


def test_telemetry_of_the_middleware_is_that_of_the_service_it_makes():
    telemetry = OpenTelemetry()
    middleware = AuthKitMiddleware(bare, telemetry=telemetry, **settings())
    assert middleware._authkit.telemetry is not None
    assert middleware._authkit.telemetry._telemetry is telemetry
    kit = AuthKit(AuthKitConfig(**settings()), telemetry=telemetry)
    assert kit._check._verified.size == kit.config.verified_cache_size

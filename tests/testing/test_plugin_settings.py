"""What `sign_in` says of an application whose settings are faulty, or not those of the test."""

from __future__ import annotations

import pytest
from plugin_site import app
from starlette.applications import Starlette
from starlette.testclient import TestClient

from authkit_asgi import AuthKitConfig, AuthKitMiddleware
from authkit_asgi.errors import ConfigurationError


@pytest.mark.parametrize(
    "changes", [{"api_base_url": "http://localhost:9"}, {"client_id": "other"}]
)
def test_settings_from_before_the_test_are_told(
    sign_in, authkit_env, monkeypatch: pytest.MonkeyPatch, changes
) -> None:
    names = {"api_base_url": "WORKOS_BASE_URL", "client_id": "WORKOS_CLIENT_ID"}
    with monkeypatch.context() as earlier:
        for name, value in changes.items():
            earlier.setenv(names[name], value)
        config = AuthKitConfig.from_env()
    with pytest.raises(ConfigurationError, match="read before the fixture authkit_env") as caught:
        sign_in(TestClient(app(config=config)))
    assert authkit_env["WORKOS_API_KEY"] not in str(caught.value)
    assert authkit_env["WORKOS_COOKIE_PASSWORD"] not in str(caught.value)


def test_fault_in_the_settings_is_told_with_the_sign_in(sign_in) -> None:
    with pytest.raises(ConfigurationError, match="cookie_max_age"):
        sign_in(TestClient(app(cookie_max_age=-1)))
    with pytest.raises(ConfigurationError, match="cookie_max_age"):
        sign_in(TestClient(AuthKitMiddleware(Starlette(), cookie_max_age=-1)))


def test_application_that_was_called_without_its_variables_is_told(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WORKOS_CLIENT_ID", raising=False)
    client = TestClient(app())
    with pytest.raises(ConfigurationError, match="WORKOS_CLIENT_ID"):
        client.get("/who")
    with pytest.raises(ConfigurationError, match="Let everything that calls it ask for") as caught:
        request.getfixturevalue("sign_in")(client)
    assert "WORKOS_CLIENT_ID" in str(caught.value)

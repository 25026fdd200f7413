"""`expire_session` and `break_workos` of the pytest plugin."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from plugin_site import app
from starlette.testclient import TestClient

from authkit_asgi.testing import HTML_PAGE


@pytest.fixture
def client(authkit_env: dict[str, str]) -> TestClient:
    return TestClient(app(jwt_leeway=60), base_url="http://localhost", follow_redirects=False)


def who(client: TestClient) -> Any:
    return client.get("/who").json()


def exchanges(emulator: Any) -> int:
    return int(emulator.count("authenticate", grant_type="refresh_token"))


def test_expired_session_is_refreshed_each_time(
    sign_in, expire_session, client, authkit_emulator
) -> None:
    session = sign_in(client, role="admin")
    for number in (1, 2):
        expire_session(client)
        assert (who(client)["role"], who(client)["session"]) == ("admin", session.session_id)
        assert exchanges(authkit_emulator) == number
    sign_in(client, expires_in=-1000)
    expire_session(client)
    assert who(client)["role"] == "admin"


def test_session_from_the_sign_in_page_expires_too(
    expire_session, client, authkit_emulator
) -> None:
    authkit_emulator.add_user(email="bob@example.com")
    begun = client.get("/login?login_hint=bob@example.com")
    client.get(httpx.get(begun.headers["location"]).headers["location"])
    assert (who(client)["email"], exchanges(authkit_emulator)) == ("bob@example.com", 0)
    expire_session(client)
    assert (who(client)["email"], exchanges(authkit_emulator)) == ("bob@example.com", 1)


def test_nobodys_session_does_not_expire(expire_session, client) -> None:
    with pytest.raises(ValueError, match="Sign in first"):
        expire_session(client)
    client.cookies.set("wos-session", "rubbish", domain="localhost.local")
    with pytest.raises(ValueError, match="Sign in first"):
        expire_session(client)


def test_broken_workos_is_an_outage_until_it_is_mended(
    sign_in, expire_session, break_workos, client
) -> None:
    sign_in(client)
    assert who(client)["user"]
    expire_session(client)
    with break_workos(headers={"Retry-After": "7"}, status=503):
        assert who(client)["reason"] == "temporarily_unavailable"
        assert client.get("/danger").headers["retry-after"] == "7"
    assert who(client)["user"]


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"status": 500},
        {"body": HTML_PAGE},
        {"reset": "before"},
        {"reset": "after", "times": 2},
        {"hang": True},
    ],
    ids=["default", "status", "garbage", "reset", "lost", "hang"],
)
def test_each_way_to_break_is_one(sign_in, expire_session, break_workos, authkit_env, how) -> None:
    client = TestClient(app(api_timeout=1))
    sign_in(client)
    expire_session(client)
    outage = break_workos("authenticate", grant_type="refresh_token", **how)
    assert who(client)["reason"] == "temporarily_unavailable"
    outage.mend()
    sign_in(client)
    assert who(client)["user"]


def test_what_only_takes_time_or_adds_headers_breaks_nothing(break_workos, authkit_env) -> None:
    with break_workos("jwks", delay=0.01, times=1), break_workos("jwks", headers={"X-A": "1"}):
        address = f"{authkit_env['WORKOS_BASE_URL']}/sso/jwks/client_emulator"
        assert httpx.get(address).status_code == 200
        assert httpx.get(address).headers["x-a"] == "1"


def test_mending_one_fault_leaves_the_others(break_workos, authkit_env) -> None:
    address = f"{authkit_env['WORKOS_BASE_URL']}/sso/jwks/client_emulator"
    lasting = break_workos("jwks", status=500)
    with break_workos("jwks", status=500):
        pass
    assert httpx.get(address).status_code == 500
    lasting.mend()
    assert httpx.get(address).status_code == 200


def test_endpoint_that_is_not_there_is_told(break_workos) -> None:
    with pytest.raises(ValueError, match="choose from"):
        break_workos("jwk")

"""One session, two stacks: the example application and the kits share WorkOS, cookie and user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from example_site import PASSWORD, SESSION, Site, WorkOSAddress, follow, run_site
from kit_bridge import NODE_8, NODE_10, Bridge

from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import seal_session, session_from_answer
from authkit_asgi.testing import WorkOSEmulator

ADA, ADA_ID = "ada@example.com", "user_01DEMOADA00000000000000000"
GLOBEX = "org_01DEMOGLOBEX00000000000000"
EXPIRED = -3600  # seconds; a lifetime that is over by more than any leeway


@pytest.fixture(scope="module")
def _served() -> Iterator[tuple[WorkOSEmulator, WorkOSAddress]]:
    emulator = WorkOSEmulator.demo()
    with emulator.serve() as url:
        address = WorkOSAddress(url=url, client_id=emulator.client_id, api_key=emulator.api_key)
        yield emulator, address


@pytest.fixture
def emulator(_served: tuple[WorkOSEmulator, WorkOSAddress]) -> WorkOSEmulator:
    _served[0].reset()
    return _served[0]


@pytest.fixture
def config(_served: tuple[WorkOSEmulator, WorkOSAddress]) -> dict[str, Any]:
    return _served[1].kit_config


@pytest.fixture
def site(emulator: WorkOSEmulator, _served: tuple[WorkOSEmulator, WorkOSAddress]) -> Iterator[Site]:
    with run_site(_served[1], jwt_leeway=0) as running:
        yield running


def accepted_by_all(bridge: Bridge, config: dict[str, Any], sealed: str | None) -> dict[str, Any]:
    """Return the session's claims, on which every kit agrees."""
    there = bridge("withAuth", config=config, sealed=sealed)["auth"]
    assert there["user"] is not None
    for folder in (NODE_8, NODE_10):
        auth = bridge("authenticate", config=config, sealed=sealed, folder=folder)
        assert auth["authenticated"] is True
        for name in ("user", "sessionId", "organizationId", "role", "permissions", "accessToken"):
            assert auth.get(name) == there.get(name)
    claims: dict[str, Any] = there["claims"]
    return claims


def test_session_of_the_application_is_accepted_by_the_kits(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    site.sign_in(ADA)
    user = site.me()
    auth = bridge("withAuth", config=config, sealed=site.session)["auth"]
    assert auth["user"]["email"] == user["email"] == ADA
    assert auth["user"]["metadata"] == user["metadata"] == {"team": "engines"}
    claims = accepted_by_all(bridge, config, site.session)
    assert claims["sub"] == user["id"]
    assert claims["role"] == "admin"


def test_session_with_a_spoilt_token_is_refused_by_all(
    bridge: Bridge, site: Site, emulator: WorkOSEmulator, config: dict[str, Any]
):
    site.sign_in(ADA)
    content = unseal(str(site.session), PASSWORD)
    del content["refreshToken"]  # else all of them would refresh
    spoilt = seal({**content, "accessToken": content["accessToken"][:-8] + "AAAAAAAA"}, PASSWORD)
    assert bridge("withAuth", config=config, sealed=spoilt)["auth"] == {"user": None}
    auth = bridge("authenticate", config=config, sealed=spoilt)
    assert auth == {"authenticated": False, "reason": "invalid_jwt"}
    site.session = spoilt
    assert site.client.get("/api/me").status_code == 401


def begin(bridge: Bridge, config: dict[str, Any]) -> tuple[str, dict[str, str], str]:
    """Begin a sign-in in authkit-session; return its cookie's name and value, and the callback."""
    options = {"loginHint": ADA, "returnPathname": "/dashboard"}
    begun = bridge("beginSignIn", config=config, options=options)
    value = begun["setCookies"][0].partition("=")[2].partition(";")[0]
    callback = follow(begun["url"])
    return begun["cookieName"], dict(httpx.URL(callback).params), value


def finish(bridge: Bridge, config: dict[str, Any], cookies: dict[str, str], **query: str) -> str:
    """Complete a sign-in in authkit-session; return the session cookie's value."""
    done = bridge("finishSignIn", config=config, cookies=cookies, **query)
    assert done["returnPathname"] == "/dashboard"
    values = dict(line.partition(";")[0].split("=", 1) for line in done["setCookies"])
    assert {name: value == "" for name, value in values.items() if name != SESSION}
    return values[SESSION]


def test_session_of_authkit_session_is_accepted_by_the_application(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    name, query, value = begin(bridge, config)
    site.session = finish(bridge, config, {name: value}, **query)
    user = site.me()
    assert (user["email"], user["first_name"]) == (ADA, "Ada")
    page = site.visit("/dashboard")
    assert page.status_code == 200
    assert "set-cookie" not in page.headers


@pytest.mark.parametrize("folder", [NODE_8, NODE_10])
def test_session_of_workos_node_is_accepted_by_the_application(
    bridge: Bridge, site: Site, emulator: WorkOSEmulator, config: dict[str, Any], folder: str
):
    reason = "a support case"
    code = emulator.impersonate(ADA_ID, email="eve@example.com", reason=reason)
    answer = bridge("exchangeCode", config=config, code=code, folder=folder)
    site.session = answer["sealedSession"]
    assert site.me()["email"] == ADA
    assert "eve@example.com" in site.visit("/dashboard").text
    auth = bridge("authenticate", config=config, sealed=site.session, folder=folder)
    assert auth["impersonator"] == {"email": "eve@example.com", "reason": reason}


def test_sign_in_begun_by_the_kit_is_completed_by_the_application(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    name, query, value = begin(bridge, config)
    site.set_cookie(name, value)
    done = site.visit(str(httpx.URL("/callback", params=query)))
    assert (done.status_code, done.headers["location"]) == (303, "/dashboard")
    assert name not in site.client.cookies
    assert site.me()["email"] == ADA
    accepted_by_all(bridge, config, site.session)


def test_sign_in_begun_by_the_application_is_completed_by_the_kit(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    begun = site.visit(f"/login?return_to=/dashboard&login_hint={ADA}")
    query = dict(httpx.URL(follow(begun.headers["location"])).params)
    cookies = dict(site.client.cookies)
    site.session = finish(bridge, config, cookies, **query)
    assert site.me()["email"] == ADA


def test_expired_session_of_the_kit_is_refreshed_by_the_application(
    bridge: Bridge, site: Site, emulator: WorkOSEmulator, config: dict[str, Any]
):
    emulator.configure(omit_method_on_refresh=True)
    answer = emulator.sign_in(ADA_ID, lifetime=EXPIRED)
    (converted,) = bridge("answers", answers=[answer], password=PASSWORD, folder=NODE_8)
    expired = converted["sealed"]
    auth = bridge("authenticate", config=config, sealed=expired)
    assert auth == {"authenticated": False, "reason": "invalid_jwt"}
    site.session = expired
    assert site.me()["email"] == ADA
    assert site.session != expired
    assert emulator.count("authenticate", grant_type="refresh_token", status=200) == 1
    accepted_by_all(bridge, config, site.session)
    assert unseal(str(site.session), PASSWORD)["authenticationMethod"] == "Password"


def test_expired_session_of_ours_is_refreshed_by_authkit_session(
    bridge: Bridge, site: Site, emulator: WorkOSEmulator, config: dict[str, Any]
):
    expired = seal_session(
        session_from_answer(emulator.sign_in(ADA_ID, lifetime=EXPIRED)), PASSWORD
    )
    site.session = bridge("withAuth", config=config, sealed=expired)["refreshedSessionData"]
    assert site.me()["email"] == ADA
    assert emulator.count("authenticate", grant_type="refresh_token", status=200) == 1


def test_session_of_the_application_is_refreshed_and_switched_by_the_kits(
    bridge: Bridge, site: Site, emulator: WorkOSEmulator, config: dict[str, Any]
):
    site.sign_in(ADA)
    organization = accepted_by_all(bridge, config, site.session)["org_id"]
    refreshed = bridge("refresh", config=config, sealed=site.session)
    assert refreshed["authenticated"] is True
    assert refreshed["organizationId"] == organization
    site.session = refreshed["sealedSession"]
    assert site.me()["email"] == ADA
    site.session = bridge(
        "switchOrganization", config=config, sealed=site.session, organizationId=GLOBEX
    )
    assert site.me()["email"] == ADA
    assert accepted_by_all(bridge, config, site.session)["org_id"] == GLOBEX
    assert emulator.count("authenticate", grant_type="refresh_token", status=200) == 2


def test_session_of_another_user_than_the_tokens_opens_in_the_kits_only(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    # authkit-nextjs refuses it as we do; authkit-session and workos-node believe the cookie.
    site.sign_in(ADA)
    content = unseal(str(site.session), PASSWORD)
    content["user"]["id"] = "user_other"
    site.session = seal(content, PASSWORD)
    accepted_by_all(bridge, config, site.session)
    assert site.client.get("/api/me").status_code == 401


def test_session_without_a_user_opens_in_the_kits_only(
    bridge: Bridge, site: Site, config: dict[str, Any]
):
    # Without a user nobody is signed in, whatever the token says.
    site.sign_in(ADA)
    content = unseal(str(site.session), PASSWORD)
    del content["user"]
    site.session = seal(content, PASSWORD)
    assert "claims" in bridge("withAuth", config=config, sealed=site.session)["auth"]
    assert bridge("authenticate", config=config, sealed=site.session)["authenticated"] is True
    assert site.client.get("/api/me").status_code == 401

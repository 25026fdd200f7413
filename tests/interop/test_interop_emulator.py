"""The application's whole life with WorkOS's own emulator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from example_site import ORIGIN, PASSWORD, Site, follow, run_site
from kit_bridge import Bridge
from official_emulator import ADA, BOB, OfficialEmulator, run_official_emulator

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.errors import GrantRejectedError
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import unseal_session
from authkit_asgi.tokens import unverified_claims


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfficialEmulator]:
    with run_official_emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def site(official: OfficialEmulator) -> Iterator[Site]:
    issuer = f"http://localhost:{httpx.URL(official.address.url).port}"
    with run_site(official.address, issuers=[issuer]) as running:
        yield running


def service(official: OfficialEmulator) -> AuthKit:
    """Return the package's service in another process's place: it remembers nothing."""
    address = official.address
    return AuthKit(
        AuthKitConfig(
            client_id=address.client_id,
            api_key=address.api_key,
            redirect_uri=f"{ORIGIN}/callback",
            cookie_password=PASSWORD,
            api_base_url=address.url,
        )
    )


def claims(site: Site) -> dict[str, object]:
    """Return the claims of the session's access token."""
    return unverified_claims(unseal_session(str(site.session), PASSWORD).access_token)


def spoilt(sealed: str | None) -> str:
    """Return the session with another signature: its tokens live too long to expire in a test."""
    content = unseal(str(sealed), PASSWORD)
    signed, _, signature = content["accessToken"].rpartition(".")
    other = ("B" if signature[0] == "A" else "A") + signature[1:]
    return seal({**content, "accessToken": f"{signed}.{other}"}, PASSWORD)


def test_sign_in_at_the_official_emulator(site: Site, official: OfficialEmulator):
    assert site.client.get("/api/me").status_code == 401
    site.sign_in(ADA)
    user = site.me()
    assert (user["id"], user["email"]) == (official.user_id(ADA), ADA)
    assert (user["first_name"], user["name"]) == ("Ada", None)
    assert (user["email_verified"], user["metadata"]) == (True, {"team": "engines"})
    assert claims(site)["sid"] in official.sessions(ADA)


def test_api_answers_the_client_of_the_package(official: OfficialEmulator):
    users = service(official).api.client.user_management
    user = asyncio.run(users.get_user(official.user_id(ADA)))
    assert (user.email, user.metadata) == (ADA, {"team": "engines"})


def test_page_does_without_the_memberships_that_the_client_cannot_read(site: Site):
    # This emulator leaves a field out of its memberships on which the client insists.
    site.sign_in(ADA)
    page = site.visit("/dashboard")
    assert page.status_code == 200
    assert "The list cannot be loaded" in page.text


def test_sign_in_of_somebody_unknown_ends_on_a_page(site: Site):
    begun = site.visit("/login?login_hint=nobody@example.com")
    callback = follow(begun.headers["location"])
    assert httpx.URL(callback).params["error"] == "user_not_found"
    failed = site.visit(callback)
    assert failed.status_code == 400
    assert site.session is None


def test_sign_in_needs_the_verifier_that_the_challenge_was_made_of(
    site: Site, official: OfficialEmulator
):
    codes = []
    for _ in range(2):
        begun = site.visit(f"/login?login_hint={ADA}")
        codes.append(httpx.URL(follow(begun.headers["location"])).params)
    before = official.sessions(ADA)
    crossed = httpx.URL("/callback", params={**codes[0], "state": codes[1]["state"]})
    assert site.visit(str(crossed)).status_code == 400
    assert official.sessions(ADA) == before
    assert site.session is None


def test_sign_in_by_an_impersonator_is_shown(site: Site):
    site.sign_in(BOB)
    assert "eve@example.com" in site.visit("/dashboard").text
    impersonator = unseal_session(str(site.session), PASSWORD).impersonator
    assert impersonator is not None
    assert impersonator.reason == "a support case"


def test_session_is_accepted_by_the_kits(bridge: Bridge, site: Site, official: OfficialEmulator):
    site.sign_in(ADA)
    config = official.address.kit_config
    auth = bridge("withAuth", config=config, sealed=site.session)["auth"]
    assert auth["user"]["email"] == ADA
    assert bridge("authenticate", config=config, sealed=site.session)["authenticated"] is True


def test_refresh_when_the_token_does_not_verify(site: Site, official: OfficialEmulator):
    site.sign_in(ADA)
    before, first = claims(site), str(site.session)
    site.session = spoilt(first)
    assert site.me()["email"] == ADA
    after = claims(site)
    assert after["sub"] == before["sub"]
    assert after["sid"] != before["sid"]  # this emulator makes a new one each time
    assert after["sid"] in official.sessions(ADA)
    assert "set-cookie" not in site.client.get("/api/me").headers


def test_refresh_token_is_good_once(site: Site, official: OfficialEmulator):
    site.sign_in(ADA)
    session = unseal_session(str(site.session), PASSWORD)
    site.session = spoilt(site.session)
    assert site.me()["email"] == ADA
    with pytest.raises(GrantRejectedError) as refused:
        asyncio.run(service(official).refresh(session))
    assert refused.value.reason == "invalid_grant"


def test_switch_of_organization_brings_its_role(site: Site, official: OfficialEmulator):
    site.sign_in(ADA)
    assert "org_id" not in claims(site)
    acme, globex = official.organization_id("Acme"), official.organization_id("Globex")
    for organization, role, permissions, status in (
        (acme, "admin", ["data:export"], 200),
        (globex, "member", [], 403),
    ):
        switched = site.visit(f"/dashboard?organization_id={organization}", "POST")
        assert (switched.status_code, switched.headers["location"]) == (303, "/dashboard")
        now = claims(site)
        assert (now["org_id"], now["role"]) == (organization, role)
        assert now["permissions"] == permissions
        assert site.visit("/admin").status_code == status


def test_refresh_stays_in_the_organization(site: Site, official: OfficialEmulator):
    site.sign_in(ADA)
    acme = official.organization_id("Acme")
    site.visit(f"/dashboard?organization_id={acme}", "POST")
    site.session = spoilt(site.session)
    assert site.visit("/admin").status_code == 200
    assert claims(site)["org_id"] == acme


@pytest.mark.parametrize("return_to", [None, "/?signed=out"])
def test_sign_out_ends_the_session_there_too(
    site: Site, official: OfficialEmulator, return_to: str | None
):
    site.sign_in(ADA)
    session_id = claims(site)["sid"]
    query = "" if return_to is None else f"?return_to={return_to}"
    out = site.visit(f"/logout{query}", "POST")
    assert out.status_code == 303
    assert site.session is None
    assert site.client.get("/api/me").status_code == 401
    assert session_id in official.sessions(ADA)
    ended = httpx.get(out.headers["location"])
    if return_to is None:
        assert ended.json() == {"success": True}
    else:
        assert (ended.status_code, ended.headers["location"]) == (302, f"{ORIGIN}{return_to}")
    assert session_id not in official.sessions(ADA)

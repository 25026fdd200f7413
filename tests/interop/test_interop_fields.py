"""Smaller sessions: the kits go on reading a cookie that holds three fields of its user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from example_site import PASSWORD, Site, WorkOSAddress, run_site
from kit_bridge import NODE_8, NODE_10, Bridge

from authkit_asgi.seal import unseal
from authkit_asgi.testing import WorkOSEmulator

ADA, ADA_ID = "ada@example.com", "user_01DEMOADA00000000000000000"
THREE = {"id": ADA_ID, "email": ADA, "firstName": "Ada"}


@pytest.fixture(scope="module")
def address() -> Iterator[WorkOSAddress]:
    emulator = WorkOSEmulator.demo()
    with emulator.serve() as url:
        yield WorkOSAddress(url=url, client_id=emulator.client_id, api_key=emulator.api_key)


@pytest.fixture
def site(address: WorkOSAddress) -> Iterator[Site]:
    with run_site(address, session_user_fields=["id", "email", "first_name"]) as running:
        yield running


def test_session_with_three_fields_of_the_user_opens_in_the_kits(
    bridge: Bridge, site: Site, address: WorkOSAddress
):
    site.sign_in(ADA)
    assert unseal(str(site.session), PASSWORD)["user"] == THREE
    config = address.kit_config
    assert bridge("withAuth", config=config, sealed=site.session)["auth"]["user"] == THREE
    for folder in (NODE_8, NODE_10):
        auth = bridge("authenticate", config=config, sealed=site.session, folder=folder)
        assert auth["authenticated"] is True
        assert auth["user"] == THREE


@pytest.mark.parametrize("folder", [NODE_8, NODE_10])
def test_session_with_three_fields_is_refreshed_by_the_kit_with_all_of_them(
    bridge: Bridge, site: Site, address: WorkOSAddress, folder: str
):
    site.sign_in(ADA)
    config = address.kit_config
    refreshed = bridge("refresh", config=config, sealed=site.session, folder=folder)
    assert refreshed["authenticated"] is True
    site.session = refreshed["sealedSession"]
    user = unseal(str(site.session), PASSWORD)["user"]
    assert user.items() >= THREE.items()
    assert len(user) > len(THREE)
    assert site.me()["first_name"] == "Ada"

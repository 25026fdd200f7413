"""Another password beside a kit that has one only, and workos-python's cookies: nobody is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from cryptography.fernet import Fernet
from example_site import ORIGIN, PASSWORD, Site, WorkOSAddress, follow, run_site
from kit_bridge import NODE_8, NODE_10, Bridge
from workos import WorkOSClient
from workos.session import Session, seal_data, seal_session_from_auth_response

from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

ADA, ADA_ID = "ada@example.com", "user_01DEMOADA00000000000000000"
NEW_PASSWORD = "the next cookie password of 32 characters or more"
KEY = Fernet.generate_key().decode()
PASSWORD_VARIABLE = "WORKOS_COOKIE_PASSWORD"
PREVIOUS_VARIABLE = "WORKOS_COOKIE_PASSWORD_PREVIOUS"
KEY_VARIABLE = "WORKOS_LEGACY_FERNET_KEY"


@pytest.fixture(scope="module")
def _served() -> Iterator[tuple[WorkOSEmulator, WorkOSAddress]]:
    emulator = WorkOSEmulator.demo()
    with emulator.serve() as url:
        yield (
            emulator,
            WorkOSAddress(url=url, client_id=emulator.client_id, api_key=emulator.api_key),
        )


@pytest.fixture
def emulator(_served: tuple[WorkOSEmulator, WorkOSAddress]) -> WorkOSEmulator:
    _served[0].reset()
    return _served[0]


@pytest.fixture
def workos(emulator: WorkOSEmulator, _served: tuple[WorkOSEmulator, WorkOSAddress]) -> Any:
    return _served[1]


class Person:
    """A browser with one session, which nobody may end."""

    def __init__(self, cookie: str, password: str) -> None:
        self.cookie = cookie
        self.refresh_token = unseal_session(cookie, password).refresh_token

    def visits(self, site: Site) -> bool:
        """Ask for a page of the application; tell whether that brought another cookie."""
        site.session = before = self.cookie
        assert site.me()["id"] == ADA_ID
        self.cookie = str(site.session)
        return self.cookie != before

    def is_known_to(self, bridge: Bridge, config: dict[str, Any]) -> bool:
        auth = bridge("withAuth", config=config, sealed=self.cookie)["auth"]
        assert auth.get("refreshToken", self.refresh_token) == self.refresh_token
        return auth["user"] is not None


def test_rotation_beside_a_kit_with_one_password_loses_nobody(
    bridge: Bridge, emulator: WorkOSEmulator, workos: WorkOSAddress
):
    old_kit = workos.kit_config
    new_kit = {**old_kit, "cookiePassword": NEW_PASSWORD}
    stages = {
        "before": {},
        "readers": {PREVIOUS_VARIABLE: NEW_PASSWORD},
        "writers": {PASSWORD_VARIABLE: NEW_PASSWORD, PREVIOUS_VARIABLE: PASSWORD},
        "after": {PASSWORD_VARIABLE: NEW_PASSWORD},
    }

    def signed_in_at_the_kit(config: dict[str, Any]) -> Person:
        begun = bridge("beginSignIn", config=config, options={"loginHint": ADA})
        value = begun["setCookies"][0].partition("=")[2].partition(";")[0]
        query = dict(httpx.URL(follow(begun["url"])).params)
        cookies = {begun["cookieName"]: value}
        done = bridge("finishSignIn", config=config, cookies=cookies, **query)
        (line,) = (one for one in done["setCookies"] if one.startswith("wos-session="))
        return Person(line.partition("=")[2].partition(";")[0], config["cookiePassword"])

    people = [signed_in_at_the_kit(old_kit)]
    with run_site(workos, stages["before"]) as site:
        assert not people[0].visits(site)
        site.sign_in(ADA)
        people.append(Person(str(site.session), PASSWORD))

    with run_site(workos, stages["readers"]) as site:
        for person in people:
            assert not person.visits(site)
            assert person.is_known_to(bridge, old_kit)

    # The kit and the application's workers change over, one after the other.
    early = signed_in_at_the_kit(new_kit)
    with run_site(workos, stages["readers"]) as lagging:
        early.visits(lagging)
    with run_site(workos, stages["writers"]) as site:
        for person in (*people, early):
            assert person.visits(site)
            assert not person.is_known_to(bridge, old_kit)
            assert person.is_known_to(bridge, new_kit)
            assert not person.visits(site)
        with run_site(workos, stages["readers"]) as lagging:
            people[0].visits(lagging)
        assert people[0].visits(site)

    with run_site(workos, stages["after"]) as site:
        for person in (*people, early):
            assert not person.visits(site)
            assert person.is_known_to(bridge, new_kit)


@pytest.fixture
def sdk(workos: WorkOSAddress) -> Iterator[WorkOSClient]:
    client = WorkOSClient(
        api_key=workos.api_key, client_id=workos.client_id, base_url=f"{workos.url}/"
    )
    yield client
    client.close()


def signed_in_with_the_sdk(client: WorkOSClient) -> str:
    """Sign Ada in as an application of workos-python does; return its cookie's value."""
    url = client.user_management.get_authorization_url(
        provider="authkit", redirect_uri=f"{ORIGIN}/callback", login_hint=ADA
    )
    code = dict(httpx.URL(follow(url)).params)["code"]
    answer = client.user_management.authenticate_with_code(code=code)
    return seal_session_from_auth_response(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        user=answer.user.to_dict(),
        cookie_password=KEY,
    )


def opened_by_the_sdk(client: WorkOSClient, cookie: str) -> Any:
    session = Session(client=client, session_data=cookie, cookie_password=KEY)
    return session.authenticate()


def test_session_of_workos_python_goes_on_and_is_one_of_the_kits_afterwards(
    bridge: Bridge, sdk: WorkOSClient, workos: WorkOSAddress
):
    cookie = signed_in_with_the_sdk(sdk)
    before = opened_by_the_sdk(sdk, cookie)
    assert (before.authenticated, before.user["id"]) == (True, ADA_ID)
    with run_site(workos, {KEY_VARIABLE: KEY}) as site:
        site.session = cookie
        assert site.me()["metadata"] == {"team": "engines"}
        assert str(site.session).startswith("Fe26.2*1*")
        page = site.visit("/dashboard")
        assert (page.status_code, page.headers.get("set-cookie")) == (200, None)
        moved = str(site.session)
    for folder in (NODE_8, NODE_10):
        auth = bridge("authenticate", config=workos.kit_config, sealed=moved, folder=folder)
        assert (auth["authenticated"], auth["sessionId"]) == (True, before.session_id)
        assert auth["user"]["metadata"] == {"team": "engines"}
    assert bridge("withAuth", config=workos.kit_config, sealed=moved)["auth"]["user"]["id"] == (
        ADA_ID
    )
    assert not opened_by_the_sdk(sdk, moved).authenticated
    with run_site(workos) as site:  # the key is taken out again
        site.session = moved
        assert site.me()["id"] == ADA_ID


def test_session_that_workos_python_has_refreshed_goes_on(sdk: WorkOSClient, workos: WorkOSAddress):
    session = Session(
        client=sdk, session_data=signed_in_with_the_sdk(sdk), cookie_password=KEY
    ).refresh()
    assert session.authenticated
    with run_site(workos, {KEY_VARIABLE: KEY}) as site:
        site.session = session.sealed_session
        assert site.me()["id"] == ADA_ID
        assert str(site.session).startswith("Fe26.2*1*")


def test_expired_session_of_workos_python_is_refreshed(
    emulator: WorkOSEmulator, workos: WorkOSAddress
):
    """Version 5 of the SDK seals WorkOS's whole answer."""
    cookie = seal_data(emulator.sign_in(ADA_ID, lifetime=-3600), KEY)
    with run_site(workos, {KEY_VARIABLE: f"{Fernet.generate_key().decode()},{KEY}"}) as site:
        site.session = cookie
        assert site.me()["id"] == ADA_ID
        assert str(site.session).startswith("Fe26.2*1*")

"""The page of one's devices: one that is signed out there is out at once, at every worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser_steps import SESSION, choose, expect_user, session_cookies, sign_in
from playwright.sync_api import Page, expect
from processes import Emulator, run_application
from redis_server import running
from screenshots_folder import Screenshot

pytestmark = pytest.mark.usefixtures("long_tokens")

_ADA = "user_01DEMOADA00000000000000000"
_ACME = "org_01DEMOACME0000000000000000"
_SECRET = "whsec_emulator"
_PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)
_SECONDS = 1  # within which a revocation counts


@pytest.fixture(scope="module")
def workers(
    _emulator: Emulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """The addresses of two workers of one application, which share a Redis."""
    folder: Path = tmp_path_factory.mktemp("devices")
    with running(folder) as redis:
        more = {"REDIS_URL": redis.url, "WORKOS_WEBHOOK_SECRET": _SECRET}
        with (
            run_application(_emulator, **more) as first,
            run_application(_emulator, **more) as second,
        ):
            yield first, second


Devices = tuple[Page, Page]


@pytest.fixture
def devices(new_page: Callable[..., Page], workers: tuple[str, str]) -> Devices:
    """Ada at a computer, and Ada at a phone, each at a worker of her own."""
    computer = new_page(base_url=workers[0])
    phone = new_page(base_url=workers[0], user_agent=_PHONE)
    sign_in(computer)
    sign_in(phone)
    phone.goto(f"{workers[1]}/dashboard")  # cookies know no ports
    expect_user(phone)
    return computer, phone


def statuses(page: Page, workers: tuple[str, str]) -> list[int]:
    """Ask each worker, as a script does, who the page's user is."""
    return [page.request.get(f"{worker}/api/me").status for worker in workers]


def seconds_until_out(page: Page, workers: tuple[str, str]) -> float:
    """Return how long it takes until no worker takes the page's user for signed in."""
    begun = time.monotonic()
    while statuses(page, workers) != [401, 401]:
        assert time.monotonic() - begun < 30
        time.sleep(0.01)
    return time.monotonic() - begun


def test_device_that_is_signed_out_on_the_page_is_out_within_a_second_at_every_worker(
    devices: Devices, workers: tuple[str, str], screenshot: Screenshot
) -> None:
    computer, phone = devices
    assert statuses(phone, workers) == [200, 200]
    computer.goto("/devices")
    expect(computer.get_by_text("This device")).to_have_count(1)
    expect(computer.get_by_text("Safari on iPhone", exact=True)).to_be_visible()
    screenshot(computer, "devices")
    with computer.expect_response(
        lambda response: response.request.method == "POST" and response.status == 303
    ):
        computer.get_by_role("button", name="Sign out Safari on iPhone").click()
    assert seconds_until_out(phone, workers) < _SECONDS
    expect(computer.get_by_text("Safari on iPhone", exact=True)).to_have_count(0)
    assert statuses(computer, workers) == [200, 200]
    # Whoever has the phone is asked who they are.
    phone.reload()
    expect(phone.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    choose(phone, "Ada Lovelace")
    expect_user(phone)


def test_all_other_devices_are_signed_out_together(
    devices: Devices, workers: tuple[str, str]
) -> None:
    computer, phone = devices
    computer.goto("/devices")
    computer.get_by_role("button", name="Sign out all other devices").click()
    expect(computer.get_by_role("button", name="Sign out all other devices")).to_have_count(0)
    assert seconds_until_out(phone, workers) < _SECONDS
    assert statuses(computer, workers) == [200, 200]


def test_page_fits_a_phone(devices: Devices, screenshot: Screenshot) -> None:
    _, phone = devices
    phone.set_viewport_size({"width": 360, "height": 740})
    phone.emulate_media(color_scheme="dark")
    phone.goto("/devices")
    expect(phone.get_by_text("This device")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    screenshot(phone, "devices-phone-dark")


def revoked_by_workos(emulator: Emulator, session_id: str) -> None:
    emulator.api("POST", "sessions/revoke", session_id=session_id)


def deleted(emulator: Emulator, _session_id: str) -> None:
    emulator.control("POST", "users/remove", user_id=_ADA)


def no_longer_a_member(emulator: Emulator, _session_id: str) -> None:
    emulator.control("POST", "memberships/remove", user_id=_ADA, organization_id=_ACME)


@pytest.mark.parametrize("happens", [revoked_by_workos, deleted, no_longer_a_member])
def test_what_workos_tells_one_worker_counts_within_a_second_at_every_worker(
    devices: Devices, workers: tuple[str, str], emulator: Emulator, happens: Any
) -> None:
    _, phone = devices
    phone.goto("/dashboard")
    session_id = phone.locator("#session ~ dl code").inner_text()
    assert statuses(phone, workers) == [200, 200]
    address = f"{workers[0]}/webhooks/workos"
    emulator.control("POST", "settings", webhook_url=address, webhook_secret=_SECRET)
    happens(emulator, session_id)
    assert seconds_until_out(phone, workers) < _SECONDS
    assert [cookie["name"] for cookie in session_cookies(phone)] == [SESSION]

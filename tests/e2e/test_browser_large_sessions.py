"""Sessions that one cookie cannot hold, in a real jar: an administrator of many permissions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_steps import SESSION, choose, expect_user, sign_in, sign_out
from nginx_front import run_nginx
from playwright.sync_api import Page, expect
from processes import TOKEN_LIFETIME_SECONDS, Emulator, free_port, run_application
from screenshots_folder import Screenshot

_ADA = "user_01DEMOADA00000000000000000"
_ACME = "org_01DEMOACME0000000000000000"
_PERMISSIONS, _FLAGS = 80, 40


def _grant(emulator: Emulator, permissions: int, flags: int = _FLAGS) -> None:
    """Give Ada so many permissions and feature flags."""
    emulator.control(
        "POST",
        "memberships",
        user_id=_ADA,
        organization_id=_ACME,
        role="admin",
        permissions=[f"area-{number}:manage" for number in range(permissions)],
        feature_flags=[f"beta-feature-{number}" for number in range(flags)],
    )


def _sizes(page: Page) -> dict[str, int]:
    """Return what the session's cookies take in the jar, by name."""
    found = ((str(one.get("name")), str(one.get("value"))) for one in page.context.cookies())
    return {name: len(name) + len(value) for name, value in found if name.startswith(SESSION)}


def _outlive_token() -> None:
    time.sleep(TOKEN_LIFETIME_SECONDS + 0.5)


def _live_through_sizes(page: Page, emulator: Emulator) -> None:
    _grant(emulator, _PERMISSIONS)
    sign_in(page)
    sizes = _sizes(page)
    assert sorted(sizes) == [f"{SESSION}.0", f"{SESSION}.1"]
    assert 5_000 < sum(sizes.values()) <= 7_168
    assert max(sizes.values()) <= 4_096
    page.reload()
    expect(page.locator("table")).to_contain_text("area-79:manage")

    _grant(emulator, _PERMISSIONS + 5)
    _outlive_token()
    page.reload()
    expect(page.locator("table")).to_contain_text("area-84:manage")
    assert sum(_sizes(page).values()) > sum(sizes.values())

    _grant(emulator, 3, flags=0)
    _outlive_token()
    page.reload()
    expect_user(page)
    assert list(_sizes(page)) == [SESSION]

    _grant(emulator, _PERMISSIONS)
    _outlive_token()
    page.reload()
    expect_user(page)
    assert sorted(_sizes(page)) == [f"{SESSION}.0", f"{SESSION}.1"]
    sign_out(page)
    assert page.context.cookies() == []


def test_large_session_grows_and_shrinks_and_leaves_an_empty_jar(
    page: Page, emulator: Emulator
) -> None:
    _live_through_sizes(page, emulator)


@pytest.fixture(scope="module")
def behind_nginx(_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("nginx")
    port = free_port()
    with (
        run_application(_emulator, public_port=port) as address,
        run_nginx(folder, port=port, backend=int(address.rpartition(":")[2])),
    ):
        yield f"http://localhost:{port}"


def test_large_session_passes_nginx(
    new_page: Callable[..., Page], behind_nginx: str, emulator: Emulator
) -> None:
    _live_through_sizes(new_page(base_url=behind_nginx), emulator)


def test_session_larger_than_all_chunks_is_a_page_that_says_so(
    page: Page, emulator: Emulator, screenshot: Screenshot
) -> None:
    _grant(emulator, 3 * _PERMISSIONS)
    page.goto("/dashboard")
    choose(page, "Ada Lovelace")
    expect(page.get_by_text("holds more than fits")).to_be_visible()
    screenshot(page, "session-too-large")
    assert _sizes(page) == {}
    page.goto("/")
    expect(page.get_by_text("Not signed in", exact=True)).to_be_visible()

"""The tutorial in a real browser, step by step: docs/tutorial.md."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from processes import free_port
from screenshots_folder import Screenshot

from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.server import serve_in_thread

sys.path.append(str(Path(__file__).parents[1] / "docs"))

import doc_pages


@pytest.fixture(scope="session")
def authkit_make_emulator() -> Callable[[], WorkOSEmulator]:
    return WorkOSEmulator.demo


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def authkit_redirect_uri(port: int) -> str:
    return f"http://127.0.0.1:{port}/callback"


@pytest.fixture
def page(new_page: Callable[..., Page], authkit_env: dict[str, str], port: int) -> Iterator[Page]:
    app = doc_pages.Page("tutorial.md").run().app
    with serve_in_thread(app, port=port, on_shutdown=lambda: None) as address:
        yield new_page(base_url=address)


def choose(page: Page, name: str) -> None:
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("button", name=name).click()


def test_people_sign_in_and_out_and_see_what_they_may(page: Page, screenshot: Screenshot) -> None:
    page.goto("/")
    expect(page.locator("body")).to_contain_text("Hello, stranger.")
    choose(page, "Ada Lovelace")
    expect(page.locator("body")).to_contain_text("Hello, ada@example.com.")
    page.reload()
    expect(page.locator("body")).to_contain_text("Hello, ada@example.com.")
    screenshot(page, "tutorial")
    page.goto("/export")
    expect(page.locator("body")).to_contain_text("data")
    page.goto("/")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url("/")
    choose(page, "María")
    page.goto("/export")
    expect(page.locator("body")).to_contain_text("This needs the permission data:export.")
    screenshot(page, "tutorial-refused")


def test_page_that_was_asked_for_is_where_a_sign_in_ends(page: Page) -> None:
    page.goto("/me")
    page.get_by_role("button", name="Ada Lovelace").click()
    expect(page).to_have_url("/me")
    expect(page.locator("body")).to_contain_text('{"hello":"Ada"}')

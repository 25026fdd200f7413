"""The sign-in page of docs/custom-sign-in.md, in a real browser."""

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

sys.path.append(str(Path(__file__).parents[1]))

from custom_sign_in import example

PASSWORD = "correct horse battery staple"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def authkit_redirect_uri(port: int) -> str:
    return f"http://127.0.0.1:{port}/callback"


@pytest.fixture
def page(
    new_page: Callable[..., Page],
    authkit_env: dict[str, str],
    authkit_emulator: WorkOSEmulator,
    port: int,
) -> Iterator[Page]:
    authkit_emulator.add_user(email="ada@example.com", first_name="Ada", password=PASSWORD)
    authkit_emulator.add_user(
        email="bob@example.com", first_name="Bob", password=PASSWORD, email_verified=False
    )
    app = example("main.py").app
    with serve_in_thread(app, port=port, on_shutdown=lambda: None) as address:
        yield new_page(base_url=address, viewport={"width": 380, "height": 600})


def enter(page: Page, email: str, password: str) -> None:
    form = page.locator('form[action="/sign-in"]')
    form.get_by_label("Email").fill(email)
    form.get_by_label("Password").fill(password)
    form.get_by_role("button", name="Sign in").click()


def test_deep_link_ends_at_the_page_after_a_wrong_and_a_right_password(
    page: Page, screenshot: Screenshot
) -> None:
    page.goto("/me?tab=1")
    expect(page).to_have_url("/sign-in?return_to=%2Fme%3Ftab%3D1")
    screenshot(page, "custom-sign-in")
    enter(page, "ada@example.com", "wrong")
    expect(page.get_by_role("status")).to_have_text("The email address or the password is wrong.")
    screenshot(page, "custom-sign-in-wrong")
    enter(page, "ada@example.com", PASSWORD)
    expect(page).to_have_url("/me?tab=1")
    expect(page.locator("body")).to_contain_text('{"hello":"Ada"}')


def test_address_is_verified_by_the_code_sent(
    page: Page, authkit_emulator: WorkOSEmulator, screenshot: Screenshot
) -> None:
    page.goto("/me")
    enter(page, "bob@example.com", PASSWORD)
    expect(page.get_by_role("heading", level=1)).to_have_text("Verify your address")
    screenshot(page, "custom-sign-in-verify")
    page.get_by_label("Code").fill(authkit_emulator.one_time_code("bob@example.com"))
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("body")).to_contain_text('{"hello":"Bob"}')


def test_magic_code_signs_in(page: Page, authkit_emulator: WorkOSEmulator) -> None:
    page.goto("/sign-in?return_to=/me")
    form = page.locator('form[action="/sign-in/send-code"]')
    form.get_by_label("Email").fill("ada@example.com")
    form.get_by_role("button", name="Email me a code").click()
    page.get_by_label("Code").fill(authkit_emulator.one_time_code("ada@example.com"))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url("/me")


def test_form_on_another_site_signs_nobody_in(
    page: Page, stranger: str, authkit_emulator: WorkOSEmulator, port: int
) -> None:
    page.goto(stranger)
    page.set_content(
        f'<form method="post" action="http://127.0.0.1:{port}/sign-in">'
        '<input name="email" value="ada@example.com">'
        f'<input name="password" value="{PASSWORD}"><button>Win a prize</button></form>'
    )
    page.get_by_role("button").click()
    expect(page.get_by_role("status")).to_have_text("Please sign in on our own page.")
    assert authkit_emulator.count("authenticate") == 0
    assert page.context.cookies() == []

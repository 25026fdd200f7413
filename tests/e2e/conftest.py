from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from processes import TOKEN_LIFETIME_SECONDS, Emulator, run_application, run_emulator
from screenshots_folder import Screenshot

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _emulator() -> Iterator[Emulator]:
    with run_emulator() as running:
        yield running


@pytest.fixture(scope="session")
def app_url(_emulator: Emulator) -> Iterator[str]:
    with run_application(_emulator) as address:
        yield address


@pytest.fixture
def emulator(_emulator: Emulator) -> Emulator:
    """The emulator as it was at its start, but for the signing key."""
    _emulator.control("POST", "reset")
    return _emulator


@pytest.fixture
def long_tokens(emulator: Emulator) -> Iterator[None]:
    """Access tokens that outlive the test."""
    emulator.control("POST", "settings", access_token_lifetime=300)
    yield
    emulator.control("POST", "settings", access_token_lifetime=TOKEN_LIFETIME_SECONDS)


@pytest.fixture
def new_page(chromium: Browser, app_url: str, emulator: Emulator) -> Iterator[Callable[..., Page]]:
    """Make a page in a fresh profile; at the end no page may have had a fault in its console."""
    contexts = []
    faults: list[str] = []

    def make(**options: Any) -> Page:
        context = chromium.new_context(base_url=app_url, **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        context.on(
            "console",
            lambda message: (
                faults.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture(scope="session")
def screenshot() -> Screenshot:
    return Screenshot()

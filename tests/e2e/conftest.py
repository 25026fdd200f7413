from __future__ import annotations

import contextlib
import functools
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[1] / "coordination"))

from certificate import Certificate
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from processes import (
    SECURE_HOST,
    TOKEN_LIFETIME_SECONDS,
    Emulator,
    run_application,
    run_emulator,
    run_other_site,
)
from screenshots_folder import Screenshot

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Sites of other names, which no name server is asked for (RFC 2606, 2).
    "--host-resolver-rules=MAP *.example 127.0.0.1",
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("certificate"), SECURE_HOST)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium_options(certificate: Certificate) -> dict[str, Any]:
    """What every Chromium is started with: it has to trust the certificate."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("The browser tests need Chromium: apt-get install chromium", pytrace=False)
    return {"executable_path": path, "args": [*_ARGUMENTS, certificate.browser_argument]}


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, chromium_options: dict[str, Any]) -> Iterator[Browser]:
    browser = playwright.chromium.launch(**chromium_options)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def _emulator() -> Iterator[Emulator]:
    with run_emulator() as running:
        yield running


@pytest.fixture(scope="session")
def application(_emulator: Emulator, certificate: Certificate) -> Iterator[Callable[..., str]]:
    """Serve the application with a SameSite and with https or http; return its address."""
    with contextlib.ExitStack() as stack:

        @functools.cache
        def serve(same_site: str, *, https: bool = False) -> str:
            wanted = certificate if https else None
            running = run_application(_emulator, same_site=same_site, certificate=wanted)
            return stack.enter_context(running)

        yield serve


@pytest.fixture(scope="session")
def app_url(application: Callable[..., str]) -> str:
    return application("lax")


@pytest.fixture(scope="session")
def other_site_port() -> Iterator[int]:
    with run_other_site() as port:
        yield port


@pytest.fixture(scope="session")
def stranger(other_site_port: int) -> str:
    """A page's origin that is on another site than the application."""
    return f"http://stranger.example:{other_site_port}"


@pytest.fixture(scope="session")
def neighbour(other_site_port: int) -> str:
    """Another origin on the application's own site: browsers send it all the cookies."""
    return f"http://localhost:{other_site_port}"


@pytest.fixture(params=["stranger", "neighbour"])
def other_origin(request: pytest.FixtureRequest) -> Any:
    """Each kind of foreign origin in turn."""
    return request.getfixturevalue(request.param)


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

    def make(browser: Browser = chromium, **options: Any) -> Page:
        context = browser.new_context(**{"base_url": app_url, **options})
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

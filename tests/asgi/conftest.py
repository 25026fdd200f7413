from __future__ import annotations

import pytest
from asgi_driver import Browser
from asgi_site import site
from emulated import Clock
from stored_site import Store

from authkit_asgi.testing import WorkOSEmulator


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    """A browser in front of a site with the bundled routes and `/who`."""
    return Browser(site(emulator))


@pytest.fixture
def store(clock: Clock) -> Store:
    """A store of sessions on the test's clock."""
    return Store(clock)

from __future__ import annotations

import pytest
from asgi_driver import Browser
from asgi_site import site

from authkit_asgi.testing import WorkOSEmulator


@pytest.fixture
def browser(emulator: WorkOSEmulator) -> Browser:
    """A browser in front of a site with the bundled routes and `/who`."""
    return Browser(site(emulator))

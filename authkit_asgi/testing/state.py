"""Everything one emulator holds, in one place, under one lock."""

from __future__ import annotations

import threading
from collections.abc import Callable

from authkit_asgi.testing.api_keys import APIKeys
from authkit_asgi.testing.browsers import Browsers
from authkit_asgi.testing.codes import Codes
from authkit_asgi.testing.directory import Directory
from authkit_asgi.testing.faults import Faults
from authkit_asgi.testing.journal import Journal
from authkit_asgi.testing.one_time_codes import OneTimeCodes
from authkit_asgi.testing.sessions import Sessions
from authkit_asgi.testing.settings import Settings
from authkit_asgi.testing.signing import SigningKeys
from authkit_asgi.testing.webhooks import Webhooks


class EmulatorState:
    """The stores behind the endpoints.

    Whoever reads or writes `directory`, `api_keys`, `codes`, `one_time_codes`, `sessions`,
    `browsers` or `settings` holds `lock`, since a test and a server thread may both be at work; the
    others have locks of their own.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self.lock: threading.RLock = threading.RLock()
        self.settings = settings
        self.clock = clock
        self.keys: SigningKeys = SigningKeys()
        self.directory: Directory = Directory(clock)
        self.api_keys: APIKeys = APIKeys(clock)
        self.codes: Codes = Codes(clock)
        self.one_time_codes: OneTimeCodes = OneTimeCodes(clock)
        self.browsers: Browsers = Browsers()
        self.faults: Faults = Faults()
        self.journal: Journal = Journal()
        self.webhooks: Webhooks = Webhooks(settings, clock)
        self.sessions: Sessions = Sessions(
            settings=settings,
            directory=self.directory,
            keys=self.keys,
            clock=clock,
            webhooks=self.webhooks,
        )

    def clear(self) -> None:
        """Forget everything but the settings and the current signing key."""
        with self.lock:
            self.keys.withdraw_old()
            self.directory.clear()
            self.api_keys.clear()
            self.codes.clear()
            self.one_time_codes.clear()
            self.browsers.clear()
            self.sessions.clear()
            self.faults.clear()
            self.journal.clear()

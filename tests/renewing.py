"""What the tests of renewals share: an AuthKit that is listened to, and expired sessions."""

from __future__ import annotations

import json
from typing import Any

import anyio
import httpx
from emulated import settings

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.session import Session, session_from_answer
from authkit_asgi.testing import WorkOSEmulator


class Sent:
    """An AuthKit whose refresh tokens and organizations are noted as they go out."""

    def __init__(self, emulator: WorkOSEmulator, **changes: Any) -> None:
        self.tokens: list[str] = []
        self.organizations: list[str | None] = []

        def factory() -> httpx.AsyncClient:
            transport = httpx.ASGITransport(emulator.app)
            return httpx.AsyncClient(transport=transport, event_hooks={"request": [self._note]})

        self.authkit = AuthKit(
            AuthKitConfig(**settings(**changes)),
            http_client_factory=factory,
            clock=emulator._state.clock,
        )

    async def _note(self, request: httpx.Request) -> None:
        if request.method == "POST":
            fields = json.loads(request.content)
            self.tokens.append(fields["refresh_token"])
            self.organizations.append(fields.get("organization_id"))


def expired(emulator: WorkOSEmulator, user: str = "user_ada") -> Session:
    return session_from_answer(emulator.sign_in(user, lifetime=-100))


async def until_asked(
    emulator: WorkOSEmulator, times: int = 1, *, endpoint: str = "authenticate"
) -> None:
    """Wait until WorkOS has been asked so often."""
    with anyio.fail_after(30):
        while emulator.count(endpoint) < times:  # noqa: ASYNC110  # the journal has no event
            await anyio.sleep(0.01)

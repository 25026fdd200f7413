"""Sessions that grow when they are refreshed: no token is sent twice, whatever can hold them."""

from __future__ import annotations

import logging

import pytest
from emulated import PASSWORD
from renewing import Sent, expired

from authkit_asgi.errors import GrantRejectedError
from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio


def grow(emulator, size: int) -> None:
    emulator.update_user("user_ada", metadata={"notes": "x" * size})


async def test_session_larger_than_any_cookie_is_remembered(emulator):
    sent = Sent(emulator)
    session = expired(emulator)
    grow(emulator, 30_000)
    for _ in range(2):
        successor = await sent.authkit.refresh(session)
        assert successor.auth.user.metadata == {"notes": "x" * 30_000}
        assert unseal_session(successor.sealed, PASSWORD, max_length=65_536) == successor.session
    assert sent.tokens == [session.refresh_token]


async def test_session_too_large_to_be_kept_ends(emulator, caplog):
    caplog.set_level(logging.INFO)
    sent = Sent(emulator)
    session = expired(emulator)
    grow(emulator, 60_000)
    for _ in range(2):
        with pytest.raises(GrantRejectedError) as caught:
            await sent.authkit.refresh(session)
        assert caught.value.reason == "session_too_large"
    assert sent.tokens == [session.refresh_token]
    ours = [record for record in caplog.records if record.name == "authkit_asgi.exchange"]
    assert [record.getMessage().endswith("(session_too_large)") for record in ours] == [True]

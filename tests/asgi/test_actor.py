"""Who acts in a user's name is who the token names, whatever the session around it holds."""

from __future__ import annotations

import pytest
from emulated import sealed, service

from authkit_asgi import Impersonator, SignedIn

pytestmark = pytest.mark.anyio

SUPPORT = {"email": "support@example.com", "reason": "a ticket"}


async def impersonator_of(emulator, answer) -> Impersonator | None:
    auth = (await service(emulator).load([sealed(answer)])).auth
    assert isinstance(auth, SignedIn)
    return auth.impersonator


async def test_session_that_names_the_impersonator_says_why(emulator):
    answer = emulator.sign_in("user_ada", impersonator=SUPPORT)
    assert await impersonator_of(emulator, answer) == Impersonator(**SUPPORT)


async def test_session_that_does_not_name_the_impersonator_hides_nobody(emulator):
    answer = emulator.sign_in("user_ada", impersonator=SUPPORT)
    del answer["impersonator"]
    found = await impersonator_of(emulator, answer)
    assert found == Impersonator(email="support@example.com", reason=None)


async def test_nobody_acts_in_the_name_of_who_is_there(emulator):
    assert await impersonator_of(emulator, emulator.sign_in("user_ada")) is None

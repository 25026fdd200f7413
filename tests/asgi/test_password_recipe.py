"""The way from one cookie password to another, with workers of two steps side by side."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, sign_in, signed_in_cookie, site
from emulated import OTHER_PASSWORD as NEW
from emulated import PASSWORD as OLD
from emulated import sealed

from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio

WHO = {"user": "user_ada", "organization": "org_acme"}
BEFORE: dict[str, Any] = {"cookie_password": OLD}
READERS: dict[str, Any] = {"cookie_password": OLD, "cookie_password_previous": NEW}
WRITERS: dict[str, Any] = {"cookie_password": NEW, "cookie_password_previous": OLD}
AFTER: dict[str, Any] = {"cookie_password": NEW}


class Workers(Browser):
    """A browser whose requests go to the workers of two steps in turn."""

    def __init__(self, emulator: Any, cookie: str, *steps: dict[str, Any]) -> None:
        self.apps = [site(emulator, **step) for step in steps]
        super().__init__(self.apps[0])
        self.cookies[SESSION] = cookie

    async def written(self, *turns: int) -> list[bool]:
        """Visit workers one after the other; tell which of them have written a cookie."""
        written = []
        for turn in turns:
            self.app = self.apps[turn]
            answer = await self.get("/who")
            assert answer.json == WHO
            written.append(bool(answer.set_cookies))
        return written


async def test_while_readers_are_rolled_out_nothing_is_written(emulator):
    workers = Workers(emulator, signed_in_cookie(emulator), BEFORE, READERS)
    assert await workers.written(0, 1, 0, 1, 1) == [False] * 5


async def test_while_writers_are_rolled_out_each_change_of_worker_seals_the_session_anew(emulator):
    workers = Workers(emulator, signed_in_cookie(emulator), READERS, WRITERS)
    turns = (0, 1, 1, 0, 0, 1, 1)
    assert await workers.written(*turns) == [False, True, False, True, False, True, False]
    assert unseal_session(workers.cookies[SESSION], NEW).user_id == "user_ada"
    assert emulator.count("authenticate") == 0


@pytest.mark.parametrize("steps", [(BEFORE, READERS), (READERS, WRITERS)], ids=["first", "second"])
@pytest.mark.parametrize("turns", [(0, 1, 0), (1, 0, 1)])
async def test_sessions_that_are_made_and_renewed_meanwhile_hold_at_every_worker(
    emulator, clock, steps, turns
):
    workers = Workers(emulator, "", *steps)
    workers.app = workers.apps[turns[0]]
    assert (await sign_in(workers, emulator)).status == 303
    await workers.written(*turns)
    clock.now += 301
    await workers.written(*turns)
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


async def test_when_the_old_password_is_dropped_those_who_have_been_back_stay(emulator):
    workers = Workers(emulator, signed_in_cookie(emulator), WRITERS, AFTER)
    assert await workers.written(0, 1, 0, 1) == [True, False, False, False]


async def test_when_the_old_password_is_dropped_others_sign_in_again(emulator):
    browser = Workers(emulator, signed_in_cookie(emulator), AFTER)
    answer = await browser.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("invalid_session_cookie", {})


async def test_writers_beside_workers_that_cannot_read_yet_leave_them_signed_out_for_a_visit(
    emulator,
):
    """What the first step is for."""
    workers = Workers(emulator, sealed(emulator.sign_in("user_ada"), NEW), BEFORE, WRITERS)
    answer = await workers.get("/who")
    assert (answer.json["reason"], answer.set_cookies) == ("invalid_session_cookie", {})
    assert await workers.written(1, 1) == [False, False]

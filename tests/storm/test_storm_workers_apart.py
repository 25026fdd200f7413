"""Workers that share no Redis: what becomes of a session that several exchange at once."""

from __future__ import annotations

import time

import pytest
from storm_client import Answer, Ask, storm
from storm_processes import Emulator, Member

USERS = 10
REQUESTS_EACH = 40


async def ask_several(
    workos: Emulator, ports: list[int], **settings: object
) -> tuple[list[Member], list[Answer]]:
    """Send new members' requests, until it is not one worker that has accepted them all."""
    deadline = time.monotonic() + 60
    while True:
        workos.start_afresh()
        workos.delay()
        workos.control("POST", "settings", **settings)
        members = workos.members(USERS)
        asked = [Ask("/who", each.cookie, each.user_id) for each in members] * REQUESTS_EACH
        answers = await storm(ports, asked)
        if len({each.body["worker"] for each in answers}) > 1:
            return members, answers
        assert time.monotonic() < deadline, "one worker serves them all"


@pytest.mark.anyio
async def test_workers_apart_log_nobody_out_within_the_replay_window(workos: Emulator, quartet):
    members, answers = await ask_several(workos, quartet, replay_window=30)
    assert [each for each in answers if each.body.get("user") != each.ask.user_id] == []
    exchanges = workos.exchanges()
    assert set(exchanges) == {200}
    assert USERS < len(exchanges) <= USERS * 4
    assert workos.sessions(members) == USERS
    # Whichever worker wrote the cookie that the browser keeps, every one takes it.
    successors = {(each.ask.user_id, cookie) for each in answers for cookie in each.cookies}
    assert {user for user, _ in successors} == {each.user_id for each in members}
    again = await storm(quartet, [Ask("/who", cookie, user) for user, cookie in successors] * 4)
    assert [each for each in again if each.body.get("user") != each.ask.user_id] == []
    assert workos.exchanges() == exchanges


@pytest.mark.parametrize("revokes", [False, True])
@pytest.mark.anyio
async def test_worker_that_was_refused_deletes_nobodys_cookie(workos: Emulator, quartet, revokes):
    members, answers = await ask_several(workos, quartet, reuse_revokes_session=revokes)
    assert {each.status for each in answers} == {200, 401}
    assert workos.exchanges().count(200) == USERS
    # A session ends when a second worker has sent its token, which the scheduler decides.
    refused = {each.ask.user_id for each in answers if each.status == 401}
    assert workos.sessions(members) == USERS - (len(refused) if revokes else 0)
    # The winner's alone are signed in, and bring a cookie; the others say nothing of cookies.
    assert all(bool(each.cookies) == (each.status == 200) for each in answers)
    successors = {(each.ask.user_id, cookie) for each in answers for cookie in each.cookies}
    assert {user for user, _ in successors} == {each.user_id for each in members}
    assert all(cookie for _, cookie in successors)
    again = await storm(quartet, [Ask("/who", cookie, user) for user, cookie in successors] * 4)
    assert [each for each in again if each.body.get("user") != each.ask.user_id] == []

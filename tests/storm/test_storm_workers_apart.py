"""Workers that share no Redis: what becomes of a session that several exchange at once."""

from __future__ import annotations

import pytest
from storm_client import Answer, Ask, storm
from storm_processes import Emulator, Member

USERS = 10
REQUESTS_EACH = 40


async def answers_of_several(ports: list[int], members: list[Member]) -> list[Answer]:
    asked = [Ask("/who", each.cookie, each.user_id) for each in members] * REQUESTS_EACH
    answers = await storm(ports, asked)
    assert len({each.body["worker"] for each in answers}) > 1
    return answers


@pytest.mark.anyio
async def test_workers_apart_log_nobody_out_within_the_replay_window(workos: Emulator, quartet):
    workos.control("POST", "settings", replay_window=30)
    members = workos.members(USERS)
    answers = await answers_of_several(quartet, members)
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
    workos.control("POST", "settings", reuse_revokes_session=revokes)
    members = workos.members(USERS)
    answers = await answers_of_several(quartet, members)
    assert {each.status for each in answers} == {200, 401}
    assert workos.exchanges().count(200) == USERS
    assert workos.sessions(members) == (0 if revokes else USERS)
    # The winner's alone are signed in, and bring a cookie; the others say nothing of cookies.
    assert all(bool(each.cookies) == (each.status == 200) for each in answers)
    successors = {(each.ask.user_id, cookie) for each in answers for cookie in each.cookies}
    assert {user for user, _ in successors} == {each.user_id for each in members}
    assert all(cookie for _, cookie in successors)
    again = await storm(quartet, [Ask("/who", cookie, user) for user, cookie in successors] * 4)
    assert [each for each in again if each.body.get("user") != each.ask.user_id] == []

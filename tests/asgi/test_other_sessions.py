"""All other sessions are ended, however many there are, or it is said that some are left."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from asgi_driver import FETCH
from devices_site import SIGNED_OUT, active, device, devices, seen

pytestmark = pytest.mark.anyio


async def test_more_sessions_than_workos_lists_are_all_ended(emulator):
    app = devices(emulator)
    oldest, _ = device(app, emulator)
    for _ in range(1100):
        emulator.sign_in("user_ada")
    browser, current = device(app, emulator)
    _, bobs = device(app, emulator, "user_bob")
    answer = await browser.post("/others", FETCH)
    assert (answer.status, len(answer.json), len(set(answer.json))) == (200, 1101, 1101)
    assert active(emulator) == [current]
    assert active(emulator, "user_bob") == [bobs]
    assert await seen(oldest) == SIGNED_OUT
    assert (await seen(browser))["user"] == "user_ada"


async def test_session_that_asks_may_stand_beyond_what_workos_lists(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    for _ in range(1000):
        emulator.sign_in("user_ada")
    assert (await browser.post("/others", FETCH)).status == 200
    assert active(emulator) == [current]


async def test_full_list_of_sessions_that_have_ended_is_not_taken_for_all(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    stale = [{"id": f"session_{each}", "user_id": "user_ada"} for each in range(1000)]
    emulator.fail("sessions", body={"data": stale}, times=None)
    answer = await browser.post("/others", FETCH)
    assert (answer.status, answer.json["code"]) == (503, "sessions_unavailable")
    assert (len(answer.json["revoked"]), answer.json["remaining"]) == (1000, [])
    emulator.clear_faults()
    emulator.fail("sessions", body={"data": stale[1:]}, times=None)
    answer = await browser.post("/others", FETCH)  # the list has room left: there are no more
    assert (answer.status, len(answer.json)) == (200, 999)


async def test_second_list_that_fails_says_what_has_ended(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    ids = [device(app, emulator)[1] for _ in range(3)]
    emulator.fail("sessions", delay=0)  # lets the first list pass
    emulator.fail("sessions", status=429, headers={"retry-after": "7"})
    answer = await browser.post("/others", FETCH)
    assert (answer.status, answer.headers["retry-after"]) == (503, "7")
    assert (answer.json["revoked"], answer.json["remaining"]) == (ids[::-1], [])
    assert active(emulator) == [current]


async def test_what_is_not_done_in_time_is_a_503_that_says_what_is_left(emulator, monkeypatch):
    monkeypatch.setattr("authkit_asgi.other_sessions._SECONDS", 0.5)
    app = devices(emulator, api_timeout=60)
    browser, current = device(app, emulator)
    ids = [device(app, emulator)[1] for _ in range(7)]
    for _ in range(2):
        emulator.fail("revoke", delay=0)  # lets two pass
    emulator.fail("revoke", hang=True, times=None)
    with anyio.fail_after(20):
        answer = await browser.post("/others", FETCH)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    revoked, remaining = answer.json["revoked"], answer.json["remaining"]
    assert (len(revoked), sorted(revoked + remaining)) == (2, sorted(ids))
    assert sorted(active(emulator)) == sorted([current, *remaining])
    emulator.clear_faults()
    monkeypatch.undo()
    assert sorted((await browser.post("/others", FETCH)).json) == sorted(remaining)
    assert active(emulator) == [current]


async def test_four_sessions_are_ended_at_once_and_no_more(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    for _ in range(9):
        device(app, emulator)
    emulator.fail("revoke", hang=True, times=None)
    answers: list[Any] = []

    async def ask() -> None:
        answers.append(await browser.post("/others", FETCH))

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            while emulator.count("revoke") < 4:  # noqa: ASYNC110
                await anyio.sleep(0.01)
            await anyio.wait_all_tasks_blocked()
            assert emulator.count("revoke") == 4
            emulator.clear_faults()
    assert (answers[0].status, len(answers[0].json)) == (200, 9)
    assert active(emulator) == [current]


async def test_ids_come_in_the_order_of_the_list_whichever_ended_first(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    ids = [device(app, emulator)[1] for _ in range(4)]
    emulator.fail("revoke", delay=0.3)  # the newest ends last
    answer = await browser.post("/others", FETCH)
    assert answer.json == ids[::-1]


async def test_after_a_failure_no_further_session_is_tried(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    ids = [device(app, emulator)[1] for _ in range(12)]
    emulator.fail("revoke", status=503, times=None)
    answer = await browser.post("/others", FETCH)
    assert answer.status == 503
    assert answer.json["remaining"] == ids[::-1]
    assert 1 <= emulator.count("revoke") <= 4

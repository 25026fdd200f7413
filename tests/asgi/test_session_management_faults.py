"""Listing and ending sessions while WorkOS or the store fails, or says odd things."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH
from devices_site import (
    SIGNED_OUT,
    active,
    device,
    devices,
    seen,
    session_of,
)
from stored_site import Store

from authkit_asgi import (
    ActiveSession,
    SessionsUnavailableError,
)

pytestmark = pytest.mark.anyio


OUTAGES: dict[str, dict[str, Any]] = {
    "down": {"status": 503},
    "limiting": {"status": 429, "headers": {"retry-after": "7"}},
    "lost": {"status": None, "reset": "before", "times": None},
    "refusing the API key": {"status": 401, "body": {"code": "unauthorized"}},
    "refusing": {"status": 422, "body": {"code": "unprocessable_entity"}},
    "talking rubbish": {"status": 200, "body": "<html>", "content_type": "text/html"},
    "redirecting": {"status": 302, "headers": {"location": "https://evil.example/"}},
}


@pytest.mark.parametrize("fault", OUTAGES.values(), ids=OUTAGES)
@pytest.mark.parametrize("endpoint", ["sessions", "revoke"])
async def test_outage_is_a_503_that_says_so_and_nobody_is_signed_out(emulator, fault, endpoint):
    app = devices(emulator)
    browser, current = device(app, emulator)
    other, other_id = device(app, emulator)
    emulator.fail(endpoint, **fault)
    answer = await browser.post(f"/revoke?id={other_id}", FETCH)
    assert answer.status == 503
    assert answer.headers["retry-after"] == ("7" if fault["status"] == 429 else "5")
    assert answer.json["code"] == "sessions_unavailable"
    remaining = [other_id] if endpoint == "revoke" else []
    assert (answer.json["revoked"], answer.json["remaining"]) == ([], remaining)
    emulator.clear_faults()
    assert (await seen(other))["user"] == "user_ada"
    assert active(emulator) == [other_id, current]


async def test_revocation_whose_answer_was_lost_is_asked_for_once_more(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    other, other_id = device(app, emulator)
    emulator.fail("revoke", reset="after")
    assert (await browser.post(f"/revoke?id={other_id}", FETCH)).status == 200
    assert await seen(other) == SIGNED_OUT
    assert emulator.count("revoke") == 2


@pytest.mark.parametrize("answer", [{"status": 204}, {"body": ""}])
async def test_revocation_may_be_answered_with_nothing(emulator, answer):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    other, other_id = device(app, emulator)
    emulator.fail("revoke", **answer)
    emulator.fail("sessions", delay=0)  # lets the first list pass
    emulator.fail("sessions", body={"data": []})
    assert (await browser.post(f"/revoke?id={other_id}", FETCH)).status == 200
    assert await seen(other) == SIGNED_OUT


async def test_half_done_it_says_which_sessions_have_ended_and_which_may_not_have(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    first, first_id = device(app, emulator)
    second, second_id = device(app, emulator)
    third, third_id = device(app, emulator)
    emulator.fail("revoke", delay=0)  # lets the first pass
    emulator.fail("revoke", status=503, times=None)
    answer = await browser.post("/others", FETCH)
    assert answer.status == 503
    assert answer.json["revoked"] == [third_id]
    assert answer.json["remaining"] == [second_id, first_id]
    emulator.clear_faults()
    assert await seen(third) == SIGNED_OUT
    assert (await seen(second))["user"] == (await seen(first))["user"] == "user_ada"
    assert (await browser.post("/others", FETCH)).json == [second_id, first_id]


async def test_store_that_is_down_is_a_503_too(emulator, clock):
    store = Store(clock)
    app = devices(emulator, store=store)
    browser, _ = device(app, emulator)
    other, other_id = device(app, emulator)
    session = await session_of(browser)
    assert (await seen(other))["user"] == "user_ada"
    store.is_down = True
    with pytest.raises(SessionsUnavailableError) as caught:
        await session.revoke_session(other_id)
    assert caught.value.remaining == (other_id,)
    store.is_down = False
    assert await seen(other) == SIGNED_OUT


async def test_session_in_the_store_is_ended_for_all_workers(emulator, clock):
    store = Store(clock)
    app = devices(emulator, store=store)
    browser, _ = device(app, emulator)
    other, other_id = device(app, emulator)
    assert (await seen(other))["user"] == "user_ada"
    assert (await browser.post(f"/revoke?id={other_id}", FETCH)).status == 200
    other.app = devices(emulator, store=store)
    assert await seen(other) == SIGNED_OUT
    browser.app = other.app
    assert (await seen(browser))["user"] == "user_ada"


async def test_list_is_read_page_by_page(emulator, monkeypatch):
    app = devices(emulator)
    browser, current = device(app, emulator)
    ids = [device(app, emulator)[1] for _ in range(6)]
    monkeypatch.setattr("authkit_asgi.active_sessions._PAGE", 3)
    assert (await browser.get("/sessions")).json == [*reversed(ids), current]
    assert emulator.count("sessions") == 3
    monkeypatch.setattr("authkit_asgi.active_sessions._MAX_PAGES", 2)
    assert (await browser.get("/sessions")).json == [*reversed(ids)]
    answer = await browser.post(f"/revoke?id={current}", FETCH)
    assert answer.status == 404


ENTRY = {"id": "session_7", "user_id": "user_ada", "status": "active"}


@pytest.mark.parametrize(
    "body",
    [
        {"data": None},
        {"list_metadata": {}},
        {"data": ["session_7"]},
        {"data": [{**ENTRY, "id": None}]},
        {"data": [{**ENTRY, "id": ""}]},
        {"data": [{**ENTRY, "user_id": "user_bob"}]},
        {"data": [{"id": "session_7"}]},
    ],
)
async def test_list_that_cannot_be_trusted_is_an_outage(emulator, body):
    browser, _ = device(devices(emulator), emulator)
    emulator.fail("sessions", body=body)
    assert (await browser.get("/sessions", FETCH)).status == 503


async def test_odd_fields_of_the_list_read_as_absent_and_sessions_that_are_over_are_left_out(
    emulator,
):
    browser, _ = device(devices(emulator), emulator)
    odd = {**ENTRY, "user_agent": 7, "impersonator": {"email": None}, "created_at": [], "status": 1}
    over = [{**ENTRY, "id": "session_8", "status": status} for status in ("expired", "revoked")]
    page = {"data": [odd, odd, *over], "list_metadata": {"after": 7}}
    emulator.fail("sessions", body=page)
    (session,) = await (await session_of(browser)).list_sessions()
    assert session == ActiveSession(id="session_7")


async def test_list_that_takes_too_long_is_an_outage(emulator):
    app = devices(emulator, api_timeout=0.2)
    browser, _ = device(app, emulator)
    emulator.fail("sessions", hang=True)
    assert (await browser.get("/sessions", FETCH)).status == 503
    emulator.clear_faults()
    # Pages that each come in time, but not all of them.
    endless = {"data": [ENTRY], "list_metadata": {"after": "session_7"}}
    emulator.fail("sessions", body=endless, delay=0.06, times=None)
    assert (await browser.get("/sessions", FETCH)).status == 503
    emulator.clear_faults()


async def test_user_who_is_deleted_has_no_sessions(emulator):
    app = devices(emulator)
    browser, current = device(app, emulator)
    emulator.remove_user("user_ada")
    assert (await browser.get("/sessions")).json == []
    assert (await browser.post("/others", FETCH)).json == []
    assert (await browser.post(f"/revoke?id={current}", FETCH)).status == 404


async def test_session_of_a_user_who_is_deleted_meanwhile_has_ended(emulator):
    app = devices(emulator)
    browser, _ = device(app, emulator)
    other, other_id = device(app, emulator)
    emulator.fail("revoke", status=204)
    emulator.fail("sessions", delay=0)  # lets the first list pass
    emulator.fail("sessions", status=404, body={"code": "entity_not_found"})
    assert (await browser.post(f"/revoke?id={other_id}", FETCH)).status == 200
    assert await seen(other) == SIGNED_OUT


async def test_user_id_that_is_no_id_is_nobodys(emulator):
    kit = devices(emulator).user_middleware[0].kwargs["authkit"]
    session = await session_of(device(devices(emulator), emulator)[0])
    assert session.service.config == kit.config
    object.__setattr__(session.auth.user, "id", "../organizations")
    assert await session.list_sessions() == ()
    assert emulator.count() == emulator.count("jwks")

"""A session in the store that another worker has replaced by the time it is to be exchanged."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from renewing import until_asked
from stored_site import Store, shop

from authkit_asgi import AuthKit, exchange
from authkit_asgi.errors import GrantRejectedError
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.refresh import Successor
from authkit_asgi.session import Session, session_from_answer, session_id

pytestmark = pytest.mark.anyio


def worker(emulator: Any, store: Store) -> AuthKit:
    return shop(emulator, store).user_middleware[0].kwargs["authkit"]


async def overtaken(emulator: Any, store: Store, here: AuthKit) -> tuple[Session, Successor]:
    """Return a session as `here` has read it, and what another worker has made of it since."""
    there = worker(emulator, store)
    _, cookie = await there.keep(await there.accept_sign_in(emulator.sign_in("user_ada")))
    old, same = [(await kit.load([cookie])).session for kit in (here, there)]
    return old, await there.refresh(same, "org_globex")


async def test_what_another_worker_has_made_of_it_is_taken_and_noted_as_its_successor(
    emulator, store
):
    here = worker(emulator, store)
    old, switched = await overtaken(emulator, store, here)
    taken = await here.refresh(old, "org_globex")
    assert taken.session.refresh_token == switched.session.refresh_token
    assert emulator.count("authenticate") == 1
    (outcome,) = here.coordinator.recall(refresh_key(old.refresh_token))
    assert outcome.organization_id == "org_globex"
    assert here.coordinator.is_awaited(refresh_key(switched.session.refresh_token))


async def test_what_another_worker_has_switched_is_exchanged_for_the_organization_asked_for(
    emulator, store
):
    here = worker(emulator, store)
    old, _ = await overtaken(emulator, store, here)
    assert (await here.refresh(old, "org_acme")).auth.organization_id == "org_acme"
    assert emulator.count("authenticate") == 2


async def test_refusal_of_a_session_in_its_cookie_does_not_wait_for_who_may_have_replaced_it(
    emulator, store, monkeypatch
):
    monkeypatch.setattr(exchange, "_WINNER_SECONDS", (3600,))
    session = session_from_answer(emulator.sign_in("user_ada", lifetime=-100))
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    with pytest.raises(GrantRejectedError, match="invalid_grant"):
        await worker(emulator, store).refresh(session)


async def test_refusal_is_remembered_though_the_session_was_ended_elsewhere_meanwhile(
    emulator, store
):
    here, there = worker(emulator, store), worker(emulator, store)
    signed_in = await there.accept_sign_in(emulator.sign_in("user_ada"))
    _, cookie = await there.keep(signed_in)
    session = (await here.load([cookie])).session
    emulator.fail("authenticate", delay=60)
    refresh = asyncio.create_task(here.refresh(session))
    await until_asked(emulator)
    await there.revoke_sessions("user_ada")
    emulator.end_session(session_id(session))
    emulator.clear_faults()
    with pytest.raises(GrantRejectedError, match="invalid_grant"):
        await refresh
    (outcome,) = here.coordinator.recall(refresh_key(session.refresh_token))
    assert outcome.refusal == "invalid_grant"

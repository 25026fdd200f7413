"""A session is not sealed anew where another worker has exchanged it, or ended it."""

from __future__ import annotations

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, http_clients, sealed, settings
from workers import worker

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.session import unseal_session

pytestmark = pytest.mark.anyio


@pytest.fixture
def processes(server, emulator) -> list[AuthKit]:
    """Two workers that share a Redis and an older password."""
    config = AuthKitConfig(**settings(cookie_password=[PASSWORD, OTHER_PASSWORD]))
    clock = emulator._state.clock
    return [
        AuthKit(
            config,
            http_client_factory=http_clients(emulator),
            coordinator=worker(server, cookie_password=config.cookie_password, clock=clock),
            clock=clock,
        )
        for _ in range(2)
    ]


async def test_session_is_sealed_anew_while_the_others_have_not_touched_it(processes, emulator):
    cookie = sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD)
    loaded = await processes[0].load([cookie])
    resealed = await processes[0].reseal(loaded)
    assert unseal_session(resealed, PASSWORD) == loaded.session
    for process in processes:
        await process.aclose()


@pytest.mark.parametrize("deed", ["refreshed", "switched"])
async def test_session_that_another_worker_has_exchanged_stays_as_it_is(processes, emulator, deed):
    one, other = processes
    cookie = sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD)
    loaded = await one.load([cookie])
    assert loaded.is_outdated
    elsewhere = await other.load([cookie])
    organization = "org_globex" if deed == "switched" else None
    await other.refresh(elsewhere.session, organization)
    assert await one.reseal(loaded) is None
    for process in processes:
        await process.aclose()


async def test_end_at_another_worker_is_known_once_a_session_was_to_be_sealed_anew(
    processes, emulator
):
    one, other = processes
    loaded = await one.load([sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD)])
    await other.end(loaded.session)
    assert not one.is_over(loaded.session)
    await one.reseal(loaded)
    assert one.is_over(loaded.session)
    for process in processes:
        await process.aclose()

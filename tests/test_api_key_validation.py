"""Asking WorkOS about API keys: once at a time, seldom, and never in vain."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import anyio
import httpx
import pytest
from emulated import Clock, service, settings, shown

from authkit_asgi import (
    APIKey,
    AuthKit,
    AuthKitConfig,
    InvalidAPIKeyError,
    RateLimitedError,
    WorkOSMisconfiguredError,
    WorkOSUnavailableError,
)
from authkit_asgi.testing import HTML_PAGE, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio


async def test_key_is_described_as_workos_knows_it(emulator: WorkOSEmulator) -> None:
    made = emulator.add_api_key(
        "org_acme", user="user_ada", name="CI", permissions=("data:read",), expires_at=4e9
    )
    key = await service(emulator).validate_api_key(made.value)
    assert (key.id, key.name, key.permissions) == (made.id, "CI", ("data:read",))
    assert (key.organization_id, key.user_id) == ("org_acme", "user_ada")
    assert (key.expires_at or "").endswith("Z")
    assert made.value not in repr(key)


async def test_verdicts_are_remembered_for_30_seconds(
    emulator: WorkOSEmulator, clock: Clock
) -> None:
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    await kit.validate_api_key(made.value)
    emulator.revoke_api_key(made)
    clock.now += 29
    await kit.validate_api_key(made.value)
    assert emulator.count("api_keys") == 1
    clock.now += 1
    for _ in range(3):
        with pytest.raises(InvalidAPIKeyError):
            await kit.validate_api_key(made.value)
    assert emulator.count("api_keys") == 2
    emulator.add_api_key("org_acme", value=made.value)
    clock.now += 30
    assert (await kit.validate_api_key(made.value)).organization_id == "org_acme"


async def test_verdict_counts_from_when_workos_was_asked(
    emulator: WorkOSEmulator, clock: Clock
) -> None:
    made = emulator.add_api_key("org_acme")

    async def slow(request: httpx.Request) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app)) as client:
            answer = await client.send(request)
            await answer.aread()
        clock.now += 4
        return httpx.Response(200, json=answer.json())

    kit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=lambda: httpx.AsyncClient(transport=httpx.MockTransport(slow)),
        clock=clock,
    )
    await kit.validate_api_key(made.value)
    clock.now += 26
    await kit.validate_api_key(made.value)
    assert emulator.count("api_keys") == 2


async def test_fifty_at_once_ask_once(emulator: WorkOSEmulator) -> None:
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    found: list[APIKey] = []

    async def ask() -> None:
        found.append(await kit.validate_api_key(made.value))

    async with anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(ask)
    assert len(found) == 50
    assert emulator.count("api_keys") == 1


async def test_different_keys_never_share_a_verdict(emulator: WorkOSEmulator) -> None:
    kit = service(emulator)
    keys = [emulator.add_api_key("org_acme", name=f"Key {number}") for number in range(20)]
    names: dict[str, str] = {}

    async def ask(value: str) -> None:
        names[value] = (await kit.validate_api_key(value)).name

    async with anyio.create_task_group() as group:
        for key in keys * 2:
            group.start_soon(ask, key.value)
    assert names == {key.value: key.name for key in keys}


async def test_client_that_hangs_up_does_not_stop_the_others(emulator: WorkOSEmulator) -> None:
    emulator.fail("api_keys", delay=0.05)
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    first = asyncio.create_task(kit.validate_api_key(made.value))
    second = asyncio.create_task(kit.validate_api_key(made.value))
    await asyncio.sleep(0)  # both have begun
    first.cancel()
    assert (await second).id == made.id
    assert first.cancelled()
    assert emulator.count("api_keys") == 1


async def test_shutdown_stops_what_is_under_way(emulator: WorkOSEmulator) -> None:
    emulator.fail("api_keys", hang=True)
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    waiting = asyncio.create_task(kit.validate_api_key(made.value))
    await asyncio.sleep(0)  # it has begun
    with anyio.fail_after(5):
        await kit.aclose()
        with pytest.raises(WorkOSUnavailableError):
            await waiting


@pytest.mark.parametrize("value", ["", "a.b.c", "sk a", "sk\n", "é", "a" * 257, "\x00", "sk/1"])
async def test_what_cannot_be_a_key_costs_no_call(emulator: WorkOSEmulator, value: str) -> None:
    with pytest.raises(InvalidAPIKeyError):
        await service(emulator).validate_api_key(value)
    assert emulator.count("api_keys") == 0


async def test_made_up_keys_cost_a_hundred_calls_a_minute_at_most(
    emulator: WorkOSEmulator, clock: Clock
) -> None:
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    await kit.validate_api_key(made.value)
    for number in range(300):
        with pytest.raises((InvalidAPIKeyError, WorkOSUnavailableError)):
            await kit.validate_api_key(f"sk_made_up_{number}")
    assert emulator.count("api_keys") == 101
    clock.now += 31
    assert (await kit.validate_api_key(made.value)).id == made.id  # who is known gets through


async def test_customers_who_ask_meanwhile_make_no_room_for_made_up_keys(
    emulator: WorkOSEmulator, clock: Clock
) -> None:
    kit = service(emulator)
    customers = [emulator.add_api_key("org_acme").value for _ in range(10)]

    async def made_up_keys_asked_about(first: int) -> int:
        before = emulator.count("api_keys")
        for number in range(first, first + 60):
            with pytest.raises((InvalidAPIKeyError, WorkOSUnavailableError)):
                await kit.validate_api_key(f"sk_made_up_{number}")
        return emulator.count("api_keys") - before

    for value in customers:
        await kit.validate_api_key(value)
    assert await made_up_keys_asked_about(0) == 60
    clock.now += 30
    for value in customers:
        await kit.validate_api_key(value)
    assert emulator.count("api_keys") == 80
    assert await made_up_keys_asked_about(60) == 40


async def test_hundreds_of_new_customers_at_a_time_get_in_in_turn(
    emulator: WorkOSEmulator,
) -> None:
    kit = service(emulator)
    for number in range(150):
        made = emulator.add_api_key("org_acme", value=f"sk_{number}")
        assert (await kit.validate_api_key(made.value)).id == made.id


FAULTS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"status": 500}, WorkOSUnavailableError),
    ({"status": 404}, WorkOSUnavailableError),
    ({"status": 429, "headers": {"Retry-After": "7"}}, RateLimitedError),
    ({"status": 401}, WorkOSMisconfiguredError),
    ({"status": 403}, WorkOSMisconfiguredError),
    ({"status": 302, "headers": {"Location": "https://evil.example/"}}, WorkOSUnavailableError),
    ({"body": HTML_PAGE}, WorkOSUnavailableError),
    ({"body": TRUNCATED_JSON}, WorkOSUnavailableError),
    ({"body": []}, WorkOSUnavailableError),
    ({"body": {}}, WorkOSUnavailableError),
    ({"reset": "before"}, WorkOSUnavailableError),
]


@pytest.mark.parametrize(("fault", "error"), FAULTS)
async def test_fault_of_workos_says_nothing_of_the_key(
    emulator: WorkOSEmulator, caplog: pytest.LogCaptureFixture, fault: Any, error: type[Exception]
) -> None:
    caplog.set_level(logging.DEBUG)
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    emulator.fail("api_keys", **fault)
    with pytest.raises(error) as caught:
        await kit.validate_api_key(made.value)
    assert made.value not in shown(caught.value) + caplog.text
    assert emulator.count("api_keys") == 1  # no try of the SDK's own
    assert (await kit.validate_api_key(made.value)).id == made.id


@pytest.mark.parametrize("status", [400, 422])
async def test_value_that_workos_cannot_read_is_no_key(
    emulator: WorkOSEmulator, status: int
) -> None:
    emulator.fail("api_keys", status=status)
    with pytest.raises(InvalidAPIKeyError):
        await service(emulator).validate_api_key("sk_1")


async def test_silence_ends_at_the_deadline(emulator: WorkOSEmulator) -> None:
    emulator.fail("api_keys", hang=True)
    with pytest.raises(WorkOSUnavailableError), anyio.fail_after(5):
        await service(emulator, api_timeout=0.05).validate_api_key("sk_1")


async def test_outage_is_not_asked_into_again_and_again(
    emulator: WorkOSEmulator, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    kit, made = service(emulator), emulator.add_api_key("org_acme")
    emulator.fail("api_keys", status=503, times=None)
    for _ in range(50):
        with pytest.raises(WorkOSUnavailableError):
            await kit.validate_api_key(made.value)
    assert emulator.count("api_keys") == 5
    assert caplog.messages == ["Paused: no API key validation for 5 s, 5 failures"]
    emulator.clear_faults()
    clock.now += 5.1
    assert (await kit.validate_api_key(made.value)).id == made.id

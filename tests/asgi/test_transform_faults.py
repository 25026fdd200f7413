"""A transform that is cancelled, or raises what is no `Exception`: the session is sealed anyway."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest
from asgi_driver import Browser
from asgi_site import SESSION, sign_in, signed_in_cookie
from emulated import PASSWORD, settings
from smaller_sessions import sealed_user, smaller, smaller_site
from test_session import ANSWER

from authkit_asgi import AuthKitConfig
from authkit_asgi.session import seal_session, session_from_answer
from authkit_asgi.session_contents import SessionContents, SessionTransform

pytestmark = pytest.mark.anyio

SESSION_READ = session_from_answer(ANSWER)
SEALED = seal_session(SESSION_READ, PASSWORD)


def contents(transform: SessionTransform) -> SessionContents:
    return SessionContents(AuthKitConfig(**settings()), transform)


class OwnFault(BaseException):
    """What some libraries raise for their time limits."""


def cancels(_: dict[str, Any]) -> dict[str, Any]:
    raise asyncio.CancelledError


async def cancels_later(_: dict[str, Any]) -> dict[str, Any]:
    await anyio.lowlevel.checkpoint()
    raise asyncio.CancelledError("secret-marker")


async def waits_for_a_cancelled_task(content: dict[str, Any]) -> dict[str, Any]:
    task = asyncio.create_task(asyncio.sleep(60))
    asyncio.get_running_loop().call_soon(task.cancel)
    await task
    return content


def waits_for_a_cancelled_future(_: dict[str, Any]) -> Any:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    return future


def raises_own_fault(_: dict[str, Any]) -> dict[str, Any]:
    raise OwnFault("secret-marker")


FAULTS: dict[str, tuple[Any, str]] = {
    "cancels": (cancels, "CancelledError"),
    "cancels later": (cancels_later, "CancelledError"),
    "cancelled task": (waits_for_a_cancelled_task, "CancelledError"),
    "cancelled future": (waits_for_a_cancelled_future, "CancelledError"),
    "own fault": (raises_own_fault, "OwnFault"),
}


@pytest.mark.parametrize(("transform", "name"), FAULTS.values(), ids=FAULTS)
async def test_transform_that_raises_anything_is_passed_over(transform, name, caplog):
    sealed = await contents(transform).seal(SESSION_READ, SEALED)
    assert (sealed.session, sealed.sealed) == (SESSION_READ, SEALED)
    (record,) = caplog.records
    assert record.getMessage() == f"session_transform is passed over: it raised {name}"
    assert "secret-marker" not in caplog.text


@pytest.mark.parametrize(("transform", "name"), FAULTS.values(), ids=FAULTS)
async def test_request_goes_on_and_no_token_is_lost(emulator, transform, name, caplog):
    browser = Browser(smaller_site(smaller(emulator, transform)))
    assert (await sign_in(browser, emulator)).status == 303
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    assert (await browser.get("/me")).json["first_name"] == "Ada"
    assert (await browser.get("/refresh")).status == 200
    assert sealed_user(browser.cookies[SESSION])["firstName"] == "Ada"
    assert emulator.count("authenticate", grant_type="refresh_token") == 2
    assert caplog.text.count(f"it raised {name}") == 3


async def test_request_that_is_cancelled_cancels_its_transform(caplog):
    begun = asyncio.Event()

    async def hang(_: dict[str, Any]) -> dict[str, Any]:
        begun.set()
        await anyio.sleep_forever()
        raise AssertionError

    task = asyncio.create_task(contents(hang).seal(SESSION_READ, SEALED))
    with anyio.fail_after(30):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert caplog.records == []


@pytest.mark.parametrize("end", [GeneratorExit, KeyboardInterrupt, SystemExit])
async def test_end_of_the_process_is_not_held_up(end, caplog):
    def transform(_: dict[str, Any]) -> dict[str, Any]:
        raise end

    with pytest.raises(end):
        await contents(transform).seal(SESSION_READ, SEALED)
    assert caplog.records == []

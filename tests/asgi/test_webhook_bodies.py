"""Bodies of webhooks: of strangers they are not held, and not waited for long."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest
from asgi_driver import Answer, checked, collect, http_scope, receive_of
from asgi_site import site
from webhook_site import (
    ADA,
    PATH,
    SECRET,
    SIGNED_OUT,
    browser_of,
    deliver,
    good,
    headers_of,
    seen,
    signed,
)

from authkit_asgi import webhook_route

pytestmark = pytest.mark.anyio

MEGABYTE = 1024 * 1024


def signed_at(seconds_ago: float) -> list[tuple[str, str]]:
    return headers_of(signed({"event": "x"}, sent_at=time.time() - seconds_ago))


UNREADABLE = {
    "none": list,
    "garbled": lambda: [("workos-signature", "rubbish")],
    "two": lambda: signed_at(0) * 2,
    "old": lambda: signed_at(190),
    "of the future": lambda: signed_at(-190),
    "as old as time": lambda: [("workos-signature", f"t=0, v1={'0' * 64}")],
}


@pytest.mark.parametrize("headers", UNREADABLE.values(), ids=UNREADABLE)
async def test_body_is_not_read_where_the_signature_cannot_be_right(emulator, headers):
    app = site(emulator, [webhook_route(secret=SECRET)])
    answer = Answer()
    # There is nothing to be asked for.
    await checked(app)(http_scope("POST", PATH, headers()), receive_of(), collect(answer))
    assert answer.status == 400
    assert answer.json["detail"] == "The webhook's signature does not verify"


@pytest.mark.parametrize("length", [str(MEGABYTE + 1), "9" * 15, "9" * 16, "9" * 5000])
async def test_body_that_says_it_is_too_large_is_not_read(emulator, length):
    app = site(emulator, [webhook_route(secret=SECRET)])
    answer = Answer()
    scope = http_scope("POST", PATH, [*headers_of(good()), ("content-length", length)])
    await checked(app)(scope, receive_of(), collect(answer))
    assert answer.status == 413


@pytest.mark.parametrize("length", ["0", str(MEGABYTE), "-1", "", "rubbish", "²"])
async def test_body_is_read_for_what_it_is_and_not_for_what_it_says(emulator, length):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    assert (await deliver(app, good(), **{"content-length": length})).status == 200
    assert await seen(ada) == SIGNED_OUT


@pytest.mark.parametrize("begun", [True, False])
async def test_body_that_does_not_come_in_time_is_let_go(emulator, monkeypatch, begun):
    monkeypatch.setattr("authkit_asgi.webhooks._BODY_SECONDS", 0.1)
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    webhook = good()
    parts = [{"type": "http.request", "body": webhook.body, "more_body": True}] if begun else []

    async def receive() -> Any:
        if not parts:
            await anyio.sleep_forever()
        return parts.pop()

    answer = Answer()
    with anyio.fail_after(20):
        await checked(app)(http_scope("POST", PATH, headers_of(webhook)), receive, collect(answer))
    assert answer.status == 408
    assert answer.headers["cache-control"] == "no-store"
    assert await seen(ada) == ADA

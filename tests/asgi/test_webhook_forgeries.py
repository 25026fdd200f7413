"""Webhooks that WorkOS has not sent, or not so: nothing comes of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from asgi_driver import Answer, checked, collect, drive, http_scope, receive_of
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
    kinds,
    seen,
    signed,
)

from authkit_asgi import ConfigurationError, webhook_route
from authkit_asgi.testing import SignedWebhook

pytestmark = pytest.mark.anyio

STRANGE: dict[str, Any] = {
    "no object": {"event": "session.revoked", "data": ["session_x"]},
    "nothing": {"event": "session.revoked"},
    "no id": {"event": "session.revoked", "data": {}},
    "an empty id": {"event": "session.revoked", "data": {"id": ""}},
    "an id of another type": {"event": "user.deleted", "data": {"id": ["user_ada"]}},
    "an endless id": {"event": "user.deleted", "data": {"id": "x" * 256}},
    "no organization": {
        "event": "organization_membership.deleted",
        "data": {"user_id": "user_ada"},
    },
    "no user": {
        "event": "organization_membership.deleted",
        "data": {"organization_id": "org_acme", "user_id": None},
    },
    "no JSON": b"event=session.revoked",
    "nothing at all": b"",
    "an array": b"[]",
    "a number": b"7",
    "not a number": b'{"event": "x", "data": NaN}',
    "two texts": b"{}{}",
    "not UTF-8": b'{"event": "\xff"}',
    "deeply nested": b"[" * 100_000,
}


@pytest.mark.parametrize("event", STRANGE.values(), ids=STRANGE)
async def test_signed_webhook_that_cannot_be_understood_is_refused(emulator, event, caplog):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    answer = await deliver(app, signed(event))
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert await seen(ada) == ADA
    assert [record.name for record in caplog.records] == ["authkit_asgi.webhooks"]


@pytest.mark.parametrize(
    "event",
    [
        {"event": "user.created", "data": {"id": "user_ada"}},
        {"event": ["session.revoked"], "data": {"id": "session_x"}},
        {"event": None},
        {},
    ],
)
async def test_event_of_another_kind_changes_nothing(emulator, event):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    assert (await deliver(app, signed(event))).status == 200
    assert await seen(ada) == ADA


FORGED: dict[str, Callable[[str, str], str | None]] = {
    "none": lambda _time, _v1: None,
    "empty": lambda _time, _v1: "",
    "garbled": lambda _time, _v1: "rubbish",
    "time only": lambda time, _v1: time,
    "signature only": lambda _time, v1: v1,
    "in the other order": lambda time, v1: f"{v1}, {time}",
    "without a space": lambda time, v1: f"{time},{v1}",
    "two signatures": lambda time, v1: f"{time}, {v1}, {v1}",
    "two signatures, the first forged": lambda time, v1: f"{time}, v1={'0' * 64}, {v1}",
    "of another version": lambda time, v1: f"{time}, v0={v1[3:]}",
    "of another letter": lambda time, v1: f"{time}, {v1[:-1]}{'0' if v1[-1] != '0' else '1'}",
    "shorter": lambda time, v1: f"{time}, {v1[:-1]}",
    "longer": lambda time, v1: f"{time}, {v1}0",
    "upper case": lambda time, v1: f"{time}, v1={v1[3:].upper()}",
    "not ASCII": lambda time, _v1: f"{time}, v1={'é' * 64}",
    "other digits": lambda _time, v1: f"t={'²' * 13}, {v1}",
    "an endless time": lambda _time, v1: f"t={'9' * 5000}, {v1}",
    "a negative time": lambda time, v1: f"t=-{time[2:]}, {v1}",
    "of another time": lambda time, v1: f"t={int(time[2:]) + 1}, {v1}",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
async def test_webhook_with_a_forged_signature_changes_nothing(emulator, forge, caplog):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    webhook = good()
    signed_at, v1 = webhook.headers["WorkOS-Signature"].split(", ")
    signature = forge(signed_at, v1)
    headers = [] if signature is None else [("workos-signature", signature)]
    answer = await drive(app, http_scope("POST", PATH, headers), body=webhook.body)
    assert answer.status == 400
    assert answer.json["detail"] == "The webhook's signature does not verify"
    assert await seen(ada) == ADA
    assert v1[3:20] not in caplog.text
    assert (await deliver(app, webhook)).status == 200
    assert await seen(ada) == SIGNED_OUT


async def test_webhook_signed_otherwise_changes_nothing(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    of_ada = kinds()["user.deleted"]
    right, now = good(), time.time()
    for webhook in (
        signed(*of_ada, secret="whsec_of_another_endpoint"),
        signed(*of_ada, secret=SECRET + " "),
        signed(*of_ada, sent_at=now - 200),
        signed(*of_ada, sent_at=now + 200),
        SignedWebhook(body=right.body.replace(b"user_ada", b"user_eve"), headers=right.headers),
        SignedWebhook(body=right.body + b" ", headers=right.headers),
    ):
        assert (await deliver(app, webhook)).status == 400
    twice = [("workos-signature", right.headers["WorkOS-Signature"])] * 2
    assert (await drive(app, http_scope("POST", PATH, twice), body=right.body)).status == 400
    assert await seen(ada) == ADA


async def test_while_the_secret_changes_both_count(emulator):
    app = site(emulator, [webhook_route(secret=["whsec_new", SECRET])])
    for secret, status in (("whsec_new", 200), (SECRET, 200), ("whsec_old", 400)):
        answer = await deliver(app, signed(*kinds()["user.deleted"], secret=secret))
        assert answer.status == status


@pytest.mark.parametrize("secret", ["", [], [""], ["whsec_new", ""], [None], None])
def test_route_without_a_secret_is_a_fault(secret):
    with pytest.raises((ConfigurationError, TypeError)):
        webhook_route(secret=secret)


async def test_body_that_is_too_large_is_read_no_further(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)])
    megabyte = {"type": "http.request", "body": b" " * 1024 * 1024, "more_body": True}
    answer = Answer()
    # What comes after the second is not there to be asked for.
    receive = receive_of(megabyte, {**megabyte, "body": b" "})
    await checked(app)(http_scope("POST", PATH, headers_of(good())), receive, collect(answer))
    assert answer.status == 413


async def test_body_that_comes_in_pieces_is_one(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    webhook = good()
    pieces = [webhook.body[start : start + 7] for start in range(0, len(webhook.body), 7)]
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    end = {"type": "http.request", "body": b"", "more_body": False}
    answer = Answer()
    scope = http_scope("POST", PATH, headers_of(webhook))
    await checked(app)(scope, receive_of(*messages, end), collect(answer))
    assert answer.status == 200
    assert await seen(ada) == SIGNED_OUT


async def test_client_that_leaves_within_its_webhook_changes_nothing(emulator):
    app = site(emulator, [webhook_route(secret=SECRET)])
    ada, _ = browser_of(app, emulator)
    webhook = good()
    part = {"type": "http.request", "body": webhook.body, "more_body": True}
    scope = http_scope("POST", PATH, headers_of(webhook))
    receive = receive_of(part, {"type": "http.disconnect"})
    await checked(app)(scope, receive, collect(Answer()))
    assert await seen(ada) == ADA


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_are_not_allowed(emulator, method):
    app, webhook = site(emulator, [webhook_route(secret=SECRET)]), good()
    answer = await drive(app, http_scope(method, PATH, headers_of(webhook)), body=webhook.body)
    assert answer.status == 405

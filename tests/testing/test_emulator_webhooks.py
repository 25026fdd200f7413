"""The emulator's webhooks: signed as WorkOS signs them, and sent for real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from workos.webhooks import Webhooks

from authkit_asgi.cli import main
from authkit_asgi.testing import WorkOSEmulator, sign_webhook

SECRET = "whsec_emulator"


class Receiver:
    """Takes webhooks; the first ones are answered as it is told."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: list[tuple[bytes, str]] = []
        self.url = ""

    def events(self, number: int) -> list[Any]:
        deadline = time.monotonic() + 30
        while len(self.received) < number:
            assert time.monotonic() < deadline, "the webhook does not come"
            time.sleep(0.01)
        return [json.loads(body) for body, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = receiver.statuses.pop(0) if receiver.statuses else 200
            self.send_response(status)
            self.end_headers()
            receiver.received.append((body, self.headers["WorkOS-Signature"]))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/webhooks/workos"
        yield receiver
        server.shutdown()
        thread.join()


def verify(body: bytes, signature: str, secret: str = SECRET) -> None:
    Webhooks(None).verify_header(event_body=body, event_signature=signature, secret=secret)  # type: ignore[arg-type]


def test_session_that_ends_is_told_with_all_that_workos_says_of_it(receiver: Receiver):
    emulator = WorkOSEmulator(webhook_url=receiver.url)
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    emulator.sign_in("user_ada")
    session = emulator._state.sessions.active_of("user_ada")[0]
    assert emulator.end_session(session.id)
    (event,) = receiver.events(1)
    assert event.keys() == {"object", "id", "event", "data", "created_at"}
    assert event["event"] == "session.revoked"
    assert event["data"] == session.as_json()
    assert (event["data"]["status"], event["data"]["user_id"]) == ("revoked", "user_ada")
    assert event["data"]["ended_at"] is not None
    body, signature = receiver.received[0]
    verify(body, signature)
    for forged in (lambda: verify(body + b" ", signature), lambda: verify(body, signature, "x")):
        with pytest.raises(ValueError, match="Signature hash does not match"):
            forged()


def test_users_and_memberships_that_are_deleted_are_told(receiver: Receiver):
    emulator = WorkOSEmulator()
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    emulator.add_organization("Acme", organization_id="org_acme")
    emulator.add_membership("user_ada", "org_acme")
    with emulator.serve() as base_url:
        address = f"{base_url}/_emulator"
        changes = {"webhook_url": receiver.url, "webhook_secret": "whsec_other"}
        shown = httpx.post(f"{address}/settings", json=changes).json()
        assert shown["webhook_url"] == receiver.url
        assert "webhook_secret" not in shown
        membership = {"user_id": "user_ada", "organization_id": "org_acme"}
        httpx.post(f"{address}/memberships/remove", json=membership).raise_for_status()
        (first,) = receiver.events(1)
        httpx.post(f"{address}/users/remove", json={"user_id": "user_ada"}).raise_for_status()
        _, second = receiver.events(2)
        assert httpx.post(f"{address}/memberships/remove", json=membership).status_code == 422
        assert httpx.post(f"{address}/users/remove", json={"user_id": "x"}).status_code == 422
    assert first["event"] == "organization_membership.deleted"
    assert first["data"]["organization_id"] == "org_acme"
    assert first["data"]["user_id"] == "user_ada"
    assert (second["event"], second["data"]["id"]) == ("user.deleted", "user_ada")
    verify(*receiver.received[0], "whsec_other")


def test_what_is_not_taken_is_sent_again_signed_anew(receiver: Receiver):
    receiver.statuses = [503, 500]
    emulator = WorkOSEmulator(webhook_url=receiver.url)
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    emulator.remove_user("user_ada")
    first, second, third = receiver.events(3)
    assert first == second == third
    for body, signature in receiver.received:
        verify(body, signature)


def test_address_where_nobody_listens_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("authkit_asgi.testing.webhooks._PAUSE_SECONDS", 0)
    emulator = WorkOSEmulator(webhook_url="http://127.0.0.1:1/")
    emulator.add_user(email="ada@example.com", user_id="user_ada")
    emulator.remove_user("user_ada")
    for thread in threading.enumerate():
        if thread.name == "user.deleted":
            thread.join(30)
            assert not thread.is_alive()


@pytest.mark.parametrize("url", ["https://example.com/x", "localhost", "ftp://localhost/", 7])
def test_webhooks_are_sent_to_this_machine_only(url: Any):
    with pytest.raises(ValueError, match="webhook_url must be"):
        WorkOSEmulator(webhook_url=url)


def test_command_line_refuses_another_machine(capsys: pytest.CaptureFixture[str]):
    assert main(["emulate", "--port", "0", "--webhook-url", "https://example.com/"]) == 1
    assert "webhook_url must be" in capsys.readouterr().err


def test_times_of_a_webhook_can_be_chosen():
    webhook = sign_webhook("x", {"id": "y"}, secret=SECRET, created_at=0.5, sent_at=1.25)
    assert json.loads(webhook.body)["created_at"] == "1970-01-01T00:00:00.500Z"
    assert webhook.headers["WorkOS-Signature"].startswith("t=1250, v1=")

"""The request log."""

from __future__ import annotations

import pytest
from emulator_client import Clock, EmulatorClient

from authkit_asgi.testing import RequestRecord, WorkOSEmulator
from authkit_asgi.testing import journal as journal_module
from authkit_asgi.testing.journal import Journal


def test_requests_are_logged_without_secrets(
    client: EmulatorClient, emulator: WorkOSEmulator, clock: Clock
) -> None:
    answer = client.sign_in(form={"user_id": "user_ada"})
    client.refresh(answer["refresh_token"])
    client.post("/user_management/authenticate", content="{")
    client.post("/user_management/authenticate", json={"grant_type": 7})
    path = "/user_management/authenticate"
    seen = [(r.method, r.path, r.endpoint, r.grant_type, r.status) for r in emulator.requests]
    assert seen == [
        ("POST", "/user_management/authorize", "authorize", None, 303),
        ("POST", path, "authenticate", "authorization_code", 200),
        ("POST", path, "authenticate", "refresh_token", 200),
        ("POST", path, "authenticate", None, 400),
        ("POST", path, "authenticate", None, 400),
    ]
    assert emulator.requests[0].at == clock.now
    log = repr(emulator.requests)
    for secret in (answer["refresh_token"], emulator.api_key, "code_01"):
        assert secret not in log


def test_count_matches_fields(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    client.sign_in(form={"user_id": "user_ada"})
    client.refresh("ref_unknown")
    assert emulator.count() == 3
    assert emulator.count("authenticate") == 2
    assert emulator.count("authenticate", grant_type="refresh_token") == 1
    assert emulator.count("authenticate", status=200) == 1
    assert emulator.count("jwks") == 0


def test_count_refuses_what_there_is_not(emulator: WorkOSEmulator) -> None:
    with pytest.raises(ValueError, match="no endpoint 'tokens'"):
        emulator.count("tokens")
    with pytest.raises(TypeError, match="no colour"):
        emulator.count("jwks", colour="red")


def test_journal_forgets_the_oldest_of_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_MAXIMUM_ENTRIES", 2)
    journal = Journal()
    for number in range(3):
        assert _open(journal, f"/{number}") == number + 1
    assert [record.path for record in journal.records()] == ["/1", "/2"]


def test_journal_ignores_the_end_of_a_request_it_has_forgotten() -> None:
    journal = Journal()
    number = _open(journal, "/")
    journal.clear()
    journal.close(number, 200)
    assert journal.records() == ()


def test_record_is_json() -> None:
    record = RequestRecord(number=1, at=0, method="GET", path="/", endpoint="jwks")
    assert record.as_json()["status"] is None


def _open(journal: Journal, path: str) -> int:
    return journal.open(at=0, method="GET", path=path, endpoint="jwks", grant_type=None)

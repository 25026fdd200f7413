"""Start and end of each server: with the application's, or not at all."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from emulated import PASSWORD
from server_kinds import KINDS, ServerKind
from server_processes import API_KEY, server, site, wait_for_end
from server_site import STARTED, STOPPED

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_server_that_is_asked_to_end_ends_in_good_order(kind: ServerKind, workos: str, log: Path):
    with site(kind, workos, log) as running:
        assert httpx.get(f"{running.address}/me", trust_env=False).status_code == 401
        status = running.process.stop()
    logged = log.read_text()
    assert status in {0, -signal.SIGTERM}
    assert (logged.count(STARTED), logged.count(STOPPED)) == (1, 1)
    assert "Traceback" not in logged


@every_kind
def test_server_does_not_start_with_settings_that_cannot_work(kind: ServerKind, log: Path):
    wrong = {
        "WORKOS_CLIENT_ID": "",
        "WORKOS_COOKIE_PASSWORD": PASSWORD[:20],
        "WORKOS_REDIRECT_URI": "http://example.com/callback",
    }
    with server(kind, 0, log, **wrong) as process:
        status = wait_for_end(process)
    logged = log.read_text()
    assert status != 0 or not kind.tells_failed_startup
    assert STARTED not in logged
    for name in ("CLIENT_ID (client_id)", "COOKIE_PASSWORD (cookie_password)"):
        assert f"WORKOS_{name} is" in logged
    assert "is http: use https" in logged
    assert not any(secret in logged for secret in (PASSWORD[:20], API_KEY))

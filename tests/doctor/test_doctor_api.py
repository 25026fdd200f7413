"""What the doctor says of the WorkOS API, whatever answers there, or does not."""

from __future__ import annotations

import socket
from email.utils import formatdate

import pytest
from emulated import START
from examined import answering, config, environment, examined, found


def test_api_that_answers_is_told_with_the_time_it_took(environ, api):
    report = examined(environ)
    reached, keys = found(report, "api.reached"), found(report, "keys")
    assert reached.status == keys.status == "ok"
    assert reached.message.startswith(f"The WorkOS API at {api} answered in ")
    assert "/sso/jwks/client_emulator: 1 usable key, in " in keys.message
    assert 0 < reached.seconds < 60
    assert 0 < keys.seconds < 60
    assert found(report, "api.key").status == "ok"
    assert found(report, "api.clock").status == "ok"
    assert report.exit_status == 0


def test_several_keys_are_counted(environ, emulator):
    emulator.rotate_keys()
    assert ": 2 usable keys, in " in found(examined(environ), "keys").message


def test_key_is_tried_without_spending_anything(environ, emulator):
    emulator.sign_in("user_ada")
    examined(environ)
    asked = [(request.method, request.endpoint, request.status) for request in emulator.requests]
    assert asked == [("GET", "users", 404), ("GET", "jwks", 200)]


def test_refused_key_is_a_fault_that_does_not_show_it(environ):
    report = examined({**environ, "WORKOS_API_KEY": "sk_test_revoked_yesterday"})
    finding = found(report, "api.key")
    assert finding.status == "fault"
    assert "WORKOS_API_KEY (api_key) is refused with status 401" in finding.message
    assert "dashboard" in finding.advice
    assert found(report, "api.reached").status == "ok"
    assert report.exit_status == 1
    assert "yesterday" not in report.as_text() + report.as_json()


def test_client_that_has_no_keys_is_a_fault(environ):
    finding = found(examined({**environ, "WORKOS_CLIENT_ID": "client_other"}), "keys")
    assert finding.status == "fault"
    assert "status 404" in finding.message
    assert "WORKOS_CLIENT_ID" in finding.advice


@pytest.mark.parametrize("body", [b'{"keys": []}', b"<html>", b'{"keys": [{"kty": "EC"}]}'])
def test_answer_without_usable_keys_is_a_fault(body):
    with answering(body=body) as address:
        finding = found(examined(environment(WORKOS_BASE_URL=address)), "keys")
    assert finding.status == "fault"
    assert "none that can verify" in finding.message


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"{}"), (404, b"<html>"), (401, b"[]"), (404, b"[" * 100_000), (302, b"{}")],
)
def test_server_that_is_not_workos_is_a_fault(status, body):
    with answering(status, body) as address:
        report = examined(environment(WORKOS_BASE_URL=address))
    finding = found(report, "api.reached")
    assert finding.status == "fault"
    assert f"with status {status} and not as WorkOS does" in finding.message
    assert "WORKOS_BASE_URL" in finding.advice
    assert not any(each.check in {"api.key", "api.clock"} for each in report.findings)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_api_that_fails_is_a_fault_to_wait_for(emulator, environ, status):
    emulator.fail("users", status=status)
    finding = found(examined(environ), "api.reached")
    assert finding.status == "fault"
    assert f"answered with status {status}" in finding.message
    assert "again" in finding.advice


def test_api_that_refuses_connections_is_a_line():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    report = examined(environment(WORKOS_BASE_URL=f"http://127.0.0.1:{port}"))
    for check in ("api.reached", "keys"):
        finding = found(report, check)
        assert finding.status == "fault"
        assert "cannot be reached: ConnectError" in finding.message
        assert "firewall" in finding.advice


def test_api_that_drops_the_connection_is_a_line(emulator, environ):
    emulator.fail("*", reset="before", times=None)
    report = examined(environ)
    assert "cannot be reached: " in found(report, "api.reached").message
    assert "cannot be reached: " in found(report, "keys").message


def test_api_that_hangs_is_given_up(emulator, api):
    emulator.fail("*", hang=True, times=None)
    report = examined(config(api_base_url=api, api_timeout=0.2))
    assert "does not answer within 0.2 s" in found(report, "api.reached").message
    assert "does not answer within 0.2 s" in found(report, "keys").message


def test_answer_without_end_is_given_up():
    with answering(body=b" " * 3_000_000) as address:
        report = examined(environment(WORKOS_BASE_URL=address))
    assert "sends more than 1,000,000 bytes" in found(report, "api.reached").message
    assert "sends more than 1,000,000 bytes" in found(report, "keys").message


@pytest.mark.parametrize(
    ("proxy", "error"),
    [
        ("nonsense://user:hidden@proxy", "ValueError"),
        ("http://user:hidden@proxy:port", "InvalidURL"),
    ],
)
def test_proxy_that_is_none_is_a_line_without_its_password(monkeypatch, environ, proxy, error):
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", "")
    report = examined(environ)
    message = found(report, "api.reached").message
    assert f"cannot be asked: {error}, see HTTPS_PROXY" in message
    assert "hidden" not in report.as_text() + report.as_json()


@pytest.mark.parametrize(
    ("skew", "seconds", "status", "words"),
    [
        (0.5, 0, "ok", "at most 5 s apart"),
        (6, 5, "ok", "at most 5 s apart"),
        (-5, -5, "ok", "at most 5 s apart"),
        (31, 30, "warning", "is 30 s ahead of the API's"),
        (-30, -30, "warning", "is 30 s behind the API's"),
        (61, 60, "warning", "is 60 s ahead of the API's"),
        (-61, -61, "fault", "is 61 s behind the API's"),
    ],
)
def test_clock_is_compared_with_the_date_of_the_answer(skew, seconds, status, words):
    # `Date` is in whole seconds: what it says may be a second old.
    with answering(404, headers={"Date": formatdate(START, usegmt=True)}) as address:
        environ = environment(WORKOS_BASE_URL=address)
        finding = found(examined(environ, clock=lambda: START + skew), "api.clock")
    assert finding.status == status
    assert words in finding.message
    assert finding.seconds == seconds
    assert ("NTP" in finding.advice) is (status != "ok")


@pytest.mark.parametrize("headers", [{}, {"Date": "yesterday"}])
def test_answer_without_date_leaves_the_clock_alone(headers):
    with answering(404, headers=headers) as address:
        finding = found(examined(environment(WORKOS_BASE_URL=address)), "api.clock")
    assert finding.status == "skipped"

"""Faults to order."""

from __future__ import annotations

import functools
import threading
import time
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from emulator_client import EmulatorClient
from starlette.testclient import TestClient

from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator
from authkit_asgi.testing.faults import Fault, wait_for_disconnect, wait_seconds
from authkit_asgi.testing.server import serve_in_thread

JWKS = "/sso/jwks/client_emulator"
TIMEOUT_SECONDS = 30


def test_fault_strikes_as_often_as_ordered(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.fail("jwks", times=2, status=503, headers={"Retry-After": "7"})
    for _ in range(2):
        response = client.get(JWKS)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "7"
        assert response.json()["code"] == "emulated_fault"
    assert client.get(JWKS).status_code == 200


def test_fault_strikes_until_cleared(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", times=None, status=500)
    assert {client.get(JWKS).status_code for _ in range(5)} == {500}
    emulator.clear_faults()
    assert client.get(JWKS).status_code == 200


def test_faults_strike_in_the_order_given(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", status=500)
    emulator.fail("jwks", status=429)
    assert [client.get(JWKS).status_code for _ in range(3)] == [500, 429, 200]


def test_fault_strikes_its_endpoint_only(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("logout", status=500)
    assert client.get(JWKS).status_code == 200


def test_fault_everywhere(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("*", times=None, status=500)
    assert client.get(JWKS).status_code == 500
    assert client.authorize().status_code == 500
    assert client.get("/").status_code == 200


def test_fault_strikes_one_grant_type(client: EmulatorClient, emulator: WorkOSEmulator) -> None:
    emulator.fail("authenticate", status=500, grant_type="refresh_token")
    token = client.sign_in(form={"user_id": "user_ada"})["refresh_token"]
    response = client.refresh(token)
    assert response.status_code == 500
    assert response.json()["error"] == "emulated_fault"
    assert client.refresh(token).status_code == 200


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"body": HTML_PAGE}, (200, "text/html; charset=utf-8", HTML_PAGE)),
        ({"body": TRUNCATED_JSON}, (200, "application/json", TRUNCATED_JSON)),
        ({"body": JSON_WITHOUT_TOKENS}, (200, "application/json", JSON_WITHOUT_TOKENS)),
        ({"body": {"keys": []}}, (200, "application/json", '{"keys": []}')),
        ({"body": b"x", "content_type": "image/png"}, (200, "image/png", "x")),
        ({"body": [], "status": 400}, (400, "application/json", "[]")),
        ({"status": 202}, (202, "text/plain; charset=utf-8", "")),
    ],
)
def test_fault_answers_what_was_ordered(
    client: EmulatorClient,
    emulator: WorkOSEmulator,
    order: dict[str, Any],
    expected: tuple[int, str, str],
) -> None:
    emulator.fail("jwks", **order)
    response = client.get(JWKS)
    answer = (response.status_code, response.headers["content-type"], response.text)
    assert answer == expected


def test_fault_adds_headers_to_the_real_answer(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.fail("jwks", headers={"X-Extra": "1"})
    response = client.get(JWKS)
    assert response.headers["x-extra"] == "1"
    assert response.json()["keys"]


def test_delay_is_waited_for_and_the_request_handled(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.fail("jwks", delay=0.05)
    assert client.get(JWKS).status_code == 200


def test_delay_ends_when_the_faults_are_cleared(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", delay=3600)
    answers: list[int] = []

    def ask(base_url: str) -> None:
        answers.append(httpx.get(base_url + JWKS, timeout=TIMEOUT_SECONDS).status_code)

    with emulator.serve() as base_url:
        thread = _in_thread(functools.partial(ask, base_url))
        _wait_for_request(emulator)
        emulator.clear_faults()
        thread.join(TIMEOUT_SECONDS)
    assert answers == [200]


def test_hang_ends_in_a_reset_when_the_server_stops(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", hang=True, times=None)
    errors: list[httpx.HTTPError] = []

    def ask(base_url: str) -> None:
        try:
            httpx.get(base_url + JWKS, timeout=TIMEOUT_SECONDS)
        except httpx.HTTPError as exc:
            errors.append(exc)

    with emulator.serve() as base_url:
        thread = _in_thread(functools.partial(ask, base_url))
        _wait_for_request(emulator)
    thread.join(TIMEOUT_SECONDS)
    assert [type(error) for error in errors] == [httpx.ReadError]
    assert emulator.count("jwks", status=None) == 1


def test_hang_ends_when_the_client_leaves(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", hang=True)
    with emulator.serve() as base_url:
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(base_url + JWKS, timeout=httpx.Timeout(TIMEOUT_SECONDS, read=0.1))
        assert httpx.get(base_url + JWKS, timeout=TIMEOUT_SECONDS).status_code == 200


def test_hang_in_process_lasts_until_the_caller_gives_up(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", hang=True)

    async def ask() -> bool:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(emulator.app)) as client:
            with anyio.move_on_after(0.1) as scope:
                await client.get(f"http://testserver{JWKS}")
            return scope.cancelled_caught

    assert anyio.run(ask)


def test_wait_for_disconnect_reads_past_other_messages() -> None:
    messages = [{"type": "http.request"}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, str]:
        return messages.pop(0)

    anyio.run(wait_for_disconnect, receive, lambda: False)
    assert messages == []


def test_wait_seconds_ends_at_once_when_released() -> None:
    anyio.run(wait_seconds, 3600, lambda: True)


@pytest.mark.parametrize("http", ["h11", "httptools"])
@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
@pytest.mark.parametrize("reset", ["before", "after"])
def test_reset_drops_a_real_connection(
    emulator: WorkOSEmulator, http: str, loop: str, reset: Any
) -> None:
    token = emulator.sign_in("user_ada")["refresh_token"]
    fields = {
        "client_id": emulator.client_id,
        "client_secret": emulator.api_key,
        "grant_type": "refresh_token",
        "refresh_token": token,
    }
    emulator.fail("authenticate", reset=reset)
    serving = serve_in_thread(
        emulator.app, port=0, on_shutdown=emulator.clear_faults, http=http, loop=loop
    )
    with serving as base_url:
        url = f"{base_url}/user_management/authenticate"
        with pytest.raises(httpx.ReadError):
            httpx.post(url, json=fields)
        again = httpx.post(url, json=fields)
    assert again.status_code == (200 if reset == "before" else 400)
    assert [record.status for record in emulator.requests] == [None, again.status_code]


@pytest.mark.parametrize("reset", ["before", "after"])
def test_reset_in_process_raises_what_the_client_knows(
    client: EmulatorClient, emulator: WorkOSEmulator, reset: Any
) -> None:
    token = emulator.sign_in("user_ada")["refresh_token"]
    emulator.fail("authenticate", reset=reset)
    with pytest.raises(httpx.ReadError):
        client.refresh(token)
    assert client.refresh(token).status_code == (200 if reset == "before" else 400)


def test_reset_in_process_raises_the_error_of_httpx2(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", reset="before")

    async def ask() -> None:
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(emulator.app)) as client:
            await client.get(f"http://testserver{JWKS}")

    with pytest.raises(httpx2.ReadError):
        anyio.run(ask)


def test_reset_under_the_test_client_raises(emulator: WorkOSEmulator) -> None:
    emulator.fail("jwks", reset="before")
    with pytest.raises(httpx.ReadError):
        TestClient(emulator.app).get(JWKS)


@pytest.mark.parametrize(
    "order", [{"times": 0}, {"reset": "sometimes"}, {"endpoint": "nothing"}, {"endpoint": "home"}]
)
def test_fault_that_makes_no_sense_is_refused(
    emulator: WorkOSEmulator, order: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"times|reset|endpoint"):
        emulator.fail(**{"endpoint": "jwks", **order})


def test_fault_has_the_values_of_fail_by_default() -> None:
    fault = Fault(endpoint="jwks")
    assert (fault.times, fault.replaces_answer) == (1, False)


def _in_thread(target: Any) -> threading.Thread:
    thread = threading.Thread(target=target)
    thread.start()
    return thread


def _wait_for_request(emulator: WorkOSEmulator) -> None:
    """Return when a request has arrived; fail if none does."""
    pause = threading.Event()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not emulator.count():
        assert time.monotonic() < deadline
        pause.wait(0.01)

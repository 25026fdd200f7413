"""WebSockets under each server: who they are from, and the cookie that goes along."""

from __future__ import annotations

import pytest
from server_processes import until
from visitors import SESSION, Visitor
from websockets.exceptions import InvalidStatus


def test_websocket_of_a_stranger_is_denied(visitor: Visitor):
    with pytest.raises(InvalidStatus) as denied:
        visitor.websocket()
    assert denied.value.response.status_code == 401


def test_websocket_takes_a_refreshed_cookie_along_as_it_is_accepted(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.websocket() as socket:
        assert socket.recv() == visitor.user_id
        assert socket.response is not None
        lines = socket.response.headers.get_all("set-cookie")
    sent = [line.partition("=")[0] for line in lines]
    assert sent == [SESSION] * visitor.server.kind.sends_headers_on_accept
    # The old cookie is still good for its successor, which the next response brings in any case.
    old = visitor.browser.cookies[SESSION]
    assert visitor.is_signed_in(expected_exchanges=1)
    assert visitor.browser.cookies[SESSION] != old
    with visitor.websocket() as socket:
        assert socket.recv() == visitor.user_id
        assert socket.response is not None
        assert "set-cookie" not in socket.response.headers


def test_websocket_whose_client_goes_away_ends_and_loses_no_session(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.websocket("/echo") as socket:
        socket.send("hello")
        assert socket.recv() == f"{visitor.user_id}: hello"
        socket.socket.close()  # without the closing handshake
        until(lambda: "client gone" in visitor.notes)
    assert visitor.is_signed_in(expected_exchanges=1)

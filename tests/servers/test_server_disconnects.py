"""Clients that go away early under each server: the application learns it, no session is lost."""

from __future__ import annotations

from server_processes import until
from visitors import Visitor, response_of


def test_disconnect_in_the_middle_of_a_response_ends_it(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.send("GET", "/endless") as connection:
        response = response_of(connection)
        assert response.status == 200
        assert response.read(1)
        response.close()
    until(lambda: "stream ended" in visitor.notes)
    assert visitor.is_signed_in(expected_exchanges=1)


def test_disconnect_before_the_response_reaches_the_application(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.send("POST", "/hang", "Content-Length: 0"):
        until(lambda: visitor.notes == ["hanging"])
    until(lambda: visitor.notes == ["hanging", "client gone"])
    assert visitor.is_signed_in(expected_exchanges=1)


def test_disconnect_before_the_request_is_complete_reaches_the_application(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.send("POST", "/upload", "Content-Length: 1000") as connection:
        connection.sendall(b"some")
        until(lambda: visitor.notes == ["4 octets"])
    until(lambda: visitor.notes == ["4 octets", "client gone"])
    assert visitor.is_signed_in(expected_exchanges=1)

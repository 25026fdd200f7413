"""Bodies under each server: passed on piece by piece, and no faster than they are taken."""

from __future__ import annotations

from collections.abc import Iterator

from flood import CHUNKS, SIZE
from server_processes import until
from visitors import SESSION, Visitor, response_of

_STILL = 20  # looks at a number that does not change


def test_streamed_response_arrives_while_the_application_still_writes_it(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    with visitor.browser.stream("GET", "/pieces") as answer:
        assert SESSION in answer.cookies
        pieces = answer.iter_bytes()
        assert next(pieces) == b"first"
        visitor.browser.post(f"/go/{visitor.user_id}")
        assert b"".join(pieces) == b"second"
    assert visitor.exchanges == 1


def test_streamed_response_waits_for_a_client_that_does_not_read(visitor: Visitor):
    visitor.have_session(lifetime=-60)
    sent: list[int] = []

    def stands_still() -> bool:
        sent.append(len(visitor.notes))
        return len(sent) > _STILL and sent[-1] == sent[-_STILL] > 0

    with visitor.send("GET", "/flood", "Connection: close") as connection:
        until(stands_still)
        assert sent[-1] < CHUNKS
        response = response_of(connection)
        size = 0
        while part := response.read1():
            size += len(part)
        assert size == SIZE
    assert len(visitor.notes) == CHUNKS
    assert visitor.exchanges == 1


def test_streamed_request_reaches_the_application_while_it_still_comes(visitor: Visitor):
    visitor.have_session()

    def body() -> Iterator[bytes]:
        yield b"first"
        until(lambda: visitor.notes == ["5 octets"])
        yield b"second"

    assert visitor.browser.post("/upload", content=body()).json() == len(b"firstsecond")

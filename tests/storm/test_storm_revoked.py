"""Thousands of requests with the cookie of a session that WorkOS has ended."""

from __future__ import annotations

import pytest
from storm_client import Ask, storm
from storm_processes import Emulator

REQUESTS = 1000
REFUSED = (401, "refresh_denied")


@pytest.mark.parametrize("application", ["single", "trio"])
@pytest.mark.anyio
async def test_thousand_requests_with_one_revoked_cookie_ask_workos_twice_at_most(
    workos: Emulator, application: str, request: pytest.FixtureRequest
):
    ports = request.getfixturevalue(application)
    ended, other = workos.members(2)
    workos.revoke(ended)
    asks = [Ask("/who", ended.cookie)] * REQUESTS
    at_once = await storm(ports, asks, connections=REQUESTS)
    afterwards = await storm(ports, asks)
    answers = at_once + afterwards
    assert len(answers) == 2 * REQUESTS
    assert {(each.status, each.body["reason"]) for each in answers} == {REFUSED}
    assert {each.body["worker"] for each in at_once} == {each.body["worker"] for each in afterwards}
    assert len({each.body["worker"] for each in answers}) == len(ports)
    # Nobody's cookie goes: another worker, of another site, may just have won the exchange.
    assert [each for each in answers if each.cookies] == []
    refusals = workos.exchanges()
    assert set(refusals) == {400}
    assert len(refusals) <= 2
    # That one session has ended holds up no other.
    (answer,) = await storm(ports, [Ask("/who", other.cookie, other.user_id)])
    assert (answer.status, answer.body["user"]) == (200, other.user_id)
    assert workos.exchanges() == [*refusals, 200]

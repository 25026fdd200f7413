"""A thousand requests at once with one expired cookie, and thousands of many users'."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from emulated import PASSWORD
from storm_client import Answer, Ask, storm
from storm_processes import ORGANIZATIONS, Emulator, Member

from authkit_asgi.session import unseal_session

USERS = 200
REQUESTS_EACH = 20

everywhere = pytest.mark.parametrize("application", ["single", "trio"])


@pytest.fixture
def ports(application: str, request: pytest.FixtureRequest) -> list[int]:
    return request.getfixturevalue(application)


def asks(members: Sequence[Member], *, switches: bool = False) -> list[Ask]:
    """Return every member's requests, shuffled; every third to another organization."""
    result = []
    for member in members:
        for index in range(REQUESTS_EACH):
            organization = ORGANIZATIONS[0]
            path = "/who"
            if switches and index % 3 == 0:
                organization = ORGANIZATIONS[1 + index % 2]
                path = f"/switch/{organization}"
            result.append(Ask(path, member.cookie, member.user_id, organization))
    random.Random(7).shuffle(result)  # noqa: S311  # no secret
    return result


def check_answers(answers: list[Answer], expected: int) -> None:
    """See that each request was answered for its own user, in the organization asked for."""
    assert len(answers) == expected
    wrong = [each for each in answers if each.who != (each.ask.user_id, each.ask.organization)]
    assert wrong == []
    given = {(each.ask.user_id, cookie) for each in answers for cookie in each.cookies}
    wrong = [user for user, cookie in given if unseal_session(cookie, PASSWORD).user_id != user]
    assert wrong == []


@pytest.mark.parametrize("application", ["single", "trio", "single_as_shipped", "trio_as_shipped"])
@pytest.mark.anyio
async def test_thousand_requests_with_one_expired_cookie_make_one_exchange(workos, ports):
    (member,) = workos.members(1)
    ask = Ask("/who", member.cookie, member.user_id, ORGANIZATIONS[0])
    answers = await storm(ports, [ask] * 1000, connections=1000)
    check_answers(answers, 1000)
    assert len({each.body["worker"] for each in answers}) == len(ports)
    assert workos.exchanges() == [200]
    assert workos.sessions([member]) == 1
    # Every one of them brings the browser the same, new cookie, which is good by itself.
    (successor,) = {tuple(each.cookies) for each in answers}
    (answer, *_) = await storm(ports, [Ask("/who", *successor)])
    assert answer.who == (member.user_id, ORGANIZATIONS[0])
    assert workos.exchanges() == [200]


@everywhere
@pytest.mark.anyio
async def test_many_users_at_once_make_one_exchange_each(workos: Emulator, ports):
    members = workos.members(USERS)
    answers = await storm(ports, asks(members))
    check_answers(answers, USERS * REQUESTS_EACH)
    assert workos.exchanges() == [200] * USERS
    assert workos.sessions(members) == USERS


@everywhere
@pytest.mark.anyio
async def test_many_users_that_switch_organizations_are_never_mixed_up(workos: Emulator, ports):
    members = workos.members(USERS, *ORGANIZATIONS)
    answers = await storm(ports, asks(members, switches=True))
    check_answers(answers, USERS * REQUESTS_EACH)
    # One to renew, and one for each organization switched to: the others found its outcome.
    assert workos.exchanges() == [200] * USERS * 3
    assert workos.sessions(members) == USERS

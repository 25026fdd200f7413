"""Sessions in a Redis that three workers share: one exchange, one switch, one end for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from emulated import PASSWORD
from redis_server import RedisServer
from stores_of_workers import put_session
from storm_client import Answer, Ask, storm
from storm_processes import ORGANIZATIONS, Emulator, Member, workers

from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.session import unseal_session
from authkit_asgi.session_records import SessionRecords

pytestmark = pytest.mark.anyio

FIRST, SECOND, _ = ORGANIZATIONS


@pytest.fixture(scope="module")
def _stored_trio(_workos_process: Emulator, shared_redis: RedisServer) -> Iterator[list[int]]:
    """The ports of three workers that keep their sessions in one Redis."""
    url = shared_redis.url
    with workers(_workos_process, 3, redis_url=url, STORM_STORED="yes") as started:
        yield [worker.port for worker in started]


@pytest.fixture
def stored_trio(_stored_trio: list[int], shared_redis: RedisServer) -> list[int]:
    shared_redis.admin.flushall()
    return _stored_trio


async def in_redis(server: RedisServer, member: Member) -> str:
    """Store somebody's session as it is, and return the cookie that names it."""
    session = unseal_session(member.cookie, PASSWORD)
    return await put_session(RedisSessionStore(server.url), session, PASSWORD)


def named(cookie: str) -> str:
    opened = SessionRecords(PASSWORD).open_id(cookie)
    assert opened is not None
    return opened[0]


def sign_in(port: int, user_id: str) -> str:
    """Sign somebody in as a browser does; return the session's cookie."""
    with httpx.Client(timeout=60, trust_env=False) as client:
        site = f"http://localhost:{port}"
        begun = client.get(f"{site}/login?return_to=/who&login_hint={user_id}@example.com")
        granted = client.get(begun.headers["location"])
        done = client.get(granted.headers["location"])
        assert (done.status_code, done.headers["location"]) == (303, "/who")
        cookie = client.cookies["wos-session"]
    assert named(cookie)
    return cookie


async def seen(ports: list[int], cookie: str) -> list[Answer]:
    """Ask every worker ten times who it is."""
    answers = await storm(ports, [Ask("/who", cookie)] * 30, connections=30)
    assert len({answer.body["worker"] for answer in answers}) == len(ports)
    return answers


async def test_sign_in_switch_and_end_at_one_worker_count_at_all(workos, stored_trio):
    workos.members(1, FIRST, SECOND)
    cookie = sign_in(stored_trio[0], "user_0")
    others = [sign_in(port, "user_0") for port in stored_trio[1:]]
    for answer in await seen(stored_trio, cookie):
        assert (answer.status, answer.cookies) == (200, [])
    (switched,) = await storm([stored_trio[1]], [Ask(f"/switch/{SECOND}", cookie)])
    assert switched.who == ("user_0", SECOND)
    assert {each.who for each in await seen(stored_trio, cookie)} == {("user_0", SECOND)}
    (revoked,) = await storm([stored_trio[2]], [Ask("/revoke/user_0", cookie)])
    assert revoked.body["revoked"] == 3
    for each in (cookie, *others):
        answers = await seen(stored_trio, each)
        assert {answer.body["reason"] for answer in answers} == {"signed_out"}
    assert named(sign_in(stored_trio[0], "user_0")) != named(cookie)


async def test_200_requests_with_one_expired_stored_session_make_one_exchange(
    workos, stored_trio, shared_redis
):
    (member,) = workos.members(1)
    cookie = await in_redis(shared_redis, member)
    answers = await storm(stored_trio, [Ask("/who", cookie)] * 200)
    assert {answer.who for answer in answers} == {(member.user_id, FIRST)}
    assert len({answer.body["worker"] for answer in answers}) == len(stored_trio)
    assert workos.exchanges() == [200]
    assert workos.sessions([member]) == 1
    for answer in answers:
        assert {named(each) for each in answer.cookies} <= {named(cookie)}
    for answer in await seen(stored_trio, cookie):  # who goes on with the old response's cookie
        assert answer.who == (member.user_id, FIRST)
    assert workos.exchanges() == [200]


async def test_expired_sessions_of_many_users_are_exchanged_once_each_and_never_mixed(
    workos, stored_trio, shared_redis
):
    members = workos.members(40)
    asks = [
        Ask("/who", await in_redis(shared_redis, member), member.user_id, FIRST)
        for member in members
    ]
    answers = await storm(stored_trio, asks * 10)
    assert [each for each in answers if each.who != (each.ask.user_id, FIRST)] == []
    assert workos.exchanges() == [200] * len(members)
    assert workos.sessions(members) == len(members)


async def test_cookies_that_move_at_three_workers_at_once_come_to_one_session(
    workos, stored_trio, shared_redis
):
    (member,) = workos.members(1, lifetime=300)
    answers = await storm(stored_trio, [Ask("/who", member.cookie)] * 100)
    assert {answer.who for answer in answers} == {(member.user_id, FIRST)}
    (id_,) = {named(each) for answer in answers for each in answer.cookies}
    assert len([*shared_redis.admin.scan_iter("authkit:session:*")]) == 1
    (answer,) = await storm(stored_trio[:1], [Ask("/who", answers[0].cookies[0])])
    assert (answer.who, answer.cookies) == ((member.user_id, FIRST), [])
    assert workos.exchanges() == []
    assert id_ == named(answers[0].cookies[0])


async def test_session_revoked_while_it_is_refreshed_stays_dead(workos, stored_trio, shared_redis):
    (member,) = workos.members(1)
    cookie = await in_redis(shared_redis, member)
    asked = asyncio.create_task(storm(stored_trio, [Ask("/who", cookie)] * 30))
    while not await asyncio.to_thread(workos.exchanges):
        pass
    revoked, *_ = await storm(stored_trio[:1], [Ask(f"/revoke/{member.user_id}", "")])
    assert revoked.body["revoked"] == 1
    await asked
    answers = await seen(stored_trio, cookie)
    assert {answer.body["reason"] for answer in answers} == {"signed_out"}
    assert [answer.cookies for answer in answers if answer.cookies not in ([], [""])] == []
    assert workos.exchanges() == [200]

"""The guides to sessions, in Redis, small and unused, are true: their examples run."""

from __future__ import annotations

import os
import time

import pytest
from doc_pages import Page
from redis_server import RedisServer

from authkit_asgi.seal import unseal
from authkit_asgi.testing import WorkOSEmulator

REDIS = Page("guides/redis.md")
SIZE = Page("guides/session-size.md")


@pytest.fixture(autouse=True)
def workos(authkit_emulator: WorkOSEmulator, authkit_env: dict[str, str]) -> WorkOSEmulator:
    authkit_emulator.add_user(email="ada@example.com", first_name="Ada", user_id="user_ada")
    return authkit_emulator


def test_store_keeps_the_session_in_redis(
    client_of, walk_through, documented_redis: RedisServer
) -> None:
    with client_of(REDIS.run().app) as client:
        assert walk_through(client, "/docs").status_code == 200
        assert len(client.cookies["wos-session"]) < 400
    assert documented_redis.name("session")


def test_example_lists_and_revokes_sessions(
    client_of, walk_through, documented_redis: RedisServer
) -> None:
    with client_of(REDIS.run("listed.py").app) as client:
        (first,) = walk_through(client, "/sessions").json()
        assert first["authentication_method"]
        assert first["signed_in_at"] <= time.time()
        assert client.post("/sign-out-everywhere").json() == {"ended": 1}
        assert client.get("/sessions").status_code == 401
        assert walk_through(client, "/sessions").json()[0]["session_id"] != first["session_id"]
        documented_redis.kill()
        down = client.get("/sessions")
        assert (down.status_code, down.headers["retry-after"]) == (503, "1")


@pytest.mark.usefixtures("documented_redis")
def test_workers_with_a_redis_serve_as_one_does(client_of, walk_through) -> None:
    with client_of(Page("guides/several-workers.md").run().app) as client:
        assert walk_through(client, "/docs").status_code == 200


def in_cookie(client) -> dict[str, object]:
    """Return the user that the session's cookie holds."""
    return unseal(client.cookies["wos-session"], os.environ["WORKOS_COOKIE_PASSWORD"])["user"]


def test_smaller_session_holds_what_it_says_and_loads_the_rest(
    client_of, walk_through, workos: WorkOSEmulator
) -> None:
    workos.update_user("user_ada", metadata={"plan": "gold"})
    with client_of(SIZE.run().app) as client:
        assert walk_through(client, "/plan").json() == {"plan": "gold"}
        assert in_cookie(client).keys() == {"id", "email", "externalId"}
        workos.fail("users", status=429, headers={"Retry-After": "7"})
        unavailable = client.get("/plan")
        assert (unavailable.status_code, unavailable.headers["retry-after"]) == (503, "7")
        workos.remove_user("user_ada")
        assert client.get("/plan").status_code == 403


def test_transformed_session_lacks_the_picture(client_of, walk_through) -> None:
    with client_of(SIZE.run("transformed.py").app) as client:
        assert walk_through(client, "/docs").status_code == 200
        assert "profilePictureUrl" not in in_cookie(client)
        assert "firstName" in in_cookie(client)


def test_session_that_nobody_uses_ends(client_of) -> None:
    client = client_of(Page("guides/inactivity.md").run().app, "user_ada")
    client.get("/openapi.json")
    assert client.cookies["wos-session-activity"]

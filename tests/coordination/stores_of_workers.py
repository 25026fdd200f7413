"""Stores over one Redis, as each of the workers has its own, and what is kept in them."""

from __future__ import annotations

import secrets
import time
from typing import Any

from redis_server import RedisServer

from authkit_asgi import SessionStore
from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.session import Session
from authkit_asgi.session_records import SessionRecords
from authkit_asgi.stores import StoredAs

OWNER, OTHER_OWNER = "0a" * 32, "0b" * 32
SECONDS = 1000


def store_of(server: RedisServer, **options: Any) -> RedisSessionStore:
    return RedisSessionStore(server.url, **options)


def new_key() -> str:
    return secrets.token_hex(32)


async def put(
    store: SessionStore,
    key: str,
    value: str = "one",
    expected: str | None = None,
    *,
    owner: str = OWNER,
    seconds: int = SECONDS,
) -> bool:
    return await store.put(key, value, expected=expected, owner=owner, seconds=seconds)


async def put_session(store: SessionStore, session: Session, password: str) -> str:
    """Store a session as it is, and return the cookie that names it."""
    records = SessionRecords(password)
    id_ = records.new_id()
    place = StoredAs(store=store, key=StoredAs.key_of(id_), since=time.time())
    value = records.seal(place, session)
    (owner,) = records.owners(session.user_id)
    assert await store.put(place.key, value, expected=None, owner=owner, seconds=SECONDS)
    return records.seal_id(id_)

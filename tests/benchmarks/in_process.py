"""Time what a request costs in this process: each piece, each kind of request, and the peers."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import functools
import json
from collections.abc import Iterator
from typing import Any

import itsdangerous
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey
from names import BARE, FORGED, HIT, MISS, NO_COOKIE, PEERS, RSA, SESSIONS, UNSEAL, WORKOS
from one_request import (
    LARGE,
    OLD_PASSWORD,
    PASSWORD,
    Request,
    SignedInUser,
    application,
    check_signed_in,
    cookie_of,
    enlarged,
    request,
    sealed,
)
from peers import peer_turns
from redis_server import RedisServer
from results import Column, Goal, Row, Section
from rounds import Effort, Turn, async_turn, medians, sync_turn
from starlette.middleware.sessions import SessionMiddleware
from stores_of_workers import put_session
from workos import WorkOSClient
from workos.session import seal_session_from_auth_response

from authkit_asgi import AuthKit, AuthKitMiddleware, InMemorySessionStore, SessionStore
from authkit_asgi.redis import RedisSessionStore
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import session_from_answer

FERNET_KEY = "cGFzc3dvcmQtb2YtZXhhY3RseS0zMi1ieXRlcyEhISE="

_HOSTILE = 4_000  # characters, the most that a browser sends in one cookie


def time_in_process(user: SignedInUser, server: RedisServer | None, effort: Effort) -> Section:
    """Return the cost of a request, of its parts and of its peers."""
    loop = asyncio.new_event_loop()
    with contextlib.closing(loop), contextlib.ExitStack() as stack:
        own = stack.enter_context(_own_requests(loop, user, server))
        turns: dict[str, Turn] = {
            BARE: async_turn(loop, request(application, cookie_of(user.sealed)))
        }
        turns |= _pieces(loop, user)
        turns |= {name: async_turn(loop, work) for name, work in own.items()}
        turns[WORKOS] = sync_turn(workos_python(user))
        turns[SESSIONS] = async_turn(loop, _session_middleware(user))
        others, missing = stack.enter_context(peer_turns(user))
        seconds = medians({**turns, **others}, effort)
    notes = [f"The sealed session has {len(user.sealed):,} characters; tokens are of RSA-2048."]
    if server is None:
        notes.append("There is no redis-server: sessions in Redis are left out.")
    return _section(seconds, missing, notes)


def _section(seconds: dict[str, float], missing: dict[str, str], notes: list[str]) -> Section:
    bare, peer = seconds[BARE], seconds[WORKOS]

    def row(name: str) -> Row:
        if name in missing:
            return Row(name, [missing[name], None, None])
        figure = seconds[name]
        over = (figure - bare) * 1e6 if ":" in name or name == SESSIONS else None
        return Row(name, [figure * 1e6, over, figure / peer], _goals(name, seconds))

    names = [*(name for name in seconds if name not in PEERS), *PEERS]
    return Section(
        key="request",
        title="One request in process, and peers",
        columns=[
            Column("median", "µs"),
            Column("over bare", "µs"),
            Column("of workos-python", "x"),
        ],
        rows=[row(name) for name in names],
        notes=notes,
    )


def _goals(name: str, seconds: dict[str, float]) -> list[Goal]:
    over = (seconds[name] - seconds[BARE]) * 1e6
    if name == HIT:
        return [Goal(wanted="≤ 6 µs over bare", measured=over, bound=6)]
    if name == NO_COOKIE:
        return [Goal(wanted="≤ 1.5 µs over bare", measured=over, bound=1.5)]
    if name == FORGED:
        ratio = seconds[name] / seconds[MISS]
        return [Goal(wanted="≤ a miss", measured=ratio, bound=1)]
    if name == MISS:
        of_peer = seconds[name] / seconds[WORKOS]
        of_floor = seconds[name] / (seconds[UNSEAL] + seconds[RSA])
        return [
            Goal(wanted="≤ 0.5 x workos-python", measured=of_peer, bound=0.5),
            Goal(wanted="≤ 1.6 x (unseal + RSA)", measured=of_floor, bound=1.6),
        ]
    return []


def _pieces(loop: asyncio.AbstractEventLoop, user: SignedInUser) -> dict[str, Turn]:
    """Return the parts that a miss is made of; its keys are fetched before."""
    content = unseal(user.sealed, PASSWORD)
    token = user.answer["access_token"]
    signed, _, signature = token.rpartition(".")
    key = RSAKey.import_key(user.emulator.jwks["keys"][0])
    verify_signature = functools.partial(
        key.public_key.verify,
        base64.urlsafe_b64decode(signature + "=="),
        signed.encode(),
        PKCS1v15(),
        SHA256(),
    )
    authkit = AuthKit(user.config)
    return {
        "seal": sync_turn(functools.partial(seal, content, PASSWORD)),
        UNSEAL: sync_turn(functools.partial(unseal, user.sealed, PASSWORD)),
        RSA: sync_turn(verify_signature),
        "verify": async_turn(loop, functools.partial(authkit._verifier.verify, token)),
    }


@contextlib.contextmanager
def _own_requests(
    loop: asyncio.AbstractEventLoop, user: SignedInUser, server: RedisServer | None
) -> Iterator[dict[str, Request]]:
    """Yield requests of each kind, each of which has been seen to be answered rightly."""
    forgetful = dataclasses.replace(user.config, verified_cache_size=0)
    both = {"hit": user.config, "miss": forgetful}
    rotating = dataclasses.replace(user.config, cookie_password=(PASSWORD, OLD_PASSWORD))
    one, large = user.sealed, enlarged(user.answer, LARGE)
    forged = sealed(enlarged(user.answer, _HOSTILE))[:-8] + "AAAAAA~2"
    plain = AuthKit(user.config)
    cases: dict[str, tuple[AuthKit, str | None]] = {
        NO_COOKIE: (plain, None),
        HIT: (plain, cookie_of(one)),
        MISS: (AuthKit(forgetful), cookie_of(one)),
        FORGED: (plain, f"wos-session={forged}"),
        "middleware: hostile, 4 KB, garbage": (plain, f"wos-session={'x' * _HOSTILE}"),
    }
    for case, config in both.items():
        cases[f"middleware: two cookies, 6 KB, {case}"] = AuthKit(config), cookie_of(sealed(large))
    cases["middleware: two cookies, 6 KB, sealed anew"] = (
        AuthKit(rotating),
        cookie_of(sealed(large, OLD_PASSWORD)),
    )
    stores: dict[str, SessionStore] = {"memory": InMemorySessionStore()}
    if server is not None:
        stores["Redis"] = RedisSessionStore(server.url)
    for place, store in stores.items():
        cookie = loop.run_until_complete(stored(store, user.answer))
        for case, config in both.items():
            cases[f"middleware: session in {place}, {case}"] = AuthKit(config, store=store), cookie

    def check() -> None:
        for name, (authkit, cookie) in cases.items():
            is_expected = cookie is not None and "hostile" not in name
            loop.run_until_complete(check_signed_in(authkit, cookie, is_expected=is_expected))

    authkits = {id(authkit): authkit for authkit, _ in cases.values()}
    for authkit in authkits.values():
        loop.run_until_complete(authkit.open())
    check()
    yield {
        name: request(AuthKitMiddleware(application, authkit=authkit), cookie)
        for name, (authkit, cookie) in cases.items()
    }
    check()
    for authkit in authkits.values():
        loop.run_until_complete(authkit.aclose())


async def stored(store: SessionStore, answer: Any) -> str:
    """Store a session and return its cookie."""
    return f"wos-session={await put_session(store, session_from_answer(answer), PASSWORD)}"


def sealed_by_workos_python(user: SignedInUser) -> str:
    return seal_session_from_auth_response(
        access_token=user.answer["access_token"],
        refresh_token=user.answer["refresh_token"],
        user=user.answer["user"],
        cookie_password=FERNET_KEY,
    )


def workos_python(user: SignedInUser) -> Any:
    """Return what authenticates a session by workos-python."""
    config = user.config
    workos = WorkOSClient(
        api_key=config.api_key, client_id=config.client_id, base_url=config.api_base_url
    )
    sealed_by_peer = sealed_by_workos_python(user)

    def authenticate() -> None:
        result = workos.user_management.load_sealed_session(
            session_data=sealed_by_peer, cookie_password=FERNET_KEY
        ).authenticate()
        if not result.authenticated:
            raise RuntimeError("workos-python refused the session, so its time means nothing")

    return authenticate


def signed_session(user: SignedInUser) -> str:
    """Return the cookie of Starlette's SessionMiddleware that holds the same payload."""
    payload = base64.b64encode(json.dumps(unseal(user.sealed, PASSWORD)).encode())
    return f"session={itsdangerous.TimestampSigner(PASSWORD).sign(payload).decode()}"


def _session_middleware(user: SignedInUser) -> Request:
    async def asking(scope: Any, receive: Any, send: Any) -> None:
        if "user" not in scope["session"]:
            raise RuntimeError("SessionMiddleware refused the session: its time means nothing")
        await application(scope, receive, send)

    return request(SessionMiddleware(asking, secret_key=PASSWORD), signed_session(user))

"""Whatever happens in whatever order: what is remembered changes no verdict and no cookie."""

from __future__ import annotations

import asyncio
import functools
from random import Random
from typing import Any

import pytest
from asgi_driver import drive, http_scope
from asgi_site import SESSION
from emulated import PASSWORD, Clock, http_clients, sealed, settings
from joserfc.jwk import RSAKey
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitError, AuthKitMiddleware, get_session
from authkit_asgi.loading import Loaded
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator
from authkit_asgi.testing.signing import SigningKeys
from authkit_asgi.tokens import unverified_claims

ACTIVITY = f"{SESSION}-activity"
USERS = ("user_ada", "user_bob")
ORGANIZATIONS = ("org_acme", "org_globex")
PATHS = (
    *["/who"] * 12,
    "/login",
    "/login",
    "/refresh",
    "/refresh",
    "/switch",
    "/sign-out",
    "/sign-in",
)
FORMS = (*["whole"] * 8, "quoted", "garbled", "chunked")
LIFETIMES = (40, 100, 300, 300, 5000, -20)
STEPS = (1, 1, 5, 20, 20, 29, 31, 44, 46, 59, 60, 61, 101, 240, 290, 4000, -1, -50)
KEYS = 3


class Slow(AuthKit):
    """Awaits every session, as if nothing could ever be told at once."""

    def load_now(self, *_: Any, **__: Any) -> Loaded | None:
        return None


@functools.cache
def keys() -> tuple[RSAKey, ...]:
    return tuple(SigningKeys().current for _ in range(KEYS))


class World:
    """A site with its own WorkOS, and the cookies that it has given out, in their order."""

    def __init__(self, kind: type[AuthKit], clock: Clock, **changes: Any) -> None:
        self.clock = clock
        self.emulator = WorkOSEmulator(clock=clock)
        self.emulator._state.keys._keys = keys()[:1]
        for user in USERS:
            self.emulator.add_user(email=f"{user}@example.com", user_id=user)
        for organization in ORGANIZATIONS:
            self.emulator.add_organization(organization, organization_id=organization)
            for user in USERS:
                self.emulator.add_membership(user, organization)
        self.authkit = kind(
            AuthKitConfig(**settings(jwks_max_age=100, **changes)),
            http_client_factory=http_clients(self.emulator),
            clock=clock,
        )
        self.app = AuthKitMiddleware(self._answer, authkit=self.authkit)
        self.cookies: list[str] = []
        self.sign_in_next: dict[str, Any] = {}
        self.watch = sealed(self.begin("user_bob", 1_000_000))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        session, error = get_session(Request(scope)), None
        try:
            match scope["path"]:
                case "/refresh":
                    await session.refresh()
                case "/switch":
                    await session.switch_organization("org_globex")
                case "/sign-out":
                    await session.sign_out()
                case "/sign-in":
                    await session.sign_in(self.sign_in_next)
        except AuthKitError as problem:
            error = type(problem).__name__
        auth = session.auth
        who = (
            [auth.reason, auth.retry_after]
            if auth.user is None
            else [auth.user.id, auth.organization_id, auth.expires_at]
        )
        await JSONResponse([*who, error])(scope, receive, send)

    def begin(self, user: str, lifetime: float) -> dict[str, Any]:
        return self.emulator.sign_in(user, "org_acme", lifetime=lifetime)

    def issued(self, number: int) -> tuple[Any, Any]:
        session = unseal_session(self.cookies[number], PASSWORD)
        claims = unverified_claims(session.access_token)
        return claims["iat"], claims["exp"]

    async def ask(self, path: str, line: str) -> Any:
        """Return what a request comes to, in words that are the same in all worlds."""
        # Not all sites ask for the keys of a session that is over: so that they are equally fresh.
        await self.authkit.load([self.watch], may_refresh=False)
        await others_end()
        headers = [("cookie", line)] if line else []
        answer = await drive(self.app, http_scope("GET", path, headers))
        written = {name: self._named(name, text) for name, text in answer.set_cookies.items()}
        await others_end()
        exchanges = self.emulator.count("authenticate")
        return answer.status, answer.json, written, answer.headers, exchanges

    def _named(self, name: str, text: str) -> Any:
        value = text.partition("=")[2].partition(";")[0]
        if name != SESSION or not value:
            return value.partition(".")[0]  # of an activity cookie, the time
        if value not in self.cookies:
            self.cookies.append(value)
        return self.cookies.index(value)

    def line(self, numbers: list[int], form: str, position: int, activity: int | None) -> str:
        """Return a Cookie header with some of the cookies, whole, garbled or in chunks."""
        pairs = []
        for number in numbers:
            value = self.cookies[number]
            if form == "garbled":
                at = position * (len(value) - 1) // 100
                value = value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]
            if form == "chunked":
                half = len(value) // 2
                pairs += [f"{SESSION}.0={value[:half]}", f"{SESSION}.1={value[half:]}"]
            else:
                quote = '"' if form == "quoted" else ""
                pairs.append(f"{SESSION}={quote}{value}{quote}")
        if activity is not None and numbers:
            session = unseal_session(self.cookies[numbers[0]], PASSWORD)
            inactivity = self.authkit.inactivity
            now, self.clock.now = self.clock.now, self.clock.now - activity
            moved = None if inactivity is None else inactivity.moved(session, ())
            self.clock.now = now
            pairs += [f"{ACTIVITY}={moved}"] if moved else []
        return "; ".join(pairs)


async def others_end() -> None:
    """Wait for what was begun in the background."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=30)


class Sites:
    """Four sites that differ in nothing but in what they remember of verified sessions."""

    def __init__(self, random: Random, **changes: Any) -> None:
        self.random, self.clock, self.key = random, Clock(), 0
        self.worlds = [
            World(AuthKit, self.clock, **changes),
            World(AuthKit, self.clock, verified_cache_size=0, **changes),
            World(AuthKit, self.clock, verified_cache_size=1, **changes),
            World(Slow, self.clock, **changes),
        ]

    async def run(self, steps: int) -> None:
        for world in self.worlds:
            await world.authkit.open()
        self.new_session()
        others = [self.new_session, self.turn_the_clock, self.turn_the_clock, self.turn_the_clock]
        rare = [self.rotate_keys, self.go_down, self.come_up, self.come_up, self.end_at_workos]
        for _ in range(steps):
            if self.random.random() < 0.7:
                await self.request()
            else:
                self.random.choice([*others, *others, *rare])()
        for world in self.worlds:
            world.emulator.clear_faults()
            await world.authkit.aclose()

    async def request(self) -> None:
        choice = self.random.choice
        known = len(self.worlds[0].cookies)
        # Mostly the newest ones: a browser has no others.
        numbers = [
            max(0, known - 1 - choice([0, 0, 0, 0, 1, 1, 2, 3])) for _ in range(choice([1, 1, 2]))
        ]
        first, *others = numbers
        issued = self.worlds[0].issued
        if any(issued(other) == issued(first) for other in others):
            numbers = [first]  # which of the two counts is left to the random text of their tokens
        path = choice(PATHS)
        if path in {"/refresh", "/switch", "/sign-in"}:
            self.clock.now += 1  # so that no two tokens are of one second
        user, form, position = choice(USERS), choice(FORMS), self.random.randrange(101)
        activity = choice([None, 0, 44, 46])
        results = []
        for world in self.worlds:
            if path == "/sign-in":
                world.sign_in_next = world.begin(user, 300)
            line = world.line(numbers, form, position, activity)
            results.append(await world.ask(path, line))
        assert results[1:] == results[:-1], (path, numbers, form)

    def new_session(self) -> None:
        self.clock.now += 1
        user, lifetime = self.random.choice(USERS), self.random.choice(LIFETIMES)
        for world in self.worlds:
            world.cookies.append(sealed(world.begin(user, lifetime)))

    def turn_the_clock(self) -> None:
        self.clock.now += self.random.choice(STEPS)

    def rotate_keys(self) -> None:
        self.key = (self.key + 1) % KEYS
        new, withdraws = keys()[self.key], self.random.random() < 0.5
        for world in self.worlds:
            old = () if withdraws else world.emulator._state.keys._keys
            world.emulator._state.keys._keys = (*(key for key in old if key is not new), new)

    def go_down(self) -> None:
        endpoint = self.random.choice(["authenticate", "jwks", "*"])
        for world in self.worlds:
            world.emulator.fail(endpoint, times=None, status=500)

    def come_up(self) -> None:
        for world in self.worlds:
            world.emulator.clear_faults()

    def end_at_workos(self) -> None:
        for world in self.worlds:
            session = unseal_session(world.cookies[-1], PASSWORD)
            world.emulator.end_session(str(unverified_claims(session.access_token)["sid"]))


@pytest.mark.parametrize(
    "changes",
    [{}, {"inactivity_timeout": 45}, {"refresh": "never"}, {"refresh_buffer": 5}],
    ids=str,
)
@pytest.mark.parametrize("seed", [*range(4)])
def test_no_sequence_tells_what_is_remembered_from_what_is_verified_anew(seed, changes):
    asyncio.run(Sites(Random(seed), **changes).run(120))  # noqa: S311

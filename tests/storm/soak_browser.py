"""A browser of the soak: it opens pages, signs in and out, and looks at whatever it is given."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from caching_front import OWN_WORKER, WITHOUT_VARY, Front
from front_client import Reply, fetch, upgrade_headers
from soak_checks import SESSION, Asked, Identity, faults, is_lost, opened

_GONE = (OSError, EOFError)  # what asking raises where nobody answers
_AGAIN_SECONDS = 0.2
_REMEMBERED = 30  # requests, to be printed with a fault
_PAGES = 20  # of the news, so that some are in the cache and some are not
_IN_PART = frozenset(f"/static/{number}" for number in range(1, _PAGES, 2))
_RANGE = (10, 99)
_NAVIGATION = (
    ("accept", "text/html"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-site", "same-origin"),
)
SCRIPT = (
    ("sec-fetch-mode", "cors"),
    ("sec-fetch-dest", "empty"),
    ("sec-fetch-site", "same-origin"),
)
_BY_LINK = ("/members", "/login", "/logout", "/callback")


@dataclass(frozen=True)
class Loss:
    """Who was signed out by nobody."""

    who: Identity
    first_cookie: str = field(repr=False)
    """As the sign-in brought it."""
    said: str
    history: list[str] = field(repr=False)


@dataclass
class Surroundings:
    """What all browsers have in common."""

    fronts: Sequence[Front]
    origin: str
    workos_port: int
    user_ids: Sequence[str]
    random: random.Random
    counts: collections.Counter[str] = field(default_factory=collections.Counter)
    violations: list[str] = field(default_factory=list)
    any_worker: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the workers share a Redis; else each browser keeps to one of them."""
    at_any_worker: int = 0
    """How many requests are under way that any worker may have got."""


class Browser:
    """One cookie jar, in which now this user is signed in and now that one."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self._name = name
        self._around = around
        self._random = around.random
        self.jar: dict[str, str] = {}
        self.who: Identity | None = None
        self.first_cookie = ""
        """The session's cookie as its sign-in brought it."""
        self.losses: list[Loss] = []
        self._history: collections.deque[str] = collections.deque(maxlen=_REMEMBERED)

    def take(self, cookie: str) -> None:
        """Be signed in by a cookie from elsewhere."""
        self.jar = {SESSION: cookie}
        self.who, self.first_cookie = opened(cookie), cookie

    async def browse(self, until: float) -> None:
        """Open one to three pages at once, wait, and so on; at times, sign in or out."""
        while time.monotonic() < until:
            await asyncio.sleep(self._random.choice((1, 2, 4, 8)) * self._random.random())
            step = self._random.random()
            if step < 0.04 and self.who is not None:
                await self.sign_out()
            elif (step < 0.3 and self.who is None) or step < 0.06:
                await self.sign_in(until)
            else:
                await self.open_pages()

    async def open_pages(self) -> None:
        """Open up to three pages at once."""
        pages = self._random.randint(1, 3)
        await self._open(*(self._random_page() for _ in range(pages)))

    async def come_once_more(self) -> None:
        """Open a page that tells whether the session is still there."""
        await self._open(("GET", "/who/plain"))

    async def _open(self, *pages: tuple[str, str]) -> None:
        """Open pages at once; who has been signed out by that has lost a session."""
        was, first = self.who, self.first_cookie
        said = await asyncio.gather(*(self._open_page(*page) for page in pages))
        if was is not None and any(said):
            self.losses.append(Loss(was, first, next(filter(None, said)), list(self._history)))
            self.who = None
            self.jar.clear()

    async def sign_in(self, until: float) -> None:
        """Sign somebody in, whoever is signed in now; what fails is begun again."""
        user_id = self._random.choice(self._around.user_ids)
        while not await self._sign_in(user_id):
            self._around.counts["sign-ins begun again"] += 1
            if time.monotonic() > until:
                return
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _sign_in(self, user_id: str) -> bool:
        target = f"/login?login_hint={user_id}@example.com"
        begun = await self._send(Asked("GET", target, self.who, signs_in=user_id))
        if begun.status != 303:
            return False
        authorize = urlsplit(begun.header("location"))
        workos = self._around.workos_port
        answer = await fetch(workos, "GET", f"{authorize.path}?{authorize.query}")
        callback = urlsplit(answer.header("location"))
        asked = Asked("GET", f"{callback.path}?{callback.query}", self.who, signs_in=user_id)
        before = self.jar.get(SESSION)
        try:
            reply = await self._send(asked, may_repeat=False)
        except _GONE:
            return False  # the code may be spent
        cookie = self.jar.get(SESSION)
        if reply.status != 303 or cookie is None or cookie == before:
            return False
        self.who, self.first_cookie = opened(cookie), cookie
        self._around.counts["signed in"] += 1
        return True

    async def sign_out(self) -> None:
        """Sign out here and at WorkOS, and come once more with the cookie of before."""
        who, old = self.who, self.jar.get(SESSION, "")
        reply = await self._send(Asked("POST", "/logout", who))
        if SESSION in self.jar:
            return
        self.who = None
        self._around.counts["signed out"] += 1
        there = urlsplit(reply.header("location"))
        await fetch(self._around.workos_port, "GET", f"{there.path}?{there.query}")
        late = await self._send(Asked("GET", "/who/plain", who), jar={SESSION: old})
        self._around.counts["served after signing out"] += bool(late.json.get("user"))
        is_renewed = any(name == SESSION and value for name, value in late.cookies)
        self._around.counts["renewed after signing out"] += is_renewed

    def _random_page(self) -> tuple[str, str]:
        number = self._random.randrange(_PAGES)
        return self._random.choice(
            (
                *[("GET", "/who/plain")] * 3,
                *[("GET", "/who/public")] * 2,
                *[("GET", f"/news/{number}")] * 5,
                *[("GET", f"/static/{number}")] * 2,
                *[("HEAD", each) for each in ("/who/plain", f"/news/{number}", "/static/0")],
                *[("GET", each) for each in ("/who/dated", "/members", "/session", "/api")],
                ("GET", "/token"),
                ("GET", "/socket"),
            )
        )

    async def _open_page(self, method: str, target: str) -> str:
        """Open a page; return what was said if the session is lost."""
        byte_range = _RANGE if method == "GET" and target in _IN_PART else None
        asked = Asked(method, target, self.who, SESSION in self.jar, byte_range=byte_range)
        reply = await self._send(asked)
        if "access_token" in reply.json:
            await self._call_api(reply.json["access_token"])
        return f"{method} {target}: {reply.status} {reply.json}" if is_lost(asked, reply) else ""

    async def _call_api(self, token: str) -> None:
        headers = [("authorization", f"Bearer {token}")]
        reply = await self._send(Asked("GET", "/api", self.who, has_cookie=False), headers, jar={})
        why = reply.json.get("detail", "")
        self._around.counts[f"bearer tokens: {reply.status} {why}".rstrip()] += 1

    async def _send(
        self,
        asked: Asked,
        headers: Sequence[tuple[str, str]] = (),
        *,
        jar: dict[str, str] | None = None,
        may_repeat: bool = True,
    ) -> Reply:
        """Send a request until somebody answers, and keep the cookies; `jar` stands for one apart.

        Around an outage of Redis each browser keeps to a worker: without it they share nothing.
        """
        around = self._around
        cookies = self.jar if jar is None else jar
        sent = dict(cookies)
        sent_headers = [*headers, *self._headers_for(asked)]
        while True:
            front = self._random.choice(around.fronts)
            if asked.target == "/who/public" and front.name == WITHOUT_VARY:
                continue  # of such a page the application must not say so there
            is_any = around.any_worker.is_set()
            port = front.port if is_any else front.own_port
            reply = None
            around.at_any_worker += is_any
            with contextlib.suppress(*_GONE):
                reply = await fetch(port, asked.method, asked.target, sent_headers, cookies=sent)
            around.at_any_worker -= is_any
            if reply is not None and not (may_repeat and _is_from_nobody(asked, reply)):
                break
            around.counts["requests that no worker answered"] += 1
            if not may_repeat:
                raise ConnectionError
            await asyncio.sleep(_AGAIN_SECONDS)
        self._note(asked, front, sent, reply)
        for name, value in reply.cookies:
            if value:
                cookies[name] = value
            else:
                cookies.pop(name, None)
        return reply

    def _headers_for(self, asked: Asked) -> list[tuple[str, str]]:
        headers = [(OWN_WORKER, self._name)]
        if asked.target == "/socket":
            return headers + upgrade_headers(self._around.origin)
        headers += _NAVIGATION if asked.target.startswith(_BY_LINK) else SCRIPT
        if asked.byte_range is not None:
            headers.append(("range", "bytes={}-{}".format(*asked.byte_range)))
        return headers

    def _note(self, asked: Asked, front: Front, sent: dict[str, str], reply: Reply) -> None:
        around = self._around
        got = dict(reply.cookies).get(SESSION, "-")
        self._history.append(
            f"  {time.time():.2f} {front.name}: {asked.method} {asked.target[:40]} as {asked.who}, "
            f"cookie {_short(sent.get(SESSION))}: {reply.status} {reply.cache or 'no cache'} "
            f"{reply.workers}, "
            f"cookie {_short(got)}, {reply.json if 'access_token' not in reply.json else 'a token'}"
        )
        around.counts["requests"] += 1
        around.counts[f"status {reply.status}"] += 1
        around.counts[f"cache {front.name}: {reply.cache or 'not asked'}"] += 1
        around.counts["cookies renewed"] += got not in {"-", ""}
        found = list(faults(asked, reply))
        if found:
            lines = [f"{self._name}: {', '.join(found)}", *self._history]
            around.violations.append("\n".join(lines))


def _is_from_nobody(asked: Asked, reply: Reply) -> bool:
    """Tell whether a worker has gone: nginx says so, or uvicorn to a WebSocket, as it ends."""
    return reply.status in {502, 504} or (asked.target == "/socket" and reply.status == 500)


def _short(cookie: str | None) -> str:
    if not cookie or cookie == "-":
        return cookie or "none"
    return hashlib.sha256(cookie.encode()).hexdigest()[:8]

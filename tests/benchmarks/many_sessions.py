"""Time requests of many sessions in turn: hits as long as the cache holds them, then misses.

Each number of sessions has a process of its own, so that its memory is its own, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from one_request import (
    PASSWORD,
    SignedInUser,
    application,
    check_signed_in,
    headers_of,
    serve,
    signed_in,
)
from resident import resident
from results import Column, Goal, Row, Section
from rounds import Effort

from authkit_asgi import AuthKit, AuthKitMiddleware
from authkit_asgi.session import seal_session, session_from_answer

NUMBERS = (1, 100, 2_048, 10_000, 100_000)

_LEAST_REQUESTS = 10_000
_BLOCK = 100  # requests of one service, before the other takes its turn
_MOST_COMPARED = 20_000  # requests with the cache off


@dataclasses.dataclass(frozen=True)
class Found:
    """What the requests of so many sessions came to; times in seconds, memory in MB."""

    median: float
    p99: float
    hits: float
    cache_off: float
    grown: float


def time_many_sessions(effort: Effort) -> Section:
    """Return the cost of a request and the memory, by the number of sessions."""
    found: dict[int, Found] = {}
    for number in sorted({effort.of(number) for number in NUMBERS}):
        command = [sys.executable, __file__, str(number), str(effort.share)]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[number] = Found(**json.loads(said))
    most = max(found)
    rows = [
        Row(
            f"{number:,} sessions",
            [each.hits, each.median * 1e6, each.p99 * 1e6, each.cache_off * 1e6, each.grown],
            _goals(each) if number == most else (),
        )
        for number, each in found.items()
    ]
    return Section(
        key="sessions",
        title="Sessions in turn",
        columns=[
            Column("hits", "%"),
            Column("median", "µs"),
            Column("p99", "µs"),
            Column("median, cache off", "µs"),
            Column("process has grown", "MB"),
        ],
        rows=rows,
        notes=[
            (
                "One session after the other, in a process of its own for each number; bare"
                " application and timer included. The sessions share an access token and differ in"
                " their refresh token: the cache knows them by their sealed text."
            )
        ],
    )


def _goals(found: Found) -> list[Goal]:
    ratio = found.median / found.cache_off
    return [Goal(wanted="≤ 1.05 x cache off", measured=ratio, bound=1.05)]


def different_sessions(user: SignedInUser, number: int) -> list[bytes]:
    """Return the `Cookie` headers of so many sessions."""
    session = session_from_answer(user.answer)
    return [
        b"theme=dark; wos-session="
        + seal_session(
            dataclasses.replace(session, refresh_token=f"refresh_token_{index:032}"), PASSWORD
        ).encode()
        for index in range(number)
    ]


class _Counted:
    """A service whose verifications are counted, and its requests' times."""

    def __init__(self, authkit: AuthKit) -> None:
        self.authkit = authkit
        self.verifications = 0
        self.seconds: list[float] = []
        self._middleware = AuthKitMiddleware(application, authkit=authkit)
        verifier = authkit._verifier
        verify_now = verifier.verify_now

        def counting(token: str, now: float) -> object:
            self.verifications += 1
            return verify_now(token, now)

        verifier.verify_now = counting  # type: ignore[method-assign,assignment]

    async def send(self, cookies: Sequence[bytes]) -> None:
        """Send a request for each cookie."""
        for cookie in cookies:
            headers = headers_of(None)
            headers.append((b"cookie", cookie))
            begin = time.perf_counter()
            await serve(self._middleware, headers)
            self.seconds.append(time.perf_counter() - begin)

    def start_afresh(self) -> None:
        self.seconds.clear()
        self.verifications = 0


async def measure(user: SignedInUser, number: int, least: int) -> Found:
    """Send requests of so many sessions in turn."""
    cookies = different_sessions(user, number)
    remembering = _Counted(AuthKit(user.config))
    forgetful = _Counted(AuthKit(dataclasses.replace(user.config, verified_cache_size=0)))
    for each in (remembering, forgetful):
        await each.authkit.open()
        await check_signed_in(each.authkit, cookies[0].decode(), is_expected=True)
    before = resident()
    filled = min(number, user.config.verified_cache_size)
    await remembering.send(cookies[:filled])
    for each in (remembering, forgetful):
        each.start_afresh()
    for start in range(0, max(number, least), _BLOCK):
        block = [cookies[(filled + start + index) % number] for index in range(_BLOCK)]
        await remembering.send(block)
        if len(forgetful.seconds) < _MOST_COMPARED:
            await forgetful.send(block)
    found = Found(
        median=statistics.median(remembering.seconds),
        p99=statistics.quantiles(remembering.seconds, n=100)[98],
        hits=1 - remembering.verifications / len(remembering.seconds),
        cache_off=statistics.median(forgetful.seconds),
        grown=resident() - before,
    )
    for each in (remembering, forgetful):
        await each.authkit.aclose()
    return found


def main(number: int, share: float) -> None:
    """Print what so many sessions came to."""
    logging.disable()
    least = max(_BLOCK, int(_LEAST_REQUESTS * share))
    with contextlib.ExitStack() as stack:
        user = stack.enter_context(signed_in())
        found = asyncio.run(measure(user, number, least))
    print(json.dumps(dataclasses.asdict(found)))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

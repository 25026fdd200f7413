"""The JSON Web Key Set that access tokens are signed with: fetch it, read it, keep it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import json
import logging
import math
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import anyio
import httpx
from joserfc.jwk import RSAKey

from authkit_asgi.auth import nests_within
from authkit_asgi.errors import KeysUnavailableError
from authkit_asgi.log_events import named_logger
from authkit_asgi.origins import is_secure_url

ClientLender: TypeAlias = Callable[[], AbstractAsyncContextManager[httpx.AsyncClient]]

_FETCH_SECONDS = 5.0
"""One fetch in total; read timeouts alone let a server trickle a byte at a time for ever."""

_RETRY_SECONDS = 2.0
"""From the start of a failed fetch to the next: recovery within 5 s, without hammering."""

_COOL_DOWN_SECONDS = 30.0
"""After a fetch that did not have the key asked for; made-up key ids must not cause traffic."""

_WAIT_FACTOR = 2
"""Keys older than so many times `max_age` (no traffic renewed them) are not used unasked."""
_MAX_DOCUMENT_BYTES = 1_000_000
_MAX_PARTS = 10_000  # opening brackets or commas of JSON; small values take long to build
_MAX_LEVELS = 100  # of JSON; how many the interpreter bears differs from version to version
_MAX_KEYS = 100
_MIN_RSA_BITS = 2048
"""RFC 7518, section 3.3; joserfc only warns."""

_MAX_MODULUS_CHARS = 1_366
"""8,192 bits in base64url; the time to verify grows with the size."""

_MAX_EXPONENT_CHARS = 11
"""64 bits in base64url; OpenSSL itself refuses longer exponents on large keys."""

_HEADERS = {
    "Accept": "application/json",
    # A few compressed bytes can unfold to any size at once.
    "Accept-Encoding": "identity",
    "User-Agent": "authkit-asgi",
}

_logger: logging.Logger = named_logger(__name__)


class _UnusableAnswerError(ValueError):
    """The server answered, but not with a key set we can use."""


def read_keys(document: bytes) -> dict[str, RSAKey]:
    """Return the keys of a JWKS document (RFC 7517) that may verify RS256, by their `kid`.

    Keys that may not are skipped, as are private members; of two keys with one `kid` the first
    counts, and of more than 100 entries the first 100.

    Raises:
        ValueError, RecursionError: the document is no key set or has no usable key.
    """
    if max(document.count(b"{") + document.count(b"["), document.count(b",")) > _MAX_PARTS:
        raise _UnusableAnswerError("too many objects in it")
    key_set = json.loads(document)
    entries = key_set.get("keys") if isinstance(key_set, dict) else None
    if not (isinstance(entries, list) and nests_within(key_set, _MAX_LEVELS)):
        raise _UnusableAnswerError("not a JSON Web Key Set")
    keys: dict[str, RSAKey] = {}
    for entry in entries[:_MAX_KEYS]:
        key = _read_key(entry) if _is_fit(entry) else None
        if key is not None:
            keys.setdefault(entry["kid"], key)
    if not keys:
        raise _UnusableAnswerError("no key in it can verify RS256")
    return keys


def _is_fit(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("kty") != "RSA":
        return False
    operations = entry.get("key_ops", ["verify"])
    return (
        isinstance(entry.get("kid"), str)
        and entry["kid"] != ""
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", "RS256") == "RS256"
        and isinstance(operations, list)
        and "verify" in operations
    )


def _read_key(entry: dict[str, Any]) -> RSAKey | None:
    for name, limit in (("n", _MAX_MODULUS_CHARS), ("e", _MAX_EXPONENT_CHARS)):
        if not isinstance(entry.get(name), str) or len(entry[name]) > limit:
            return None
    try:
        public_key = RSAKey.binding.import_from_dict({"n": entry["n"], "e": entry["e"]})
    except ValueError:
        return None
    return RSAKey.import_key(public_key) if public_key.key_size >= _MIN_RSA_BITS else None


class KeySetCache:
    """Keeps one JWKS: shared by all event loops, renewed in the background, never evicted in vain.

    Args:
        url: The only address ever asked; https, or http on a loopback host.
        http_client: A client, used as it is and never closed, or a callable whose context manager
            lends one for a fetch.
        max_age: Seconds after which the keys are renewed while they go on being used.
        max_stale: Seconds for which they go on being used while they cannot be renewed.
        clock: Returns the seconds since the epoch.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        url: str,
        *,
        http_client: httpx.AsyncClient | ClientLender,
        max_age: float,
        max_stale: float,
        clock: Callable[[], float],
    ) -> None:
        if not is_secure_url(url):
            raise ValueError("jwks_url must begin with https:// (http:// only for a loopback host)")
        if not (max_age > 0 and max_stale > 0):
            raise ValueError("jwks_max_age and jwks_max_stale must be above 0 seconds")
        self._url = url
        self._lend = _lender(http_client)
        self._max_age = max_age
        self._max_stale = max_stale
        self._clock = clock
        # Replaced as one, so that a thread never sees new keys with an old time.
        self._held: tuple[Mapping[str, RSAKey], float] = ({}, -math.inf)
        self._failed_at = -math.inf
        self._missed_at = {False: -math.inf, True: -math.inf}  # by `is_vouched`
        self._failing = False
        # A task belongs to its loop: another can neither await it nor rely upon it.
        self._flights: dict[asyncio.AbstractEventLoop, asyncio.Task[bool]] = {}
        self._flights_lock = threading.Lock()

    def get(self, kid: str, now: float | None = None) -> RSAKey | None:
        """Return the key if it can be had at once, else None: then await `find`.

        Starts a renewal in the background when one is due. `now` spares a look at the clock.
        """
        now = self._clock() if now is None else now
        keys, fetched_at = self._held
        if not 0 <= now - fetched_at < self._max_age:
            age = _elapsed(fetched_at, now)
            if self._must_wait(age, now):
                return None
            if self._is_retry_due(now):
                self._fly()
        return keys.get(kid)

    async def find(self, kid: str, *, is_vouched: bool = False) -> RSAKey | None:
        """Return the key after asking for the set where that may help; waits 5 s at most.

        None means that the set was asked, just now or within the cool-down, and has no such key.
        What is vouched for, as by a seal, has a cool-down apart from what strangers make up.

        Raises:
            KeysUnavailableError: the set could not be fetched, so nothing is known of this key.
        """
        deadline = asyncio.get_running_loop().time() + _FETCH_SECONDS
        running = self._running()
        if running is not None:
            landed = await _land(running, deadline)
            if not landed or kid in self._held[0]:
                return self._settle(kid)
        # A fetch that was under way when the token came may have been answered before the
        # token's key was published: only one begun later can tell that there is no such key.
        now, missed_at = self._clock(), self._missed_at[is_vouched]
        if kid not in self._held[0] and _elapsed(missed_at, now) < _COOL_DOWN_SECONDS:
            return None
        if self._is_retry_due(now) and await _land(self._fly(), deadline):
            if kid not in self._held[0]:
                self._missed_at[is_vouched] = now
            return self._held[0].get(kid)
        return self._settle(kid)

    async def aclose(self) -> None:
        """Cancel the fetch that the running event loop has under way, and wait for its end."""
        flight = self._running()
        if flight is not None:
            flight.cancel()
            await asyncio.wait({flight})

    def _settle(self, kid: str) -> RSAKey | None:
        """Return what can be had without another fetch: a key that still counts, or raise."""
        now = self._clock()
        keys, fetched_at = self._held
        if kid in keys and _elapsed(fetched_at, now) < self._max_stale:
            return keys[kid]
        wait = max(1.0, _RETRY_SECONDS - _elapsed(self._failed_at, now))
        raise KeysUnavailableError(
            "The JSON Web Key Set cannot be fetched, so access tokens cannot be verified; "
            "see the log of authkit_asgi.jwks",
            retry_after=math.ceil(wait),
        )

    def _must_wait(self, age: float, now: float) -> bool:
        # While an outage lasts its latest failure is recent, and nobody waits.
        tried = _elapsed(self._failed_at, now) < self._max_age
        return age >= self._max_stale or (age >= _WAIT_FACTOR * self._max_age and not tried)

    def _is_retry_due(self, now: float) -> bool:
        return _elapsed(self._failed_at, now) >= _RETRY_SECONDS

    def _running(self) -> asyncio.Task[bool] | None:
        flight = self._flights.get(asyncio.get_running_loop())
        return None if flight is None or flight.done() else flight

    def _fly(self) -> asyncio.Task[bool]:
        """Return this loop's fetch, started if there is none."""
        flight = self._running()
        if flight is None:
            loop = asyncio.get_running_loop()
            # An empty context: the fetch outlives the request that noticed it was due.
            flight = loop.create_task(self._fetch(), context=contextvars.Context())
            with self._flights_lock:
                flights = {at: task for at, task in self._flights.items() if not at.is_closed()}
                self._flights = flights | {loop: flight}
        return flight

    async def _fetch(self) -> bool:
        # The time of the question, not of the answer: the set is at least as old.
        asked_at = self._clock()
        try:
            with anyio.fail_after(_FETCH_SECONDS):
                keys = read_keys(await self._download())
        # Whatever the lent client, its transport or the document raises is a failed fetch: it
        # must reach neither a request nor the loop, and must not cost the keys in hand.
        except Exception as error:  # noqa: BLE001
            self._failed_at = asked_at
            self._failing = True
            reason = f"{type(error).__name__}: {str(error)[:200]!r}"
            _logger.warning("JWKS fetch failed; next try after %g s. %s", _RETRY_SECONDS, reason)
            return False
        self._held = (keys, asked_at)
        if self._failing:
            self._failing = False
            _logger.info("JWKS fetch works again")
        return True

    async def _download(self) -> bytes:
        # Not built by the client: its cookies, authorization and base URL are not for this server.
        request = httpx.Request("GET", self._url, headers=_HEADERS)
        async with (
            self._lend() as client,
            contextlib.aclosing(
                await client.send(request, stream=True, auth=None, follow_redirects=False)
            ) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise _UnusableAnswerError(f"status {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise _UnusableAnswerError("compressed, which was not asked for")
            document = bytearray()
            async for chunk in response.aiter_bytes():
                document += chunk
                if len(document) > _MAX_DOCUMENT_BYTES:
                    raise _UnusableAnswerError(f"longer than {_MAX_DOCUMENT_BYTES:,} bytes")
                await asyncio.sleep(0)  # a flood of tiny chunks is read without a pause
            return bytes(document)


def _elapsed(since: float, now: float) -> float:
    # A clock that was set back must not make anything last longer.
    return now - since if now >= since else math.inf


async def _land(flight: asyncio.Task[bool], deadline: float) -> bool:
    """Wait for a fetch; False if it failed, was cancelled or is not over at the deadline."""
    # asyncio.wait neither passes our own cancellation on to the flight nor its to us.
    seconds = deadline - asyncio.get_running_loop().time()
    await asyncio.wait({flight}, timeout=max(0, seconds))
    return flight.done() and not flight.cancelled() and flight.result()


def _lender(http_client: httpx.AsyncClient | ClientLender) -> ClientLender:
    if isinstance(http_client, httpx.AsyncClient):
        return lambda: contextlib.nullcontext(http_client)
    return http_client

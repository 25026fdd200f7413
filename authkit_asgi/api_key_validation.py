"""Asking WorkOS whose an API key is: seldom, and once at a time for each key."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import anyio
import httpx
from workos import WorkOSError

from authkit_asgi.api import WorkOSAPI
from authkit_asgi.api_errors import classify_error
from authkit_asgi.api_key import APIKey, api_key_of
from authkit_asgi.api_key_memory import APIKeyMemory, Verdict
from authkit_asgi.bearer_errors import InvalidAPIKeyError
from authkit_asgi.errors import (
    AuthKitError,
    ConnectionLostError,
    GrantRejectedError,
    UnavailableError,
    WorkOSUnavailableError,
)
from authkit_asgi.pause import Pause
from authkit_asgi.single_flight import SingleFlight

# No dot: access tokens have two, and WorkOS is not to be sent one in place of a key.
_KEY = re.compile(r"[A-Za-z0-9_-]{1,256}")
_REFUSALS = frozenset({httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY})
"""Statuses of the answer to a text that cannot be a key."""


class APIKeyValidator:
    """Validates the API keys of the customers' own clients at ``/api_keys/validations``.

    Args:
        api: The WorkOS API.
        timeout: Seconds that one call may take.
        clock: Seconds since the epoch.
    """

    def __init__(self, api: WorkOSAPI, *, timeout: float, clock: Callable[[], float]) -> None:
        self._client = api.client
        self._timeout = timeout
        self._clock = clock
        self._memory = APIKeyMemory(clock)
        self.pause: Pause = Pause(clock, "API key validation")
        self._flights: SingleFlight[Verdict] = SingleFlight()

    async def validate(self, value: str) -> APIKey:
        """Return what WorkOS says of a key, now or up to 30 s ago.

        Raises:
            InvalidAPIKeyError: It is not valid.
            UnavailableError: WorkOS cannot be asked, or was asked about too many invalid ones.
        """
        if not _KEY.fullmatch(value):
            raise InvalidAPIKeyError
        name = self._memory.name(value)
        verdict = self._memory.recall(name)
        if verdict is None:
            begin = functools.partial(self._begin, name, value)
            verdict = await self._flights.run(name, begin)
        if verdict.api_key is None:
            raise InvalidAPIKeyError
        return verdict.api_key

    async def _begin(self, name: bytes, value: str) -> Verdict:
        self.pause.check()
        place = self._memory.admit(name)
        at = self._clock()
        try:
            verdict = Verdict(await self._ask(value), at)
        except UnavailableError:
            self.pause.note_failure()
            self._memory.give_back(place)
            raise
        self.pause.end()
        if verdict.api_key is not None:
            self._memory.give_back(place)
        self._memory.remember(name, verdict)
        return verdict

    async def _ask(self, value: str) -> APIKey | None:
        answer: Any = None
        failure: AuthKitError | None = None
        try:
            with anyio.fail_after(self._timeout):
                # The raw JSON: the SDK's model raises on a field that is absent or new.
                answer = await self._client.request(
                    "post", ("api_keys", "validations"), body={"value": value}
                )
        except TimeoutError:
            failure = ConnectionLostError("WorkOS did not answer in time")
        except WorkOSError as error:
            if getattr(error, "status_code", None) in _REFUSALS:
                return None
            failure = classify_error(error)
        if isinstance(failure, GrantRejectedError):  # no key is known to be at fault
            failure = WorkOSUnavailableError("WorkOS refused to validate an API key")
        if failure is not None:
            # Outside of the handlers: the SDK's error would stay reachable as the context of ours.
            raise failure
        return api_key_of(answer)

    async def aclose(self) -> None:
        """Stop the calls that the running event loop has under way."""
        await self._flights.aclose()

"""One request of the examination: what was answered and when, or why nothing was."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import anyio
import httpx

from authkit_asgi.http_clients import HTTPClients

_MAX_BYTES = 1_000_000  # as the key set's


class NoAnswerError(Exception):
    """Nobody has answered; the text says why, in words of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server has answered."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    seconds: float
    """From the question to the end of the answer."""
    asked_at: float
    answered_at: float
    """When its head had come; like `asked_at` in seconds since the epoch."""


async def ask(
    clients: HTTPClients,
    url: str,
    *,
    headers: Mapping[str, str],
    deadline: float,
    clock: Callable[[], float],
) -> Answer:
    """GET an address, following no redirect.

    Args:
        clients: Whose connections to use.
        url: What to ask for.
        headers: What to send along.
        deadline: Seconds that it may take in all.
        clock: Seconds since the epoch.

    Raises:
        NoAnswerError: There is no whole answer.
    """
    sent = {"Accept": "application/json", "User-Agent": "authkit-asgi doctor", **headers}
    try:
        async with clients.lend() as client:
            start, asked_at = time.monotonic(), clock()
            stream = client.stream("GET", url, headers=sent, timeout=None, follow_redirects=False)
            with anyio.fail_after(deadline):
                async with stream as response:
                    answered_at = clock()
                    content = await _read(response)
    except TimeoutError:
        reason = f"does not answer within {deadline:g} s"
    except httpx.HTTPError as error:
        reason = f"cannot be reached: {_cause(error)}"
    # A client that cannot be made: proxies or certificates that the environment names and that are
    # none. The words may hold a proxy's password.
    except (ValueError, OSError, ImportError, httpx.InvalidURL) as error:
        reason = f"cannot be asked: {type(error).__name__}, see HTTPS_PROXY and SSL_CERT_FILE"
    else:
        return Answer(
            status=response.status_code,
            headers=response.headers,
            content=content,
            seconds=time.monotonic() - start,
            asked_at=asked_at,
            answered_at=answered_at,
        )
    raise NoAnswerError(reason)  # outside of the handlers: the library's error holds the request


async def _read(response: httpx.Response) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _MAX_BYTES:
            raise NoAnswerError(f"sends more than {_MAX_BYTES:,} bytes")
    return bytes(content)


def _cause(error: httpx.HTTPError) -> str:
    """Return the words of the network: no such host, connection refused, bad certificate."""
    text = str(error)
    return f"{type(error).__name__} ({text})" if text else type(error).__name__

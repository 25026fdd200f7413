"""The WorkOS API and its signing keys: are they there, is the API key good, and is the clock right.

The API key is tried by looking up a user whose id WorkOS has never issued: that reads nobody's
data, spends no token, and is refused with 401 before the look-up where the key is no good.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from email.utils import parsedate_to_datetime

import httpx

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.doctor.answer import Answer, NoAnswerError, ask
from authkit_asgi.doctor.findings import Finding
from authkit_asgi.http_clients import HTTPClients
from authkit_asgi.jwks import read_keys

_NOBODY = "user_authkit_asgi_doctor"
_WARN_SECONDS = 5
_FAULT_SECONDS = 60
"""The most that `jwt_leeway` can allow; workers further apart do not hear of all sign-outs."""

_TOO_MANY = httpx.codes.TOO_MANY_REQUESTS
_REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_NETWORK = "Look at DNS, proxy and firewall, and at WORKOS_BASE_URL (api_base_url) if it is set"
_LATER = "Try again; if it stays so, look at the status page of WorkOS"


async def check_api(
    config: AuthKitConfig, clients: HTTPClients, *, clock: Callable[[], float]
) -> AsyncIterator[Finding]:
    """Yield whether the API answers, takes the key, and has the same time."""
    url = f"{config.api_base_url}/user_management/users/{_NOBODY}"
    headers = {"Authorization": f"Bearer {config.api_key}"}
    name = f"The WorkOS API at {config.api_base_url}"
    try:
        answer = await ask(clients, url, headers=headers, deadline=config.api_timeout, clock=clock)
    except NoAnswerError as reason:
        yield Finding(
            check="api.reached", status="fault", message=f"{name} {reason}", advice=_NETWORK
        )
        return
    yield _reached(name, answer)
    if (found := _key_found(answer)) is not None:
        yield found
        for finding in _skew(answer):
            yield finding


def _reached(name: str, answer: Answer) -> Finding:
    took = f"in {1000 * answer.seconds:.0f} ms"
    if answer.status >= httpx.codes.INTERNAL_SERVER_ERROR or answer.status == _TOO_MANY:
        message, advice = f"{name} answered with status {answer.status} {took}", _LATER
    elif _key_found(answer) is None:
        message = f"{name} answered {took}, with status {answer.status} and not as WorkOS does"
        advice = _NETWORK
    else:
        message = f"{name} answered {took}"
        return Finding(check="api.reached", status="ok", message=message, seconds=answer.seconds)
    return Finding(
        check="api.reached", status="fault", message=message, advice=advice, seconds=answer.seconds
    )


def _key_found(answer: Answer) -> Finding | None:
    """Return what an answer of WorkOS's says of the API key; `None` if it is none of WorkOS's."""
    if not _is_object(answer.content):
        return None
    if answer.status == httpx.codes.NOT_FOUND:
        message = "WORKOS_API_KEY (api_key) is accepted"
        return Finding(check="api.key", status="ok", message=message)
    if answer.status in _REFUSED:
        return Finding(
            check="api.key",
            status="fault",
            message=f"WORKOS_API_KEY (api_key) is refused with status {answer.status}",
            advice="Copy it again from the WorkOS dashboard, API keys, of the environment that "
            "WORKOS_CLIENT_ID belongs to",
        )
    return None


def _is_object(content: bytes) -> bool:
    try:
        return isinstance(json.loads(content), dict)
    except (ValueError, RecursionError):
        return False


def _skew(answer: Answer) -> Iterator[Finding]:
    """Compare this machine's clock with the answer's `Date`, which is in whole seconds."""
    try:
        date = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        message = "The API's answer has no Date to compare this machine's clock with"
        yield Finding(check="api.clock", status="skipped", message=message)
        return
    # Between the question and the answer the server's clock stood in [date, date + 1).
    behind, ahead = max(0.0, date - answer.answered_at), max(0.0, answer.asked_at - date - 1)
    skew = ahead - behind
    which = "ahead of" if ahead else "behind"
    message = f"This machine's clock is {abs(skew):.0f} s {which} the API's"
    if abs(skew) <= _WARN_SECONDS:
        message = f"This machine's clock and the API's are at most {_WARN_SECONDS} s apart"
        yield Finding(check="api.clock", status="ok", message=message, seconds=skew)
        return
    yield Finding(
        check="api.clock",
        status="fault" if abs(skew) > _FAULT_SECONDS else "warning",
        message=message,
        advice="Set it by NTP: access tokens are taken for expired, or live on",
        seconds=skew,
    )


async def check_keys(
    config: AuthKitConfig, clients: HTTPClients, *, clock: Callable[[], float]
) -> Finding:
    """Return whether the key set is there and holds keys that can verify access tokens."""
    name = f"The signing keys at {config.jwks_url}"
    headers = {"Accept-Encoding": "identity"}
    try:
        answer = await ask(
            clients, config.jwks_url, headers=headers, deadline=config.api_timeout, clock=clock
        )
    except NoAnswerError as reason:
        message = f"{name} {reason}"
        return Finding(check="keys", status="fault", message=message, advice=_NETWORK)
    if answer.status != httpx.codes.OK:
        return Finding(
            check="keys",
            status="fault",
            message=f"{name} were answered with status {answer.status}",
            advice="Compare WORKOS_CLIENT_ID with the WorkOS dashboard, API keys",
            seconds=answer.seconds,
        )
    try:
        keys = read_keys(answer.content)
    except (ValueError, RecursionError):
        return Finding(
            check="keys",
            status="fault",
            message=f"{name} are none that can verify an access token",
            advice="Compare WORKOS_CLIENT_ID with the WorkOS dashboard, API keys",
            seconds=answer.seconds,
        )
    plural = "key" if len(keys) == 1 else "keys"
    message = f"{name}: {len(keys)} usable {plural}, in {1000 * answer.seconds:.0f} ms"
    return Finding(check="keys", status="ok", message=message, seconds=answer.seconds)

"""Authenticates by the Python peers, in their own environment, as often as it is told.

Reads a line of JSON for each question from its standard input, and writes one for each answer.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

from names import AUTH0, CLERK

PACKAGES = {AUTH0: "auth0-fastapi", CLERK: "clerk-backend-api"}

_HEADERS = {
    "host": "localhost:8000",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0",
    "accept": "text/html,application/xhtml+xml",
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en",
}


def main() -> None:
    """Answer until the standard input ends."""
    loop = asyncio.new_event_loop()
    peers: dict[str, Callable[[], Awaitable[None]]] = {}
    for line in sys.stdin:
        question = json.loads(line)
        if "payload" in question:
            if question["payload"] is not None:
                peers = loop.run_until_complete(_made(question["payload"]))
            answer: dict[str, Any] = {"versions": _versions()}
        else:
            work = _repeated(peers[question["name"]], question["times"])
            try:
                answer = {"seconds": loop.run_until_complete(work)}
            except RuntimeError as error:
                answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


async def _repeated(authenticate: Callable[[], Awaitable[None]], times: int) -> float:
    await authenticate()  # untimed, as in `rounds.py`
    begin = time.perf_counter()
    for _ in range(times):
        await authenticate()
    return time.perf_counter() - begin


def _versions() -> dict[str, str]:
    versions: dict[str, str] = {}
    for name, package in PACKAGES.items():
        try:
            versions[name] = f"{package} {importlib.metadata.version(package)}"
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


async def _made(payload: dict[str, Any]) -> dict[str, Callable[[], Awaitable[None]]]:
    makers = {AUTH0: _auth0, CLERK: _clerk}
    return {name: await makers[name](payload) for name in _versions()}


async def _auth0(payload: dict[str, Any]) -> Callable[[], Awaitable[None]]:
    """Return what opens auth0-fastapi's encrypted cookie, from a request that has just come."""
    auth = importlib.import_module("auth0_fastapi.auth.auth_client")
    config = importlib.import_module("auth0_fastapi.config")
    requests = importlib.import_module("starlette.requests")
    responses = importlib.import_module("starlette.responses")
    client = auth.AuthClient(
        config.Auth0Config(
            domain="tenant.example.com",
            client_id="client",
            client_secret="secret",
            app_base_url="http://localhost:8000",
            secret=payload["password"],
        )
    )
    answer = payload["answer"]
    user = answer["user"]
    written = responses.Response()
    store = client.client._state_store
    state = {
        "user": {**user, "sub": user["id"]},
        "refresh_token": answer["refresh_token"],
        "token_sets": [
            {
                "audience": "default",
                "access_token": answer["access_token"],
                "expires_at": int(time.time()) + 86_400,
            }
        ],
        "internal": {"sid": "session", "created_at": int(time.time())},
    }
    await store.set(client.client._state_identifier, state, options={"response": written})
    cookies = [
        value.decode().partition(";")[0]
        for name, value in written.raw_headers
        if name == b"set-cookie"
    ]
    headers = {**_HEADERS, "cookie": "; ".join(["theme=dark", *cookies])}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def authenticate() -> None:
        request = requests.Request({"type": "http", "headers": raw})
        options = {"request": request, "response": None}
        session = await client.client.get_session(store_options=options)
        if session is None or session["user"]["sub"] != user["id"]:
            raise RuntimeError("auth0-fastapi refused the session, so its time means nothing")

    return authenticate


async def _clerk(payload: dict[str, Any]) -> Callable[[], Awaitable[None]]:
    """Return what verifies the token of Clerk's cookie, with the key at hand."""
    security = importlib.import_module("clerk_backend_api.security")
    options = security.AuthenticateRequestOptions(jwt_key=payload["key"])
    headers = {**_HEADERS, "cookie": f"theme=dark; __session={payload['answer']['access_token']}"}

    class Request:
        def __init__(self) -> None:
            self.headers = headers

    async def authenticate() -> None:
        state = security.authenticate_request(Request(), options)
        if not state.is_signed_in:
            raise RuntimeError(f"Clerk refused the token ({state.reason}): its time means nothing")

    return authenticate


if __name__ == "__main__":
    main()

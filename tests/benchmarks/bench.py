"""Time the session check beside workos-python, in one run, with one payload: `make bench`.

Both sides read a sealed session with the same RS256 access token (RSA-2048) and the same user, and
verify it with signing keys that they have fetched before.
"""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import httpx
import pyperf
from one_request import PASSWORD, application, request, signed_in
from workos import WorkOSClient
from workos.session import seal_session_from_auth_response

from authkit_asgi import AuthKitConfig, AuthKitMiddleware
from authkit_asgi.seal import seal, unseal
from authkit_asgi.service import AuthKit
from authkit_asgi.session import seal_session, session_from_answer

FERNET_KEY = "cGFzc3dvcmQtb2YtZXhhY3RseS0zMi1ieXRlcyEhISE="


def main() -> None:
    """Run all benchmarks; every pyperf worker makes the same session of its own."""
    with signed_in() as (config, answer):
        time_all(config, answer)


def time_all(config: AuthKitConfig, answer: dict[str, Any]) -> None:
    """Time our own pieces, then the peer, against keys served where `config` says."""
    runner = pyperf.Runner()
    session = session_from_answer(answer)
    sealed = seal_session(session, PASSWORD)
    content = unseal(sealed, PASSWORD)
    runner.metadata["sealed_bytes"] = len(sealed)

    runner.bench_func("seal", seal, content, PASSWORD)
    runner.bench_func("unseal", unseal, sealed, PASSWORD)

    # One client for all of pyperf's event loops: keys are fetched once, before the timing.
    clients = functools.partial(httpx.AsyncClient, timeout=5)
    authkit = AuthKit(config, http_client_factory=clients)
    middleware = AuthKitMiddleware(application, authkit=authkit)
    forgetful = AuthKitMiddleware(
        application,
        authkit=AuthKit(replace(config, verified_cache_size=0), http_client_factory=clients),
    )
    cookie = f"wos-session={sealed}"
    hostile = f"wos-session={sealed[:-8]}AAAAAA~2"

    runner.bench_async_func("verify", authkit._verifier.verify, session.access_token)
    runner.bench_async_func("bare application", request(application, cookie))
    runner.bench_async_func("middleware, no cookie", request(middleware, None))
    runner.bench_async_func("middleware, verified before", request(middleware, cookie))
    runner.bench_async_func("middleware, not verified before", request(forgetful, cookie))
    runner.bench_async_func("middleware, forged cookie", request(middleware, hostile))

    workos = WorkOSClient(
        api_key=config.api_key, client_id=config.client_id, base_url=config.api_base_url
    )
    sealed_by_peer = seal_session_from_auth_response(
        access_token=answer["access_token"],
        refresh_token=answer["refresh_token"],
        user=answer["user"],
        cookie_password=FERNET_KEY,
    )

    def authenticate() -> None:
        result = workos.user_management.load_sealed_session(
            session_data=sealed_by_peer, cookie_password=FERNET_KEY
        ).authenticate()
        if not result.authenticated:
            raise RuntimeError("workos-python refused the session, so its time means nothing")

    runner.bench_func("workos-python, authenticate", authenticate)


if __name__ == "__main__":
    main()

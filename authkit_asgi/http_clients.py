"""The HTTP client: one for each event loop."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from authkit_asgi.per_loop import PerLoop

HTTPClientFactory = Callable[[], httpx.AsyncClient]


class HTTPClients(PerLoop[httpx.AsyncClient]):
    """Lends one `httpx.AsyncClient` per event loop to the WorkOS API and the JWKS fetch.

    Args:
        factory: Makes a client; the default follows no redirects and verifies certificates.
    """

    def __init__(self, factory: HTTPClientFactory | None = None) -> None:
        super().__init__(self._make_client, lambda client: client.aclose())
        self._factory = factory or self._default_factory
        self._ssl_context: ssl.SSLContext | None = None

    def _make_client(self) -> httpx.AsyncClient:
        client = self._factory()
        # A shared jar would send one user's cookies along with another's request.
        # (The bare jar: `httpx.Cookies` would copy what is in it and lose the policy.)
        client.cookies = CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))
        return client

    def _default_factory(self) -> httpx.AsyncClient:
        if self._ssl_context is None:
            self._ssl_context = httpx.create_ssl_context()
        return httpx.AsyncClient(verify=self._ssl_context, follow_redirects=False)

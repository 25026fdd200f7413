"""`sign_in` of the pytest plugin: into which clients, with which cookies."""

from __future__ import annotations

import os
from http.cookiejar import CookieJar
from typing import Any

import httpx
import pytest
from asgi_spec import checked
from plugin_site import app, routes
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Host, Mount
from starlette.testclient import TestClient

from authkit_asgi import AuthKitMiddleware, InMemorySessionStore
from authkit_asgi.testing.server import serve_in_thread

at_an_address = pytest.mark.parametrize("authkit_redirect_uri", ["http://127.0.0.1:1/callback"])
at_https = pytest.mark.parametrize("authkit_redirect_uri", ["https://app.example.com/callback"])


def email(client: Any, path: str = "/who") -> Any:
    return client.get(path).json().get("email")


def test_test_client_with_lifespan_is_signed_in(sign_in) -> None:
    with TestClient(app()) as client:
        sign_in(client)
        assert email(client) == "ada@example.com"


def test_application_that_has_served_before_keeps_its_settings(
    sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(app())
    assert email(client) is None
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "sid")
    sign_in(client)
    assert email(client) == "ada@example.com"
    assert list(client.cookies) == ["wos-session"]


def test_websocket_handshake_brings_the_cookie(sign_in) -> None:
    client = TestClient(app())
    sign_in(client)
    with client.websocket_connect("/ws", headers={"Origin": "http://localhost"}) as socket:
        assert socket.receive_text() == "ada@example.com"


@pytest.mark.anyio
async def test_httpx_client_is_signed_in_at_an_application_in_process(sign_in) -> None:
    transport = httpx.ASGITransport(app(cookie_name="sid"))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        sign_in(client)
        assert (await client.get("/who")).json()["email"] == "ada@example.com"
        assert list(client.cookies) == ["sid"]


@at_an_address
def test_httpx_client_is_signed_in_over_http(sign_in) -> None:
    with (
        serve_in_thread(app(), port=0, on_shutdown=lambda: None) as address,
        httpx.Client(base_url=address) as client,
    ):
        sign_in(client)
        assert email(client) == "ada@example.com"


@at_an_address
def test_session_of_no_client_is_a_header(sign_in) -> None:
    session = sign_in(user="bob@example.com")
    client = TestClient(app(), headers={"Cookie": session.cookie_header})
    assert email(client) == "bob@example.com"


@at_an_address
def test_jar_alone_is_for_the_address_of_the_application(sign_in) -> None:
    holder = type("Session", (), {"cookies": CookieJar()})()
    sign_in(holder)
    ((domain, name),) = [(one.domain, one.name) for one in holder.cookies]
    assert (domain, name) == ("127.0.0.1", "wos-session")


def test_client_without_cookies_is_none(sign_in) -> None:
    with pytest.raises(TypeError, match="object has no cookies"):
        sign_in(object())


class Context:
    """The part of Playwright's browser context that is about cookies."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    def cookies(self, urls: list[str]) -> list[Any]:
        assert urls == ["http://localhost"]
        return list(self.kept.values())

    def add_cookies(self, cookies: list[Any]) -> None:
        for cookie in cookies:
            self.kept[cookie["name"]] = cookie

    def clear_cookies(self, *, name: str) -> None:
        del self.kept[name]


def test_browser_context_and_its_pages_are_signed_in(sign_in, expire_session) -> None:
    context = Context()
    sign_in(context, permissions=[f"permission:{number}" for number in range(120)])
    assert set(context.kept) == {"wos-session.0", "wos-session.1"}
    page = type("Page", (), {"context": context})()
    sign_in(page, user="bob@example.com")
    (cookie,) = context.kept.values()
    assert {name: cookie[name] for name in cookie if name != "value"} == {
        "name": "wos-session",
        "expires": -1,
        "httpOnly": True,
        "secure": False,
        "sameSite": "Lax",
        "url": "http://localhost",
    }
    expire_session(page)
    assert context.kept["wos-session"] != cookie


def test_asynchronous_browser_context_is_given_the_cookies_by_hand(sign_in) -> None:
    class AsyncContext(Context):
        async def add_cookies(self, cookies: list[Any]) -> None:
            raise AssertionError(f"nobody awaits {cookies}")

    with pytest.raises(TypeError, match=r"await context\.add_cookies"):
        sign_in(AsyncContext())
    ((name, cookie),) = [(one["name"], one) for one in sign_in().playwright_cookies()]
    assert name == "wos-session"
    assert cookie["value"]


@at_https
def test_secure_cookies_need_a_client_under_https(sign_in) -> None:
    with pytest.raises(ValueError, match=r"base_url=.https://app\.example\.com"):
        sign_in(TestClient(app()))
    client = TestClient(app(), base_url="https://app.example.com")
    sign_in(client)
    assert email(client) == "ada@example.com"


@at_https
def test_cookies_of_a_domain_are_for_its_hosts(sign_in) -> None:
    site = app(cookie_domain="example.com")
    client = TestClient(site, base_url="https://app.example.com")
    sign_in(client)
    assert email(client) == "ada@example.com"
    assert [one.domain for one in client.cookies.jar] == [".example.com"]
    with pytest.raises(ValueError, match="cookie_domain"):
        sign_in(TestClient(site, base_url="https://elsewhere.example"))


@at_https
def test_old_cookie_does_not_stand_for_one_that_was_not_taken(sign_in) -> None:
    client = TestClient(app(), base_url="https://elsewhere.example")
    sign_in(client)
    client.app = app(cookie_domain="example.com")
    with pytest.raises(ValueError, match="would not send"):
        sign_in(client)


@at_https
def test_cookies_of_a_domain_are_for_its_hosts_in_browsers_too(
    sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKOS_COOKIE_DOMAIN", "example.com")
    (cookie,) = sign_in().playwright_cookies()
    assert (cookie["domain"], cookie["path"]) == (".example.com", "/")
    assert cookie["secure"]
    assert "url" not in cookie


def test_session_moves_into_the_store_with_the_first_request(sign_in, expire_session) -> None:
    store = InMemorySessionStore()
    client = TestClient(app(store=store))
    sign_in(client)
    assert email(client) == "ada@example.com"
    assert len(client.cookies["wos-session"]) < 400
    assert len(store) == 1
    with pytest.raises(ValueError, match="expires_in"):
        expire_session(client)
    sign_in(client, user="bob@example.com", expires_in=-120)
    assert email(client) == "bob@example.com"
    assert len(client.cookies["wos-session"]) < 400


@pytest.mark.parametrize(
    "make",
    [
        app,
        lambda **options: AuthKitMiddleware(Starlette(routes=routes()), **options),
        lambda **options: Starlette(routes=[Mount("/in", app(**options))]),
        lambda **options: Starlette(routes=[Host("{any:path}", Mount("/in", app(**options)))]),
        lambda **options: Starlette(
            routes=[Mount("/in", app(**options))], middleware=[Middleware(Passing)]
        ),
        lambda **options: Passing(app(**options)),
    ],
    ids=["starlette", "bare", "mounted", "by host", "below another", "wrapped"],
)
def test_settings_are_those_of_the_application_wherever_its_middleware_stands(
    sign_in, expire_session, authkit_emulator, make
) -> None:
    client = TestClient(make(cookie_name="sid", session_user_fields=("email",)))
    sign_in(client)
    assert list(client.cookies) == ["sid"]
    path = "/in/who" if client.get("/who").status_code == 404 else "/who"
    assert email(client, path) == "ada@example.com"
    expire_session(client)
    assert email(client, path) == "ada@example.com"
    assert authkit_emulator.count("authenticate") == 1


class Passing:
    """A middleware of somebody else's."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, *arguments: Any) -> None:
        await self.app(*arguments)


def test_settings_come_from_the_environment_where_the_middleware_is_hidden(sign_in) -> None:
    client = TestClient(checked(app()))
    sign_in(client)
    assert email(client) == "ada@example.com"


def test_issuer_of_the_tokens_is_one_that_the_application_accepts(sign_in) -> None:
    client = TestClient(app(issuers=("https://auth.example.com", "https://api.workos.com")))
    sign_in(client, expires_in=-60)
    assert email(client) == "ada@example.com"


def test_read_only_application_is_signed_in_to_as_well(sign_in) -> None:
    client = TestClient(app(refresh="never"))
    sign_in(client)
    assert email(client) == "ada@example.com"


class Endless:
    """What has whatever it is asked for, as mocks do."""

    cookies = CookieJar()

    @property
    def app(self) -> Endless:
        return Endless()


def test_search_for_the_middleware_ends(sign_in) -> None:
    assert sign_in(Endless()).cookie_header


def test_environment_of_a_developer_has_no_say(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "other")
    monkeypatch.setenv("WORKOS_API_KEY", "sk_live_real")
    variables = request.getfixturevalue("authkit_env")
    found = {name: value for name, value in os.environ.items() if name.startswith("WORKOS_")}
    assert found == variables
    assert "sk_live_real" not in variables.values()

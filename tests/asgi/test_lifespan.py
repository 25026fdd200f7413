"""Lifespan: observed, never changed, except where the configuration cannot work."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from asgi_driver import receive_of
from asgi_site import sealed_session
from emulated import PASSWORD, service, settings
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from authkit_asgi import AuthKit, AuthKitConfig, AuthKitMiddleware, ConfigurationError

pytestmark = pytest.mark.anyio

SCOPE: Scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
EVENTS: tuple[Message, ...] = ({"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})


class CountedClient(httpx.AsyncClient):
    closed = 0

    async def aclose(self) -> None:
        CountedClient.closed += 1
        await super().aclose()


@pytest.fixture(autouse=True)
def _no_client_closed():
    CountedClient.closed = 0


def counting(emulator: Any) -> AuthKit:
    def client() -> httpx.AsyncClient:
        return CountedClient(transport=httpx.ASGITransport(emulator.app))

    return AuthKit(
        AuthKitConfig(**settings()), http_client_factory=client, clock=emulator._state.clock
    )


async def run(app: ASGIApp, events: tuple[Message, ...] = EVENTS) -> list[tuple[Message, int]]:
    """Return what was sent, each with the number of HTTP clients closed by then."""
    sent: list[tuple[Message, int]] = []

    async def send(message: Message) -> None:
        sent.append((message, CountedClient.closed))

    await app(SCOPE, receive_of(*events), send)
    return sent


@pytest.mark.breaks_asgi("has the key 'x'")
async def test_lifespan_passes_unchanged_and_closes_before_the_end_is_told(emulator):
    received: list[Message] = []
    sent_by_application: list[Message] = [
        {"type": "lifespan.startup.complete", "x": 1},
        {"type": "lifespan.shutdown.complete", "x": 2},
    ]
    authkit = counting(emulator)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope is SCOPE
        for message in sent_by_application:
            received.append(await receive())
            if "shutdown" in received[-1]["type"]:
                await authkit.load([sealed_session(emulator.sign_in("user_ada"))])
                assert CountedClient.closed == 0  # kept, for the next request
            await send(message)

    sent = await run(AuthKitMiddleware(application, authkit=authkit))
    assert received == list(EVENTS)
    assert [message for message, _ in sent] == sent_by_application
    assert all(a is b for (a, _), b in zip(sent, sent_by_application, strict=True))
    assert [closed for _, closed in sent] == [0, 1]
    assert CountedClient.closed == 1


async def test_without_lifespan_no_client_outlives_its_request(emulator):
    authkit = counting(emulator)
    await authkit.load([sealed_session(emulator.sign_in("user_ada"))])
    assert CountedClient.closed == 1


@pytest.mark.parametrize("kind", ["lifespan.startup.failed", "lifespan.shutdown.failed"])
async def test_lifespan_that_fails_is_passed_on(emulator, kind):
    failure: Message = {"type": kind, "message": "no database"}

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if "shutdown" in kind:
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send(failure)

    *_, (message, _) = await run(AuthKitMiddleware(application, authkit=counting(emulator)))
    assert message is failure


async def test_lifespan_that_the_application_does_not_know_raises_as_before(emulator):
    authkit = counting(emulator)

    async def application(_: Scope, __: Receive, ___: Send) -> None:
        await authkit.load([sealed_session(emulator.sign_in("user_ada"))])
        raise KeyError("lifespan")

    with pytest.raises(KeyError, match="lifespan"):
        await run(AuthKitMiddleware(application, authkit=authkit))
    assert CountedClient.closed == 1


@pytest.mark.parametrize("started", [False, True])
async def test_lifespan_exceptions_of_the_application_pass_as_they_are(emulator, started):
    error = ExceptionGroup("of the application", [OSError("no database")])
    sent: list[Message] = []

    async def application(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if started:
            await send({"type": "lifespan.startup.complete"})
        raise error

    async def send(message: Message) -> None:
        sent.append(message)

    app = AuthKitMiddleware(application, authkit=counting(emulator))
    with pytest.raises(ExceptionGroup) as raised:
        await app(SCOPE, receive_of(*EVENTS), send)
    assert raised.value is error
    assert len(sent) == int(started)


async def test_lifespan_of_a_doubled_middleware_works(emulator):
    async def application(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    authkit = service(emulator)
    app = AuthKitMiddleware(AuthKitMiddleware(application, authkit=authkit), authkit=authkit)
    assert [m["type"] for m, _ in await run(app)] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]


async def test_bad_configuration_fails_the_startup_with_all_of_it():
    async def application(_: Scope, __: Receive, ___: Send) -> None:
        raise AssertionError("must not be started")

    app = AuthKitMiddleware(
        application, client_id="", cookie_password=PASSWORD[:20], redirect_uri="http://example.com"
    )
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    with pytest.raises(ConfigurationError):
        await app(SCOPE, receive_of(*EVENTS), send)
    ((kind, text),) = [tuple(message.values()) for message in messages]
    assert kind == "lifespan.startup.failed"
    for name in ("CLIENT_ID", "API_KEY", "COOKIE_PASSWORD", "REDIRECT_URI"):
        assert f"WORKOS_{name}" in text
    assert PASSWORD[:20] not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cookie_pasword": "x"},
            "there is no option 'cookie_pasword': is 'cookie_password' meant?",
        ),
        ({"zzz": 1}, "there is no option 'zzz'\n"),
        ({"config": {}, "cookie_name": "x"}, "either config, or authkit, or settings"),
        ({"http_client_factory": lambda: None}, "http_client_factory belongs to the AuthKit"),
    ],
)
def test_options_that_do_not_go_together_are_faults(authkit, options, message):
    if "http_client_factory" in options:
        options = {**options, "authkit": authkit}
    middleware = AuthKitMiddleware(Starlette(), **options)
    assert message in f"{middleware._fault}\n"

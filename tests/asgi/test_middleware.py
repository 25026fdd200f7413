"""AuthKitMiddleware: what goes in, what comes out, and what it keeps its hands off."""

from __future__ import annotations

import pytest
from asgi_driver import Answer, Browser, collect, drive, http_scope, receive_of, websocket_scope
from asgi_site import SESSION, signed_in_cookie, site, who
from emulated import PASSWORD, service, settings
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.types import Message, Receive, Scope, Send

from authkit_asgi import (
    AuthKitConfig,
    AuthKitMiddleware,
    AuthSession,
    ConfigurationError,
    SignedIn,
    SignedOutReason,
    get_auth,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio


class Inner:
    """An application that remembers what it was given and sends what it was told to."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages or (
            {"type": "http.response.start", "status": 200, "headers": []},
            {"type": "http.response.body", "body": b"ok"},
        )
        self.scope: Scope = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        for message in self.messages:
            await send(message)


def wrapped(emulator: WorkOSEmulator, inner: Inner, **options) -> AuthKitMiddleware:
    return AuthKitMiddleware(inner, authkit=service(emulator), **options)


def cookie(value: str, name: str = SESSION) -> list[tuple[str, str]]:
    return [("cookie", f"{name}={value}")]


@pytest.mark.parametrize("kind", ["http", "websocket"])
async def test_middleware_puts_auth_on_every_connection(emulator, kind):
    make = (lambda h: http_scope("GET", "/", h)) if kind == "http" else (
        lambda h: websocket_scope("/", h))  # fmt: skip
    inner = Inner(*([{"type": "websocket.accept"}] if kind == "websocket" else []))
    await drive(wrapped(emulator, inner), make(cookie(signed_in_cookie(emulator))))
    state = inner.scope["state"]
    assert isinstance(state["auth"], SignedIn)
    assert state["auth"].user.id == "user_ada"
    assert isinstance(state["authkit"], AuthSession)
    assert state["authkit"].auth is state["auth"]
    await drive(wrapped(emulator, inner), make([]))
    assert inner.scope["state"]["auth"].reason is SignedOutReason.NO_SESSION_COOKIE_PROVIDED


async def test_middleware_writes_the_state_in_place(emulator):
    inner = Inner()
    state = {"database": 1}
    scope = http_scope("GET", "/", state=state)
    await drive(wrapped(emulator, inner), scope)
    assert inner.scope is scope
    assert inner.scope["state"] is state
    assert state.keys() == {"database", "auth", "authkit"}


async def test_middleware_makes_the_state_where_there_is_none(emulator):
    inner = Inner()
    scope = http_scope("GET", "/")
    del scope["state"]
    await drive(wrapped(emulator, inner), scope)
    assert scope["state"]["auth"].user is None


async def test_middleware_lets_other_scopes_pass_untouched(emulator):
    inner = Inner({"type": "x"})
    scope = {"type": "mqtt"}
    send = collect(Answer())
    receive = receive_of()
    await wrapped(emulator, inner)(scope, receive, send)
    assert (inner.scope, inner.receive, inner.send) == ({"type": "mqtt"}, receive, send)


FORGERIES = [
    ("auth", "user_ada"),
    ("authorization", "Bearer x"),
    ("x-user", "user_ada"),
    ("x-workos-session", "x"),
    ("x-workos-middleware", "true"),
    ("x-authkit-session", "x"),
    ("state", '{"auth": 1}'),
]


async def test_middleware_believes_no_header(emulator):
    inner = Inner()
    headers = [*FORGERIES, ("cookie", f"auth=user_ada; x{SESSION}={signed_in_cookie(emulator)}")]
    await drive(wrapped(emulator, inner), http_scope("GET", "/", headers))
    assert inner.scope["state"]["auth"].reason is SignedOutReason.NO_SESSION_COOKIE_PROVIDED


BAD_COOKIES = ["", "x", "Fe26.2**", "\xff", "x" * 17_000, "Fe26.2*1*a*b*c**d*e~2", '"']


@pytest.mark.parametrize("value", BAD_COOKIES, ids=lambda value: value[:10])
async def test_middleware_lets_a_bad_cookie_pass_signed_out(emulator, value):
    inner = Inner()
    answer = await drive(wrapped(emulator, inner), http_scope("GET", "/", cookie(value)))
    assert inner.scope["state"]["auth"].reason is SignedOutReason.INVALID_SESSION_COOKIE
    assert answer.set_cookies == {}


async def test_middleware_leaves_receive_to_the_application(emulator):
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "http.request", "body": b"a form", "more_body": False}
        await PlainTextResponse("ok")(scope, receive, send)

    app = AuthKitMiddleware(application, authkit=service(emulator))
    scope = http_scope("POST", "/", cookie(signed_in_cookie(emulator, lifetime=-100)))
    assert (await drive(app, scope, body=b"a form")).status == 200


SKIPPED = {
    "/static": True,
    "/static/": True,
    "/static/a.css": True,
    "/static/../who": False,
    "/staticx": False,
    "/a/static": False,
    "/STATIC": False,
    "/stati": False,
    "/who?/static": False,
}


@pytest.mark.parametrize("skip", ["/static", ("/health", "/static"), ["/static"]])
@pytest.mark.parametrize(("target", "skipped"), SKIPPED.items())
async def test_skip_matches_whole_segments(emulator, target, skipped, skip):
    inner = Inner()
    send_cookie = cookie(signed_in_cookie(emulator, lifetime=-100))
    answer = await drive(
        wrapped(emulator, inner, skip=skip), http_scope("GET", target, send_cookie)
    )
    auth = inner.scope["state"]["auth"]
    assert (auth.user is None) == skipped
    assert (answer.start is inner.messages[0]) == skipped
    assert emulator.count("authenticate") == int(not skipped)
    if skipped:
        assert auth.reason is SignedOutReason.NOT_EVALUATED
        assert get_auth(Request(inner.scope)) is auth
        assert "authkit" not in inner.scope["state"]


async def test_skip_looks_below_the_root_path(emulator):
    inner = Inner()
    app = wrapped(emulator, inner, skip=("/static",))
    await drive(app, http_scope("GET", "/app/static/a", root_path="/app"))
    assert inner.scope["state"]["auth"].reason is SignedOutReason.NOT_EVALUATED


async def test_doubled_middleware_exchanges_and_writes_once(emulator):
    inner = Inner()
    app = AuthKitMiddleware(wrapped(emulator, inner), authkit=service(emulator))
    scope = http_scope("GET", "/", cookie(signed_in_cookie(emulator, lifetime=-100)))
    answer = await drive(app, scope)
    assert inner.scope["state"]["auth"].user.id == "user_ada"
    assert answer.set_cookies.keys() == {SESSION}
    assert emulator.count("authenticate") == 1


async def test_two_middlewares_with_two_cookies_keep_two_sessions(emulator):
    inner = Inner()
    outer = service(emulator, cookie_name="outer")
    app = AuthKitMiddleware(
        AuthKitMiddleware(inner, authkit=service(emulator, cookie_name="inner")), authkit=outer
    )
    values = {
        "outer": signed_in_cookie(emulator, lifetime=-100),
        "inner": signed_in_cookie(emulator, "user_bob", lifetime=-100),
    }
    line = "; ".join(f"{name}={value}" for name, value in values.items())
    answer = await drive(app, http_scope("GET", "/", [("cookie", line)]))
    assert inner.scope["state"]["auth"].user.id == "user_bob"
    assert answer.set_cookies.keys() == {"outer", "inner"}
    assert emulator.count("authenticate") == 2


async def test_middleware_works_inside_a_mount(emulator):
    inside = site(emulator)
    app = Starlette(routes=[Mount("/app", app=inside)])
    browser = Browser(app)
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/app/who")).json["user"] == "user_ada"


async def test_middleware_around_a_mount_reaches_into_it(emulator):
    browser = Browser(site(emulator, [Mount("/app", routes=[Route("/who", who)])]))
    browser.cookies[SESSION] = signed_in_cookie(emulator)
    assert (await browser.get("/app/who")).json["user"] == "user_ada"


@pytest.mark.parametrize("started", [False, True])
async def test_middleware_passes_application_exceptions_on(emulator, started):
    error = RuntimeError("of the application")
    start = {"type": "http.response.start", "status": 200, "headers": []}

    async def application(_: Scope, __: Receive, send: Send) -> None:
        if started:
            await send(start)
        raise error

    answer = Answer()
    app = AuthKitMiddleware(application, authkit=service(emulator))
    with pytest.raises(RuntimeError) as raised:
        await app(http_scope("GET", "/"), receive_of(), collect(answer))
    assert raised.value is error
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert answer.messages == ([start] if started else [])


async def test_middleware_runs_background_tasks_after_the_response(emulator):
    done = []

    async def endpoint(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(done.append, 1))

    browser = Browser(site(emulator, [Route("/", endpoint)]))
    browser.cookies[SESSION] = signed_in_cookie(emulator, lifetime=-100)
    assert (await browser.get("/")).text == "ok"
    assert done == [1]


BAD_OPTIONS = {
    "skip without slash": ({"skip": ["static"]}, "skip holds 'static'"),
    "skip with a slash at the end": ({"skip": ["/static/"]}, "skip holds '/static/'"),
    "skip everything": ({"skip": "/"}, "skip holds '/'"),
    "a misspelt option": ({"cookie_nam": "x"}, "there is no option 'cookie_nam'"),
    "a bad setting": ({"cookie_password": "hunter2"}, "WORKOS_COOKIE_PASSWORD"),
}


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
async def test_bad_configuration_fails_every_request(options, message):
    inner = Inner()
    given = {key: value for key, value in settings().items() if key != "api_base_url"}
    app = AuthKitMiddleware(inner, **{**given, **options})
    errors = []
    for scope in (http_scope("GET", "/"), websocket_scope("/")):
        with pytest.raises(ConfigurationError, match=message) as raised:
            await drive(app, scope)
        errors.append(raised.value)
    assert errors[0] is not errors[1]
    assert inner.scope == {}
    assert not any(secret in str(errors[0]) for secret in (PASSWORD, "hunter2", "sk_test"))


async def test_bad_configuration_is_reported_all_at_once(monkeypatch):
    for name in ("WORKOS_CLIENT_ID", "WORKOS_API_KEY", "WORKOS_REDIRECT_URI"):
        monkeypatch.delenv(name, raising=False)
    app = AuthKitMiddleware(Inner(), cookie_password=PASSWORD)
    with pytest.raises(ConfigurationError) as raised:
        await drive(app, http_scope("GET", "/"))
    assert [p.split(" ")[0] for p in raised.value.problems] == [
        "WORKOS_CLIENT_ID",
        "WORKOS_API_KEY",
        "WORKOS_REDIRECT_URI",
    ]


async def test_settings_come_from_one_source_only(emulator):
    app = AuthKitMiddleware(Inner(), AuthKitConfig(**settings()), authkit=service(emulator))
    with pytest.raises(ConfigurationError, match="either config, or authkit, or settings"):
        await drive(app, http_scope("GET", "/"))


async def test_settings_come_from_the_environment(monkeypatch, emulator):
    monkeypatch.setenv("WORKOS_COOKIE_NAME", "from_env")
    browser = Browser(
        Starlette(
            routes=[Route("/who", who)],
            middleware=[Middleware(AuthKitMiddleware, **settings(cookie_name="given"))],
        )
    )
    browser.cookies = {"given": "x"}
    assert (await browser.get("/who")).json["reason"] == "no_session_cookie_provided"
    browser.cookies = {"from_env": "x"}
    assert (await browser.get("/who")).json["reason"] == "invalid_session_cookie"

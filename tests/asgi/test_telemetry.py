"""What telemetry is told of requests and sessions, through OpenTelemetry's own SDK."""

from __future__ import annotations

import pytest
from asgi_site import sign_in, signed_in_cookie, who
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from told_telemetry import Told, browser_with, told_service

from authkit_asgi import AuthKitMiddleware, auth_routes

pytestmark = pytest.mark.anyio
CHECKS = "authkit.session.checks"
LOOKUPS = "authkit.session.lookups"
REFRESHES = "authkit.session.refreshes"


async def greet(websocket):
    await websocket.accept()
    await websocket.close()


@pytest.fixture
def told():
    told = Told()
    yield told
    told.close()


@pytest.fixture
def site(emulator, told):
    """Make a site that tells `told`, with so many middlewares around each other."""

    def make(*, layers=1, settings=None, **options):
        kit = told_service(emulator, told, **(settings or {}))
        return Starlette(
            routes=[Route("/who", who), WebSocketRoute("/greet", greet), *auth_routes()],
            middleware=[Middleware(AuthKitMiddleware, authkit=kit, **options)] * layers,
        )

    return make


async def test_connections_are_counted_by_who_they_are_from(site, told, emulator, clock):
    app = site(skip=["/static"])
    await browser_with(app).get("/who")
    await browser_with(app).get("/who")
    await browser_with(app).get("/static/style.css")
    await browser_with(app, "Fe26.2*forged").get("/who")
    cookie = signed_in_cookie(emulator)
    await browser_with(app, cookie).get("/who")
    await browser_with(app, cookie).websocket("/greet")
    emulator.fail("authenticate", status=503, times=None)
    clock.now += 1000
    await browser_with(app, cookie).get("/who")
    assert told.counted(CHECKS) == {
        ("signed_out", "no_session_cookie_provided"): 2,
        ("signed_out", "invalid_session_cookie"): 1,
        ("signed_in",): 2,
        ("unavailable", "temporarily_unavailable"): 1,
    }


@pytest.mark.parametrize("layers", [1, 2])
async def test_connection_is_counted_once_however_many_middlewares_see_it(site, told, layers):
    await browser_with(site(layers=layers)).get("/who")
    assert told.counted(CHECKS) == {("signed_out", "no_session_cookie_provided"): 1}


async def test_connection_that_is_refused_before_the_application_is_counted(site, told, emulator):
    app = site(protect=True, public=["/public"])
    assert (await browser_with(app).get("/who")).status == 303
    assert (await browser_with(app).get("/public")).status == 404
    assert (await browser_with(app, signed_in_cookie(emulator)).get("/who")).status == 200
    assert told.counted(CHECKS) == {
        ("signed_out", "no_session_cookie_provided"): 2,
        ("signed_in",): 1,
    }


async def test_lookups_are_hits_for_a_minute(site, told, emulator, clock):
    browser = browser_with(site(), signed_in_cookie(emulator))
    await browser.get("/who")  # fetches the keys
    for _ in range(3):
        await browser.get("/who")
    assert told.counted(LOOKUPS) == {("miss",): 2, ("hit",): 2}
    clock.now += 60
    await browser.get("/who")
    await browser.get("/who")
    assert told.counted(LOOKUPS) == {("miss",): 3, ("hit",): 3}


async def test_nothing_is_looked_up_where_nothing_is_remembered(site, told, emulator):
    browser = browser_with(site(settings={"verified_cache_size": 0}), signed_in_cookie(emulator))
    assert (await browser.get("/who")).json["user"] == "user_ada"
    assert told.counted(LOOKUPS) == {}


async def test_exchange_is_counted_once_by_its_verdict(site, told, emulator, clock):
    app = site()
    old = signed_in_cookie(emulator)
    clock.now += 301
    for _ in range(3):  # what the second and third find is remembered
        assert (await browser_with(app, old).get("/who")).json["user"] == "user_ada"
    assert told.counted(REFRESHES) == {("refreshed",): 1}
    ended = signed_in_cookie(emulator, "user_bob")
    emulator.remove_user("user_bob")
    clock.now += 301
    for _ in range(3):
        assert (await browser_with(app, ended).get("/who")).json["user"] is None
    assert told.counted(REFRESHES) == {("refreshed",): 1, ("denied",): 1}


@pytest.mark.parametrize(
    ("status", "code"), [(503, "workos_unavailable"), (401, "workos_misconfigured")]
)
async def test_outage_is_counted_with_the_code_of_the_error(site, told, emulator, status, code):
    browser = browser_with(site(), signed_in_cookie(emulator, lifetime=-100))
    emulator.fail("authenticate", times=None, status=status)
    await browser.get("/who")
    assert told.counted(REFRESHES) == {("unavailable", code): 1}
    (span,) = told.spans()
    assert dict(span.attributes) == {"error.type": code}
    assert span.status.is_ok is False


async def test_answer_that_does_not_verify_is_counted_as_an_outage(site, told, emulator, clock):
    app = site(settings={"issuers": [emulator.issuer]})
    cookie = signed_in_cookie(emulator)
    clock.now += 301
    answer = emulator.sign_in("user_ada")
    foreign = emulator.mint_access_token(
        {"iss": "https://other", "sub": "user_ada", "sid": "s", "exp": clock.now + 300}
    )
    emulator.fail("authenticate", body={**answer, "access_token": foreign})
    await browser_with(app, cookie).get("/who")
    assert told.counted(REFRESHES) == {("unavailable", "temporarily_unavailable"): 1}


async def test_answer_that_cannot_be_verified_yet_is_counted_as_an_outage(
    site, told, emulator, clock
):
    browser = browser_with(site(), signed_in_cookie(emulator))
    await browser.get("/who")
    emulator.rotate_keys()
    emulator.fail("jwks", status=503, times=None)
    clock.now += 1000
    await browser.get("/who")
    assert told.counted(REFRESHES) == {("unavailable",): 1}


async def test_remembered_answer_that_does_not_verify_is_not_counted(site, told, emulator, clock):
    app = site(settings={"issuers": [emulator.issuer]})
    cookie = signed_in_cookie(emulator)
    clock.now += 301
    answer = emulator.sign_in("user_ada")
    foreign = emulator.mint_access_token(
        {"iss": "https://other", "sub": "user_ada", "sid": "s", "exp": clock.now + 300}
    )
    emulator.fail("authenticate", body={**answer, "access_token": foreign})
    for _ in range(3):
        await browser_with(app, cookie).get("/who")
    assert told.counted(REFRESHES) == {("unavailable", "temporarily_unavailable"): 1}


async def test_pause_is_counted_by_what_is_not_asked(site, told, emulator, clock):
    app = site()
    cookies = [signed_in_cookie(emulator) for _ in range(5)]
    clock.now += 301
    emulator.fail("authenticate", status=503, times=None)
    for cookie in cookies[:4]:
        await browser_with(app, cookie).get("/who")
    assert told.counted("authkit.workos.pauses") == {}
    await browser_with(app, cookies[4]).get("/who")
    assert told.counted("authkit.workos.pauses") == {("refresh",): 1}


async def test_pause_of_api_keys_is_counted_too(told, emulator):
    kit = told_service(emulator, told)
    emulator.fail("api_keys", status=503, times=None)
    for number in range(5):
        with pytest.raises(Exception, match="503"):
            await kit.validate_api_key(f"sk_{number}")
    assert told.counted("authkit.workos.pauses") == {("api_key_validation",): 1}


async def test_size_of_a_session_is_recorded_when_it_is_written(site, told, emulator):
    browser = browser_with(site())
    await sign_in(browser, emulator)
    await browser.get("/who")
    (point,) = told.metrics()["authkit.session.size"].data.data_points
    assert point.min == point.max == len("wos-session") + len(browser.cookies["wos-session"])
    assert point.count >= 1
    assert 4096 in point.explicit_bounds
    assert told.metrics()["authkit.session.size"].unit == "By"


async def test_callback_is_traced_below_the_span_of_its_request(site, told, emulator):
    tracer = told.tracer_provider.get_tracer("test")
    with tracer.start_as_current_span("request") as request:
        await sign_in(browser_with(site()), emulator)
    callback, _ = told.spans()
    assert callback.name == "authkit.callback"
    assert callback.parent.span_id == request.get_span_context().span_id
    assert dict(callback.attributes) == {}
    assert callback.status.is_ok is True


async def test_callback_that_fails_is_traced_with_the_code_alone(site, told, emulator):
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    await sign_in(browser_with(site()), emulator)
    (callback,) = told.spans()
    assert dict(callback.attributes) == {"error.type": "grant_rejected"}
    assert callback.status.is_ok is False
    assert callback.status.description is None
    assert callback.events == ()


async def test_refresh_is_traced_below_the_span_of_the_request_that_began_it(
    site, told, emulator, clock
):
    browser = browser_with(site(), signed_in_cookie(emulator))
    clock.now += 301
    tracer = told.tracer_provider.get_tracer("test")
    with tracer.start_as_current_span("request") as request:
        await browser.get("/who")
    refresh, _ = told.spans()
    assert refresh.name == "authkit.refresh"
    assert refresh.context.trace_id == request.get_span_context().trace_id
    assert refresh.parent.span_id == request.get_span_context().span_id
    assert dict(refresh.attributes) == {"authkit.refresh.verdict": "refreshed"}
    assert refresh.status.is_ok is True


async def test_refresh_without_a_span_around_it_begins_a_trace(site, told, emulator, clock):
    cookie = signed_in_cookie(emulator)
    emulator.remove_user("user_ada")
    clock.now += 301
    await browser_with(site(), cookie).get("/who")
    (refresh,) = told.spans()
    assert refresh.parent is None
    assert dict(refresh.attributes) == {"authkit.refresh.verdict": "denied"}


async def test_attributes_are_of_few_values_and_none_is_anybodys(site, told, emulator, clock):
    browser = browser_with(site())
    await sign_in(browser, emulator)
    for _ in range(3):
        await browser.get("/who")
    clock.now += 301
    await browser.get("/who")
    emulator.fail("authenticate", reset="before", times=None)
    clock.now += 1000
    await browser.get("/who")
    seen = {value for attributes in told.attributes() for value in attributes.values()}
    assert seen == {
        "signed_in", "unavailable", "signed_out", "no_session_cookie_provided", "hit", "miss",
        "temporarily_unavailable", "refreshed", "connection_lost",
    }  # fmt: skip

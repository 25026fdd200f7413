"""The session route: who is signed in, as JSON for scripts, to whoever asks."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser
from asgi_site import SESSION, sealed_session, signed_in_cookie, site
from emulated import START, Clock
from starlette.applications import Starlette
from starlette.types import ASGIApp

from authkit_asgi import (
    InMemorySessionStore,
    MiddlewareMissingError,
)
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

PROGRAM = (("accept", "*/*"),)
FOREIGN = (*FETCH[:3], ("sec-fetch-site", "cross-site"), ("origin", "https://spa.example"))
KINDS = {"fetch": FETCH, "page": NAVIGATION, "program": PROGRAM, "foreign": FOREIGN}
kinds = pytest.mark.parametrize("headers", KINDS.values(), ids=KINDS)

ADA = {
    "user": {
        "id": "user_ada",
        "email": "ada@example.com",
        "email_verified": True,
        "name": "Ada",
        "first_name": "Ada",
        "last_name": None,
        "profile_picture_url": None,
        "locale": None,
        "external_id": None,
        "metadata": {},
    },
    "organization_id": "org_acme",
    "role": "admin",
    "roles": ["admin"],
    "permissions": ["data:export"],
    "entitlements": [],
    "feature_flags": [],
    "impersonator": None,
    "authentication_method": "Password",
    "expires_at": int(START) + 300,
    "expires_in": 300,
}


IMPERSONATED = {"authentication_method": "Impersonation"}


def front(emulator: WorkOSEmulator, **changes: Any) -> Starlette:
    return site(emulator, auth_options={"session": "/session"}, **changes)


def browser_with(app: ASGIApp, cookie: str | None = None) -> Browser:
    browser = Browser(app)
    browser.cookies = {} if cookie is None else {SESSION: cookie}
    return browser


def without_times(said: Any) -> Any:
    times = ("created_at", "updated_at", "last_sign_in_at")
    user = {name: value for name, value in said["user"].items() if name not in times}
    return {**said, "user": user}


def expect_own_headers(answer: Answer) -> None:
    assert answer.headers["content-type"] == "application/json"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["vary"] == "Cookie"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@kinds
async def test_says_who_is_signed_in_and_sets_no_cookie(emulator, headers):
    browser = browser_with(front(emulator), signed_in_cookie(emulator))
    answer = await browser.get("/session", headers)
    assert (answer.status, answer.set_cookies) == (200, {})
    assert without_times(answer.json) == ADA
    expect_own_headers(answer)


async def test_names_neither_a_token_nor_the_session(emulator):
    session = emulator.sign_in("user_ada")
    browser = browser_with(front(emulator), sealed_session(session))
    answer = await browser.get("/session", FETCH)
    claims = session["access_token"].split(".")[1]
    for secret in (session["access_token"], session["refresh_token"], claims, "session_"):
        assert secret not in answer.text


@kinds
@pytest.mark.parametrize(
    ("cookie", "reason"),
    [(None, "no_session_cookie_provided"), ("x", "invalid_session_cookie")],
)
async def test_nobody_is_null_with_the_reason(emulator, headers, cookie, reason):
    answer = await browser_with(front(emulator), cookie).get("/session", headers)
    assert (answer.status, answer.set_cookies) == (200, {})
    assert answer.json == {"user": None, "reason": reason}
    expect_own_headers(answer)


async def test_session_that_is_over_says_why(emulator):
    cookie = signed_in_cookie(emulator, lifetime=-100)
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    answer = await browser_with(front(emulator), cookie).get("/session", FETCH)
    assert answer.json == {"user": None, "reason": "refresh_denied"}


@kinds
async def test_expired_session_is_renewed_and_its_cookie_goes_out(emulator, headers):
    browser = browser_with(front(emulator), signed_in_cookie(emulator, lifetime=-100))
    answer = await browser.get("/session", headers)
    assert without_times(answer.json) == ADA
    assert answer.set_cookies.keys() == {SESSION}
    assert answer.headers["cache-control"] == "private, no-store"
    assert emulator.count("authenticate") == 1
    again = await browser.get("/session", headers)
    assert (again.json, again.set_cookies) == (answer.json, {})
    assert emulator.count("authenticate") == 1


async def test_session_about_to_expire_is_renewed_ahead(emulator, clock: Clock):
    browser = browser_with(front(emulator), signed_in_cookie(emulator, lifetime=-100))
    await browser.get("/session", FETCH)
    clock.now += 290
    first = (await browser.get("/session", FETCH)).json
    assert first["expires_in"] == 10  # in a loop that ends with its request
    clock.now += 20
    assert (await browser.get("/session", FETCH)).json["expires_in"] == 300


@kinds
async def test_outage_is_503_and_keeps_the_cookie(emulator, headers):
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"}, times=None)
    browser = browser_with(front(emulator), signed_in_cookie(emulator, lifetime=-100))
    answer = await browser.get("/session", headers)
    assert (answer.status, answer.headers["retry-after"], answer.set_cookies) == (503, "7", {})
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    if headers is NAVIGATION:
        assert '<a href="/login?return_to=%2Fsession">' in answer.text
    else:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["code"] == "temporarily_unavailable"


@kinds
async def test_impersonator_is_named(emulator, headers):
    helper = {"email": "help@example.com", "reason": "a ticket"}
    cookie = sealed_session(emulator.sign_in("user_ada", "org_acme", helper))
    answer = await browser_with(front(emulator), cookie).get("/session", headers)
    assert without_times(answer.json) == {**ADA, "impersonator": helper} | IMPERSONATED


async def test_lone_surrogate_in_a_name_does_no_harm(emulator):
    session = emulator.sign_in("user_ada")
    session["user"] = {**session["user"], "first_name": "A\ud800"}
    answer = await browser_with(front(emulator), sealed_session(session)).get("/session", FETCH)
    assert (answer.status, answer.json["user"]["first_name"]) == (200, "A\ud800")


async def test_claims_of_the_organization_are_those_of_the_token(emulator):
    emulator.add_membership(
        "user_ada",
        "org_acme",
        role="owner",
        permissions=("a", "b"),
        entitlements=("audit-log",),
        feature_flags=("new-ui",),
    )
    said = (
        await browser_with(front(emulator), signed_in_cookie(emulator)).get("/session", FETCH)
    ).json
    assert (said["role"], said["permissions"]) == ("owner", ["a", "b"])
    assert (said["entitlements"], said["feature_flags"]) == (["audit-log"], ["new-ui"])


async def test_session_on_the_server_is_described_as_well(emulator):
    app = front(emulator, store=InMemorySessionStore())
    browser = browser_with(app, signed_in_cookie(emulator))
    assert without_times((await browser.get("/session", FETCH)).json) == ADA
    assert without_times((await browser.get("/session", FETCH)).json) == ADA


async def test_session_of_another_application_is_read(emulator):
    app = front(emulator, refresh="never")
    answer = await browser_with(app, signed_in_cookie(emulator)).get("/session", FETCH)
    assert answer.json["user"]["id"] == "user_ada"
    expired = browser_with(app, signed_in_cookie(emulator, lifetime=-100))
    assert (await expired.get("/session", FETCH)).json["reason"] == "session_expired"


async def test_it_is_off_by_default(emulator):
    app = site(emulator)
    assert (await browser_with(app).get("/session", FETCH)).status == 404
    assert (await browser_with(app).get("/token", FETCH)).status == 404


async def test_only_get_and_head_are_answered(emulator):
    browser = browser_with(front(emulator), signed_in_cookie(emulator, lifetime=-100))
    assert (await browser.request("POST", "/session", FETCH)).status == 405
    head = await browser_with(front(emulator), signed_in_cookie(emulator, lifetime=-100)).request(
        "HEAD", "/session", FETCH
    )
    assert (head.status, head.set_cookies.keys()) == (200, {SESSION})


async def test_skipped_path_is_a_mistake_that_says_so(emulator):
    app = front(emulator, skip=("/session",))
    with pytest.raises(MiddlewareMissingError):
        await browser_with(app).get("/session", FETCH)


async def test_sign_out_is_seen_by_the_next_request(emulator):
    browser = browser_with(front(emulator), signed_in_cookie(emulator))
    copy = browser_with(browser.app, browser.cookies[SESSION])
    assert (await browser.get("/logout")).status == 303
    said = (await browser.get("/session", FETCH)).json
    assert said == {"user": None, "reason": "no_session_cookie_provided"}
    assert (await copy.get("/session", FETCH)).json == {"user": None, "reason": "signed_out"}

"""Every guard, in whatever state somebody is, asked in every way: what is answered."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from asgi_driver import FETCH, NAVIGATION, Answer, Browser, Headers
from asgi_site import SESSION, sealed_session, signed_in_cookie
from emulated import Clock
from guarded_site import (
    GUARDS,
    with_decorated_classes,
    with_decorators,
    with_dependencies,
    with_router_dependencies,
)
from starlette.types import ASGIApp

from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

WAYS = [with_dependencies, with_router_dependencies, with_decorators, with_decorated_classes]
RETRY_AFTER = {"7", "5"}  # what WorkOS said, and what is said while it is left alone
API_CLIENT: Headers = [("accept", "application/json"), ("user-agent", "curl/8")]


def anonymous(emulator: WorkOSEmulator, clock: Clock) -> str | None:
    del emulator, clock
    return None


def signed_in_without(emulator: WorkOSEmulator, clock: Clock) -> str:
    answer = emulator.sign_in("user_bob", lifetime=3600)
    clock.now += 400
    return sealed_session(answer)


def signed_in_with(emulator: WorkOSEmulator, clock: Clock) -> str:
    del clock
    return signed_in_cookie(emulator)


def expired(emulator: WorkOSEmulator, clock: Clock) -> str:
    del clock
    return signed_in_cookie(emulator, lifetime=-100)


def unavailable(emulator: WorkOSEmulator, clock: Clock) -> str:
    emulator.fail("authenticate", status=503, headers={"Retry-After": "7"}, times=None)
    return expired(emulator, clock)


def impersonated(emulator: WorkOSEmulator, clock: Clock) -> str:
    del clock
    helper = {"email": "help@example.com", "reason": None}
    return sealed_session(emulator.sign_in("user_ada", "org_acme", helper))


def in_the_wrong_organization(emulator: WorkOSEmulator, clock: Clock) -> str:
    del clock
    return sealed_session(emulator.sign_in("user_ada", "org_globex"))


LACKING = {
    "/role": ("This needs the roles owner or admin", {"roles": ["owner", "admin"]}),
    "/permissions": (
        "This needs the permissions data:export and data:import",
        {"permissions": ["data:export", "data:import"]},
    ),
    "/any-permission": (
        "This needs the permissions data:burn or data:import",
        {"permissions": ["data:burn", "data:import"]},
    ),
    "/entitlement": ("This needs the entitlement audit-log", {"entitlements": ["audit-log"]}),
    "/feature-flag": ("This needs the feature flag new-ui", {"feature_flags": ["new-ui"]}),
    "/organization": ("This needs another organization", {"organizations": []}),
    "/organizations/{org_id}": ("This needs another organization", {"organizations": []}),
    "/any-organization": ("This needs another organization", {"organizations": []}),
}
IN_NONE = ("This needs an organization", {"organizations": []})
EVERYWHERE = dict.fromkeys(GUARDS, "pass")
FORBIDDEN = dict.fromkeys(LACKING, "forbidden")

# Who asks, and what each guard makes of that.
STATES: dict[Callable[[WorkOSEmulator, Clock], str | None], dict[str, str]] = {
    anonymous: dict.fromkeys(GUARDS, "signed out"),
    signed_in_without: {
        **EVERYWHERE,
        **FORBIDDEN,
        **{path: "in none" for path in LACKING if "organization" in path},
        "/recent": "too long ago",
    },
    signed_in_with: EVERYWHERE,
    expired: EVERYWHERE,
    unavailable: dict.fromkeys(GUARDS, "unavailable"),
    impersonated: EVERYWHERE,
    in_the_wrong_organization: {**EVERYWHERE, **FORBIDDEN, "/any-organization": "pass"},
}
CASES = [
    pytest.param(state, path, verdict, id=f"{state.__name__} {path}")
    for state, verdicts in STATES.items()
    for path, verdict in verdicts.items()
]


@pytest.fixture
def rich(emulator: WorkOSEmulator) -> WorkOSEmulator:
    """Ada has everything that the guards ask for, in Acme."""
    emulator.add_membership(
        "user_ada",
        "org_acme",
        role="admin",
        permissions=("data:export", "data:import"),
        entitlements=("audit-log",),
        feature_flags=("new-ui",),
    )
    return emulator


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("state", "path", "verdict"), CASES)
async def test_guard_answers_pages_programs_and_websockets(
    *,
    rich: WorkOSEmulator,
    clock: Clock,
    way: Callable[[WorkOSEmulator], ASGIApp],
    state: Callable[[WorkOSEmulator, Clock], str | None],
    path: str,
    verdict: str,
):
    app = way(rich)
    cookie = state(rich, clock)
    target = path.replace("{org_id}", "org_acme")

    def browser() -> Browser:
        one = Browser(app)
        one.cookies = {SESSION: cookie} if cookie else {}
        return one

    address = f"{target}?a=1&b=%2F"
    for method, headers in (("GET", NAVIGATION), ("POST", NAVIGATION)):
        answer = await browser().request(method, address, headers)
        _expect_for_a_person(answer, path, verdict, address)
        _expect_headers(answer, cookie, renewed=state is expired)
    for method, headers in (("GET", FETCH), ("GET", API_CLIENT), ("POST", API_CLIENT)):
        answer = await browser().request(method, address, headers)
        _expect_for_a_program(answer, path, verdict)
        _expect_headers(answer, cookie, renewed=state is expired)
    answer = await browser().websocket(f"{target}/ws")
    if verdict == "pass":
        assert "user_" in answer.messages[1]["text"]
    else:
        _expect_for_a_program(answer, path, verdict)
    (first, *rest) = (await browser().websocket(f"{target}/ws", denial=False)).messages
    assert first["type"] == ("websocket.accept" if verdict == "pass" else "websocket.close")
    if verdict != "pass":
        assert (first["code"], rest) == (1008, [])


def _expect_headers(answer: Answer, cookie: str | None, *, renewed: bool) -> None:
    assert "Cookie" in answer.headers["vary"]
    if cookie is not None:
        assert "no-store" in answer.headers["cache-control"]
    # An outage, and being refused, leave the session as it is.
    assert answer.set_cookies.keys() == ({SESSION} if renewed else set())


def _lacking(path: str, verdict: str) -> tuple[str, dict[str, list[str]]]:
    return IN_NONE if verdict == "in none" else LACKING[path]


def _expect_for_a_person(answer: Answer, path: str, verdict: str, address: str) -> None:
    sign_in = f"/login?return_to={quote(address, safe='')}"
    if verdict == "pass":
        assert (answer.status, answer.text[:5]) == (200, "user_")
        return
    if verdict in {"signed out", "too long ago"}:
        where = sign_in if verdict == "signed out" else f"{sign_in}&max_age=300"
        assert (answer.status, answer.location, answer.body) == (303, where, b"")
        assert answer.headers["cache-control"] in {"no-store", "private, no-store"}
        return
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "<script" not in answer.text
    if verdict == "unavailable":
        assert (answer.status, answer.headers["retry-after"] in RETRY_AFTER) == (503, True)
        assert f'<a href="{sign_in}">Sign in</a>' in answer.text
        assert "<h1>Signing in is not possible at the moment</h1>" in answer.text
    else:
        assert (answer.status, answer.text.count("href")) == (403, 1)
        assert '<a href="/logout">Sign out</a>' in answer.text
        assert f"<p>{_lacking(path, verdict)[0]}.</p>" in answer.text
        assert "<h1>You may not do this</h1>" in answer.text


def _expect_for_a_program(answer: Answer, path: str, verdict: str) -> None:
    if verdict == "pass":
        assert (answer.status, answer.text[:5]) == (200, "user_")
        return
    problem = answer.json
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no-store" in answer.headers["cache-control"]
    assert "location" not in answer.headers
    assert problem["status"] == answer.status
    if verdict == "signed out":
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Cookie")
        assert (problem["code"], problem["title"]) == ("not_signed_in", "Unauthorized")
        assert problem["reason"] == "no_session_cookie_provided"
    elif verdict == "too long ago":
        assert answer.headers["www-authenticate"] == (
            'Cookie error="insufficient_user_authentication", max_age="300"'
        )
        assert (problem["code"], problem["max_age"]) == ("recent_sign_in_required", 300)
        assert answer.status == 401
    elif verdict == "unavailable":
        assert (answer.status, answer.headers["retry-after"] in RETRY_AFTER) == (503, True)
        assert problem["code"] == "temporarily_unavailable"
    else:
        detail, missing = _lacking(path, verdict)
        assert (answer.status, problem["code"]) == (403, "forbidden")
        assert (problem["detail"], problem["missing"]) == (f"{detail}.", missing)


@pytest.mark.parametrize("way", WAYS)
async def test_organization_of_the_path_decides(rich, way):
    browser = Browser(way(rich))
    browser.cookies[SESSION] = signed_in_cookie(rich)
    allowed = await browser.get("/organizations/org_acme", FETCH)
    denied = await browser.get("/organizations/org_globex", FETCH)
    assert (allowed.status, denied.status) == (200, 403)

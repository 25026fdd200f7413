"""Pending sign-ins and Set-Cookie lines: octet for octet what authkit-session writes."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kit_bridge import NODE_10, Bridge
from plaintext import plaintext
from random_sessions import SessionMaker

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.cookies import CookieWriter
from authkit_asgi.errors import OAuthStateMismatchError, PKCEPayloadTooLargeError
from authkit_asgi.pkce import begin_sign_in, unseal_state, verifier_cookie_name
from authkit_asgi.seal import seal

PASSWORD = "a cookie password of 32 characters or more"
EXPIRES = "; Expires=Thu, 01 Jan 1970 00:00:00 GMT"
NOW_MS = 1_800_000_000_000
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
VERIFIER = r"[\w-]{43}"

CONFIGS: dict[str, dict[str, Any]] = {
    "https": {},
    "http": {"redirect_uri": "http://localhost:8000/callback"},
    "domain": {"cookie_domain": "example.com"},
    "strict": {"cookie_same_site": "strict"},
    "none": {"cookie_same_site": "none"},
    "none over http": {
        "redirect_uri": "http://localhost:8000/callback",
        "cookie_same_site": "none",
    },
    "max age": {"cookie_max_age": 3600},
    "name": {"cookie_name": "__Host-session"},
}
NAMES = {
    "redirect_uri": "redirectUri",
    "cookie_domain": "cookieDomain",
    "cookie_same_site": "cookieSameSite",
    "cookie_max_age": "cookieMaxAge",
    "cookie_name": "cookieName",
}


def clock() -> float:
    return NOW_MS / 1000


def our_config(**changes: Any) -> AuthKitConfig:
    settings = {"redirect_uri": "https://app.example.com/callback", **changes}
    return AuthKitConfig(
        client_id="client_1", api_key="sk_test_1", cookie_password=PASSWORD, **settings
    )


def their_config(**changes: Any) -> dict[str, Any]:
    settings = {"redirect_uri": "https://app.example.com/callback", **changes}
    return {"cookiePassword": PASSWORD, **{NAMES[name]: one for name, one in settings.items()}}


def with_expires(line: str) -> str:
    """Return a deletion as we write it: some clients look at Expires only."""
    return line.replace("; Max-Age=0", f"; Max-Age=0{EXPIRES}")


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS)
def test_session_lines_are_those_of_the_kit(bridge: Bridge, changes: dict[str, Any]):
    writer, theirs = CookieWriter(our_config(**changes)), their_config(**changes)
    sealed = seal({"a": 1}, PASSWORD)
    (line,) = bridge("saveSession", config=theirs, sealed=sealed)
    assert writer.session(sealed)[0].line.decode() == line
    (line,) = bridge("clearSession", config=theirs)
    ours = [cookie.line.decode() for cookie in writer.expire_session()]
    assert ours[0] == with_expires(line)
    # With a domain, a cookie from before it was configured goes too.
    host_only = [with_expires(line).replace("; Domain=example.com", "")]
    assert ours[1:] == (host_only if "cookie_domain" in changes else [])


@pytest.mark.parametrize("changes", CONFIGS.values(), ids=CONFIGS)
def test_verifier_lines_are_those_of_the_kit(bridge: Bridge, changes: dict[str, Any]):
    writer, theirs = CookieWriter(our_config(**changes)), their_config(**changes)
    begun = bridge("beginSignIn", config=theirs)
    state = query_of(begun["url"])["state"]
    name = verifier_cookie_name(state)
    assert name == begun["cookieName"]
    assert [writer.verifier(name, state).line.decode()] == begun["setCookies"]
    (line,) = bridge("clearVerifier", config=theirs, state=state)
    assert writer.expire_verifier(name).line.decode() == with_expires(line)


def test_verifier_name_is_the_kits_for_any_text(bridge: Bridge):
    maker = SessionMaker("names")
    states = ["", "abc", *(maker.text(200) for _ in range(500))]
    states = [state.encode("utf-8", "replace").decode() for state in states]  # as URLs carry it
    assert [verifier_cookie_name(state) for state in states] == bridge("cookieNames", states=states)


def query_of(url: str) -> dict[str, str]:
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert all(len(values) == 1 for values in query.values())
    return {name: values[0] for name, values in query.items()}


PENDING: dict[str, dict[str, str]] = {
    "nothing": {},
    "path": {"return_to": "/dashboard?a=1#b"},
    "state": {"custom_state": "ключ 😀"},
    "both": {"return_to": "/", "custom_state": ""},
}


@pytest.mark.parametrize("given", PENDING.values(), ids=PENDING)
def test_pending_sign_in_has_the_kits_keys_in_its_order(bridge: Bridge, given: dict[str, str]):
    names = {"return_to": "returnPathname", "custom_state": "state"}
    options = {names[name]: value for name, value in given.items()}
    begun = bridge("beginSignIn", config=their_config(), options=options, now=NOW_MS)
    service = AuthKit(our_config(), clock=clock)
    ours = service.authorization_url(**given)
    texts = [plaintext(state, PASSWORD) for state in (query_of(begun["url"])["state"], ours.state)]
    random = re.compile(f'^{{"nonce":"{UUID}","codeVerifier":"{VERIFIER}"')
    assert all(random.match(text) for text in texts)
    assert random.sub("", texts[0]) == random.sub("", texts[1])
    assert texts[1].endswith(f',"issuedAt":{NOW_MS}}}')
    (line,) = begun["setCookies"]
    assert len(line) == len(ours.cookie.line)  # so the limits on it are met by the same sign-ins


@pytest.mark.parametrize("given", PENDING.values(), ids=PENDING)
def test_pending_sign_in_crosses_both_ways(bridge: Bridge, given: dict[str, str]):
    pending, state = begin_sign_in(
        PASSWORD,
        return_path=given.get("return_to"),
        custom_state=given.get("custom_state"),
        clock=clock,
    )
    (read,) = bridge("openStates", config=their_config(), states=[state], now=NOW_MS)
    assert read["pending"].pop("nonce")
    expected = {
        "codeVerifier": pending.code_verifier,
        "issuedAt": NOW_MS,
        "returnPathname": pending.return_path,
        "customState": pending.custom_state,
    }
    assert read["pending"] == {name: one for name, one in expected.items() if one is not None}
    content = {"nonce": "n", **read["pending"], "redirectUri": "https://app.example.com/other"}
    (theirs,) = bridge(
        "seal",
        kit="@workos/authkit-session",
        cases=[{"payload": content, "password": PASSWORD, "ttl": 600}],
        now=NOW_MS,
    )
    assert unseal_state(theirs, PASSWORD, clock=clock) == pending


def test_pending_sign_in_that_was_restarted_is_read_by_the_kit(bridge: Bridge):
    _, state = begin_sign_in(PASSWORD, restarted=True)
    (read,) = bridge("openStates", config=their_config(), states=[state])
    assert read["pending"].keys() == {"nonce", "codeVerifier", "issuedAt"}


@pytest.mark.parametrize("age", [-62, -61, -60, -1, 0, 599, 600, 601, 659, 660, 661, 10_000])
def test_pending_sign_in_ages_alike(bridge: Bridge, age: int):
    _, ours = begin_sign_in(PASSWORD, clock=clock)
    begun = bridge("beginSignIn", config=their_config(), now=NOW_MS)
    states = [ours, query_of(begun["url"])["state"]]
    now = NOW_MS + age * 1000
    there = bridge("openStates", config=their_config(), states=states, now=now)
    assert ["pending" in one for one in there] == [-60 <= age <= 600] * 2
    assert [is_open_here(state, now) for state in states] == [-60 <= age <= 600] * 2


def is_open_here(state: str, now_ms: int) -> bool:
    try:
        unseal_state(state, PASSWORD, clock=lambda: now_ms / 1000)
    except OAuthStateMismatchError:
        return False
    return True


@pytest.mark.parametrize("ttl", [0, 661, 86_400])
def test_pending_sign_in_whose_seal_lives_longer_opens_in_the_kit_only(bridge: Bridge, ttl: int):
    # The kit looks at issuedAt alone; here a seal that never expires, such as a session, must
    # not pass for a sign-in whatever is in it.
    content = {"nonce": "n", "codeVerifier": "v", "issuedAt": NOW_MS}
    state = seal(content, PASSWORD, ttl=ttl, clock=clock)
    (read,) = bridge("openStates", config=their_config(), states=[state], now=NOW_MS)
    assert read["pending"] == content
    assert not is_open_here(state, NOW_MS)


@pytest.mark.parametrize("content", [{}, [], {"nonce": "n"}, {"codeVerifier": 1, "issuedAt": 1}])
def test_seal_without_a_sign_in_is_none_in_either(bridge: Bridge, content: Any):
    state = seal(content, PASSWORD, ttl=600, clock=clock)
    (read,) = bridge("openStates", config=their_config(), states=[state], now=NOW_MS)
    assert "OAuth" in read["refused"] or "PKCE" in read["refused"]
    assert not is_open_here(state, NOW_MS)


@pytest.mark.parametrize(("size", "fits"), [(2048, True), (2049, False)])
def test_custom_state_has_the_kits_limit(bridge: Bridge, size: int, fits: bool):  # noqa: FBT001
    text = "é" * (size // 2) + "x" * (size % 2)
    there = bridge.attempt("beginSignIn", config=their_config(), options={"state": text})
    assert ("value" in there) is fits
    service = AuthKit(our_config())
    if fits:
        assert unseal_state(service.authorization_url(custom_state=text).state, PASSWORD)
    else:
        assert "PKCEPayloadTooLargeError" in there["error"]
        with pytest.raises(PKCEPayloadTooLargeError):
            service.authorization_url(custom_state=text)


def test_authorization_url_asks_for_what_the_kit_asks_for(bridge: Bridge):
    options = {
        "screen_hint": "sign-up",
        "organization_id": "org_1",
        "login_hint": "ada+1@example.com",
        "prompt": "login",
        "max_age": 300,
    }
    names = {
        "screen_hint": "screenHint",
        "organization_id": "organizationId",
        "login_hint": "loginHint",
        "prompt": "prompt",
        "max_age": "maxAge",
    }
    given = {names[name]: value for name, value in options.items()}
    begun = bridge("beginSignIn", config=their_config(), options=given, folder=NODE_10)
    ours = AuthKit(our_config()).authorization_url(**options).url
    assert ours.partition("?")[0] == begun["url"].partition("?")[0]
    queries = [query_of(ours), query_of(begun["url"])]
    for query in queries:
        assert re.fullmatch(VERIFIER, query.pop("code_challenge"))
        assert json.loads(plaintext(query.pop("state"), PASSWORD))
    assert queries[0] == queries[1]

"""Refreshing through the service: who is signed in afterwards, and which cookie is written."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from emulated import PASSWORD, START, sealed, service, settings
from joserfc.jwk import RSAKey

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.auth import SignedIn, SignedOutReason
from authkit_asgi.errors import GrantRejectedError, UnavailableError, WorkOSUnavailableError
from authkit_asgi.service import Loaded, session_organization
from authkit_asgi.session import Session, session_from_answer, unseal_session
from authkit_asgi.testing import HTML_PAGE, JSON_WITHOUT_TOKENS, TRUNCATED_JSON, WorkOSEmulator

pytestmark = pytest.mark.anyio

STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})


def expired(emulator: WorkOSEmulator, user: str = "user_ada", **more: Any) -> str:
    """Return the cookie of a session whose access token has expired."""
    return sealed(emulator.sign_in(user, lifetime=-100, **more))


def refreshes(emulator: WorkOSEmulator) -> int:
    return emulator.count("authenticate", grant_type="refresh_token")


def check_nobody(loaded: Loaded, reason: SignedOutReason) -> None:
    assert loaded.auth.user is None
    assert loaded.auth.reason is reason
    assert loaded.sealed is None  # the cookie is neither changed nor deleted
    assert loaded.session is not None


async def test_expired_session_is_exchanged_and_its_successor_written(authkit, emulator):
    impersonator = {"email": "eve@workos.com", "reason": "support"}
    emulator.configure(omit_method_on_refresh=True)
    cookie = expired(emulator, impersonator=impersonator)
    loaded = await authkit.load([cookie])
    assert isinstance(loaded.auth, SignedIn)
    assert loaded.auth.user.id == "user_ada"
    assert loaded.auth.expires_at == START + 300
    assert loaded.auth.authentication_method == "Impersonation"
    assert loaded.auth.impersonator.reason == "support"
    assert unseal_session(loaded.sealed, PASSWORD) == loaded.session
    assert loaded.session.refresh_token != unseal_session(cookie, PASSWORD).refresh_token
    again = await authkit.load([loaded.sealed])
    assert again.auth == loaded.auth
    assert again.sealed is None
    assert refreshes(emulator) == 1


async def test_fifty_requests_with_one_expired_cookie_make_one_exchange(authkit, emulator):
    cookie = expired(emulator)
    loaded = await asyncio.gather(*(authkit.load([cookie]) for _ in range(50)))
    assert {one.auth.user.id for one in loaded} == {"user_ada"}
    assert len({one.sealed for one in loaded}) == 1
    assert refreshes(emulator) == 1


async def test_users_who_refresh_at_once_are_not_mixed(authkit, emulator):
    users = ["user_ada", "user_bob"] * 10
    cookies = [expired(emulator, user) for user in users]
    loaded = await asyncio.gather(*(authkit.load([cookie]) for cookie in cookies))
    assert [one.auth.user.id for one in loaded] == users
    assert [unseal_session(one.sealed, PASSWORD).user_id for one in loaded] == users
    assert refreshes(emulator) == 20


async def test_old_cookie_of_a_late_request_gets_the_successor(authkit, emulator):
    cookie = expired(emulator)
    first = await authkit.load([cookie])
    late = await authkit.load([cookie])
    assert (late.auth, late.sealed) == (first.auth, first.sealed)
    assert refreshes(emulator) == 1


async def test_remembered_successor_that_has_expired_since_is_exchanged_itself(
    authkit, emulator, clock
):
    cookie = expired(emulator)
    first = await authkit.load([cookie])
    clock.now += 400
    late = await authkit.load([cookie])
    assert late.auth.user.id == "user_ada"
    assert late.auth.expires_at == START + 700
    assert late.session.refresh_token != first.session.refresh_token
    assert refreshes(emulator) == 2


@pytest.mark.parametrize("organization", ["org_acme", "org_globex"])
async def test_refresh_keeps_the_organization_of_an_expired_session(
    authkit, emulator, organization
):
    loaded = await authkit.load([expired(emulator, organization=organization)])
    assert loaded.auth.organization_id == organization


async def test_refresh_always_names_the_organization_of_the_session(emulator):
    asked: list[dict[str, Any]] = []

    async def note(request: httpx.Request) -> None:
        if request.method == "POST":
            asked.append(json.loads(request.content))

    def factory() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(emulator.app)
        return httpx.AsyncClient(transport=transport, event_hooks={"request": [note]})

    authkit = AuthKit(
        AuthKitConfig(**settings()), http_client_factory=factory, clock=emulator._state.clock
    )
    await authkit.load([expired(emulator, organization="org_globex")])
    await authkit.load([expired(emulator, "user_bob")])
    assert asked[0]["organization_id"] == "org_globex"
    assert "organization_id" not in asked[1]


async def test_switch_changes_the_organization_and_the_session_stays_there(authkit, emulator):
    session = session_from_answer(emulator.sign_in("user_ada"))
    switched = await authkit.refresh(session, "org_globex")
    assert (switched.auth.organization_id, switched.auth.role) == ("org_globex", "member")
    assert session_organization(switched.session) == "org_globex"
    usual = await authkit.refresh(switched.session)
    assert usual.auth.organization_id == "org_globex"


async def test_refused_switch_leaves_the_session_usable(authkit, emulator):
    emulator.add_organization("Strict", sso_required=True, organization_id="org_strict")
    emulator.add_membership("user_ada", "org_strict")
    session = session_from_answer(emulator.sign_in("user_ada"))
    with pytest.raises(GrantRejectedError) as caught:
        await authkit.refresh(session, "org_strict")
    assert caught.value.reason == "sso_required"
    assert (await authkit.refresh(session)).auth.organization_id == "org_acme"


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ({"status": 500}, 5),
        ({"status": 503, "headers": {"Retry-After": "7"}}, 7),
        ({"status": 429, "headers": {"Retry-After": "60"}}, 10),
        ({"status": 408}, 5),
        ({"status": 502, "body": HTML_PAGE}, 5),
        ({"status": 200, "body": HTML_PAGE}, 5),
        ({"status": 200, "body": TRUNCATED_JSON}, 5),
        ({"status": 200, "body": JSON_WITHOUT_TOKENS}, 5),
        ({"status": 200, "body": "[]"}, 5),
        ({"status": 401, "body": {"error": "invalid_client"}}, 5),
        ({"status": 403, "body": HTML_PAGE}, 5),
        ({"status": 400, "body": HTML_PAGE}, 5),
        ({"hang": True, "times": 2}, 5),
    ],
)
async def test_outage_keeps_the_cookie_and_heals(emulator, fault, retry_after):
    authkit = service(emulator, api_timeout=0.5)
    cookie = expired(emulator)
    emulator.fail("authenticate", **fault)
    loaded = await authkit.load([cookie])
    check_nobody(loaded, SignedOutReason.TEMPORARILY_UNAVAILABLE)
    assert loaded.auth.retry_after == retry_after
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"


async def test_token_that_is_still_valid_goes_on_serving_while_workos_is_down(authkit, emulator):
    cookie = sealed(emulator.sign_in("user_ada"))
    emulator.fail("authenticate", times=None, status=503)
    loaded = await authkit.load([cookie])
    assert loaded.auth.user.id == "user_ada"
    assert loaded.sealed is None


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [
        ("invalid_grant", 400, SignedOutReason.REFRESH_DENIED),
        ("something_new", 400, SignedOutReason.REFRESH_DENIED),
        ("sso_required", 403, SignedOutReason.SSO_REQUIRED),
        ("mfa_enrollment", 403, SignedOutReason.MFA_ENROLLMENT),
        ("mfa_challenge", 403, SignedOutReason.MFA_CHALLENGE),
        ("email_verification_required", 403, SignedOutReason.EMAIL_VERIFICATION_REQUIRED),
        ("organization_selection_required", 403, SignedOutReason.ORGANIZATION_SELECTION_REQUIRED),
        ("temporarily_unavailable", 400, SignedOutReason.REFRESH_DENIED),
        ("not_evaluated", 400, SignedOutReason.REFRESH_DENIED),
    ],
)
@pytest.mark.parametrize("name", ["error", "code"])
async def test_verdict_on_the_user_becomes_the_reason_and_is_remembered(
    emulator, word, status, reason, name
):
    authkit, cookie = service(emulator), expired(emulator)
    emulator.fail("authenticate", status=status, body={name: word})
    for _ in range(20):
        check_nobody(await authkit.load([cookie]), reason)
    assert refreshes(emulator) == 1


async def test_spent_refresh_token_is_denied(authkit, emulator):
    cookie = expired(emulator)
    await service(emulator).load([cookie])  # another worker was first
    check_nobody(await authkit.load([cookie]), SignedOutReason.REFRESH_DENIED)


def foreign_answers(emulator: WorkOSEmulator) -> dict[str, dict[str, Any]]:
    ada, bob = emulator.sign_in("user_ada"), emulator.sign_in("user_bob")
    forged = {"sub": "user_ada", "sid": "s", "exp": int(START) + 300}
    header = {"kid": emulator.jwks["keys"][0]["kid"]}
    return {
        "another user": bob,
        "another user's token": {**ada, "access_token": bob["access_token"]},
        "another user's name on it": {**ada, "user": bob["user"]},
        "unverifiable token": {
            **ada, "access_token": emulator.mint_access_token(forged, key=STRANGER, header=header),
        },
        "no token": {**ada, "access_token": None},
        "no refresh token": {**ada, "refresh_token": ""},
        "no user": {**ada, "user": None},
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["another user", "another user's token", "another user's name on it", "unverifiable token",
     "no token", "no refresh token", "no user"],
)  # fmt: skip
async def test_answer_that_is_not_to_be_trusted_signs_nobody_in(authkit, emulator, name, caplog):
    caplog.set_level(logging.DEBUG)
    cookie = expired(emulator)
    answer = foreign_answers(emulator)[name]
    emulator.fail("authenticate", status=200, body=answer)
    check_nobody(await authkit.load([cookie]), SignedOutReason.TEMPORARILY_UNAVAILABLE)
    emulator.fail("authenticate", status=200, body=answer)
    with pytest.raises(UnavailableError) as caught:
        await authkit.refresh(unseal_session(cookie, PASSWORD))
    for secret in (answer["access_token"], answer["refresh_token"]):
        assert not secret or secret not in str(caught.value) + caplog.text
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"  # the old state stayed


async def test_successor_is_written_while_the_keys_are_out_of_reach(authkit, emulator, clock):
    cookie = expired(emulator)
    assert (await authkit.load([sealed(emulator.sign_in("user_bob"))])).auth.user is not None
    emulator.rotate_keys()  # the new token is signed with a key that nobody has fetched yet
    clock.now += 31
    emulator.fail("jwks", times=None, status=500)
    loaded = await authkit.load([cookie])
    assert loaded.auth.user is None
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert unseal_session(loaded.sealed, PASSWORD).user_id == "user_ada"
    emulator.clear_faults()
    clock.now += 2
    assert (await authkit.load([loaded.sealed])).auth.user.id == "user_ada"
    assert refreshes(emulator) == 1


async def test_session_without_refresh_token_cannot_be_refreshed(authkit, emulator):
    session = Session(
        access_token="a", refresh_token=None, user_json={"id": "user_ada", "email": "a@b"}
    )
    with pytest.raises(GrantRejectedError) as caught:
        await authkit.refresh(session)
    assert caught.value.reason == "no_refresh_token"
    assert emulator.count() == 0


async def test_whole_refresh_has_a_deadline_and_aclose_waits_for_what_goes_on(emulator):
    authkit = service(emulator, refresh_timeout=0.05, api_timeout=0.2)
    await authkit.open()
    emulator.fail("authenticate", hang=True)
    with pytest.raises(WorkOSUnavailableError, match="The refresh did not end in time"):
        await authkit.refresh(session_from_answer(emulator.sign_in("user_ada")))
    await authkit.aclose()
    emulator.clear_faults()


def test_each_request_in_a_loop_of_its_own_leaves_nothing_behind(emulator):
    authkit = service(emulator)

    async def request(cookie: str) -> Loaded:
        loaded = await authkit.load([cookie])
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return loaded

    cookie = expired(emulator)
    for _ in range(3):
        emulator._state.clock.now += 400  # type: ignore[attr-defined]
        loaded = asyncio.run(request(cookie))
        assert loaded.auth.user.id == "user_ada"
        cookie = loaded.sealed
    assert refreshes(emulator) == 3

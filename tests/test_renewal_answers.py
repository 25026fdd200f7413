"""Renewing a session: what is made of WorkOS's answer, and of one that is remembered."""

from __future__ import annotations

import logging

import pytest
from emulated import PASSWORD, http_clients, sealed, service, settings
from joserfc.jwk import RSAKey
from renewing import Sent, expired

from authkit_asgi import AuthKit, AuthKitConfig
from authkit_asgi.auth import SignedOutReason
from authkit_asgi.errors import GrantRejectedError, UnavailableError, WorkOSUnavailableError
from authkit_asgi.outcomes import Outcome, refresh_key
from authkit_asgi.refresh import Exchange, InProcessRefreshCoordinator, Landing
from authkit_asgi.session import Session, session_from_answer, session_id
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})


@pytest.fixture
def sent(emulator: WorkOSEmulator) -> Sent:
    return Sent(emulator)


def forged(emulator: WorkOSEmulator) -> str:
    claims = {"sub": "user_ada", "sid": "session_1", "exp": int(emulator._state.clock()) + 300}
    header = {"kid": emulator.jwks["keys"][0]["kid"]}
    return emulator.mint_access_token(claims, key=STRANGER, header=header)


@pytest.mark.parametrize("token_of", [forged, lambda _: "no token"], ids=["forged", "none"])
async def test_spent_token_is_remembered_though_its_successor_does_not_verify(
    sent, emulator, token_of
):
    """The next request exchanges the successor's own refresh token."""
    session = expired(emulator)
    answer = {**emulator.sign_in("user_ada"), "access_token": token_of(emulator)}
    emulator.fail("authenticate", status=200, body=answer)
    with pytest.raises(
        UnavailableError, match=r"^WorkOS's answer cannot be used: The access token"
    ):
        await sent.authkit.refresh(session, "org_acme")
    assert (await sent.authkit.refresh(session, "org_acme")).auth.user.id == "user_ada"
    assert sent.tokens == [session.refresh_token, answer["refresh_token"]]


async def test_successor_whose_claims_do_not_fit_is_an_outage_that_asks_nobody(sent, emulator):
    session = expired(emulator)
    odd = emulator.mint_access_token({"sub": "user_ada", "exp": 4_000_000_000})  # no sid
    emulator.fail(
        "authenticate",
        status=200,
        body={**emulator.sign_in("user_ada"), "access_token": odd},
    )
    for _ in range(20):
        with pytest.raises(
            UnavailableError, match=r"^WorkOS's answer cannot be used: The access token lacks"
        ):
            await sent.authkit.refresh(session)
    assert sent.tokens == [session.refresh_token]


async def test_answer_that_is_no_session_is_an_outage_that_says_what_is_missing(sent, emulator):
    emulator.fail("authenticate", status=200, body={})
    missing = "WorkOS's answer has no access token"
    with pytest.raises(
        WorkOSUnavailableError, match=f"^WorkOS's answer cannot be used: {missing}$"
    ):
        await sent.authkit.refresh(expired(emulator))


async def test_successor_of_another_user_is_not_remembered(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", status=200, body=emulator.sign_in("user_bob"))
    with pytest.raises(UnavailableError, match="another user"):
        await sent.authkit.refresh(session)
    assert [*sent.authkit.coordinator.recall(refresh_key(session.refresh_token))] == []
    assert (await sent.authkit.refresh(session)).auth.user.id == "user_ada"


async def test_answers_that_are_of_no_use_for_one_user_keep_nobody_else_waiting(sent, emulator):
    session = expired(emulator)
    emulator.fail("authenticate", status=200, body=emulator.sign_in("user_bob"), times=6)
    for _ in range(6):
        with pytest.raises(UnavailableError, match="another user"):
            await sent.authkit.refresh(session)
    assert (await sent.authkit.refresh(expired(emulator))).auth.user.id == "user_ada"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("another user's", "WorkOS answered with another user's session"),
        ("rubbish", "The cookie is not a seal of this application"),
        ("nothing", "The cookie is not a seal of this application"),
    ],
)
async def test_remembered_outcome_that_is_not_this_users_session_is_not_used(
    sent, emulator, kind, why
):
    """As a store could hand it over that somebody has written to."""
    session = expired(emulator)
    texts = {"another user's": sealed(emulator.sign_in("user_bob")), "rubbish": "x", "nothing": ""}
    outcome = Outcome(
        organization_id="org_acme",
        session_id="session_1",
        at=emulator._state.clock(),
        sealed=texts[kind],
    )
    sent.authkit.coordinator.remember(refresh_key(session.refresh_token), outcome)
    with pytest.raises(UnavailableError, match=f"^WorkOS's answer cannot be used: {why}$"):
        await sent.authkit.refresh(session)
    loaded = await sent.authkit.load([sealed_again(session)])
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert loaded.sealed is None
    assert sent.tokens == []


async def test_successor_of_another_worker_in_the_place_of_ones_own_is_read_from_its_seal(
    emulator, clock
):
    theirs = emulator.sign_in("user_ada")
    outcome = Outcome(
        organization_id="org_acme", session_id="session_1", at=clock(), sealed=sealed(theirs)
    )

    class Late(InProcessRefreshCoordinator):
        """One that has lost its lock meanwhile."""

        async def run(self, key: str, exchange: Exchange) -> Landing:  # noqa: ARG002
            assert (await exchange.perform()).sealed != outcome.sealed
            return Landing(outcome, await exchange.accept(outcome))

    authkit = AuthKit(
        AuthKitConfig(**settings()),
        http_client_factory=http_clients(emulator),
        coordinator=Late(timeout=10, clock=clock),
        clock=clock,
    )
    successor = await authkit.refresh(expired(emulator), "org_acme")
    assert successor.sealed == outcome.sealed
    assert successor.session.refresh_token == theirs["refresh_token"]


def sealed_again(session: Session) -> str:
    return sealed(
        {
            "access_token": session.access_token,
            "refresh_token": session.refresh_token,
            "user": session.user_json,
        },
        PASSWORD,
    )


async def test_remembered_successor_waits_for_keys_that_are_out_of_reach(emulator, clock):
    first = service(emulator)
    session = expired(emulator)
    successor = await first.refresh(session)
    restarted = service(emulator)
    (outcome,) = first.coordinator.recall(refresh_key(session.refresh_token))
    assert outcome.session_id == session_id(session) == successor.auth.session_id
    restarted.coordinator.remember(refresh_key(session.refresh_token), outcome)
    emulator.fail("jwks", times=1, status=500)
    waiting = await restarted.refresh(session)
    assert waiting.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    assert waiting.auth.retry_after == 2
    assert waiting.sealed == successor.sealed
    clock.now += 2
    assert (await restarted.refresh(session)).auth == successor.auth
    assert emulator.count("authenticate") == 1


async def test_each_event_is_one_line_with_ids_and_no_secret(sent, emulator, caplog):
    caplog.set_level(logging.DEBUG, "authkit_asgi")
    answer = emulator.sign_in("user_ada", lifetime=-100)
    session = session_from_answer(answer)
    emulator.fail("authenticate", status=503)
    with pytest.raises(UnavailableError):
        await sent.authkit.refresh(session)
    successor = await sent.authkit.refresh(session)
    with pytest.raises(GrantRejectedError) as caught:
        await sent.authkit.refresh(successor.session, "org_nowhere")
    who = f"refresh of session {successor.auth.session_id!r} of user 'user_ada'"
    assert caplog.messages == [
        f"Unavailable: {who} (workos_unavailable): WorkOS answered with status 503",
        f"Refreshed session {successor.auth.session_id!r} of user 'user_ada'",
        f"Denied: {who} ({caught.value.reason})",
    ]
    for one in (session, successor.session):
        assert one.refresh_token not in caplog.text
        assert one.access_token not in caplog.text

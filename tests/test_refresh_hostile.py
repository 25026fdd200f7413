"""Refreshing under answers of any kind and in any order of requests."""

from __future__ import annotations

import asyncio
import contextlib
import json

import pytest
from emulated import PASSWORD, sealed, service
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from authkit_asgi.auth import SignedOutReason
from authkit_asgi.errors import UnavailableError
from authkit_asgi.service import Loaded
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio
# Half the usual number of examples: each is a site with an emulator.
with_fixtures = hypothesis_settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda items: st.lists(items, max_size=4) | st.dictionaries(st.text(), items, max_size=4),
    max_leaves=8,
)
WORDS = st.sampled_from(["invalid_grant", "sso_required", "invalid_client", "unauthorized_client",
                         "Invalid_Grant", "invalid grant", "invalid_grant\n", "",
                         "x" * 65])  # fmt: skip
ERRORS = st.dictionaries(st.sampled_from(["error", "code", "message", "errors"]), WORDS | JSON)
BODIES = st.binary() | st.one_of(JSON, ERRORS).map(json.dumps)
# Without 429, which is waited out for as long as its header says.
STATUSES = st.sampled_from([200, 201, 202, 204, 206, 300, 302, 304, 307, 400, 401, 403, 404, 405,
                            408, 409, 410, 418, 422, 425, 428, 451, 500, 501, 502, 503, 504,
                            511, 520, 529, 599])  # fmt: skip
HEADER = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
RETRY_AFTER = HEADER | st.integers().map(str) | st.sampled_from(
    ["\xb2", "1e9", "0x10", "Fri, 31 Dec 2027 23:59:59 GMT", "5, 9", "+5", " 5", "9" * 400]
)  # fmt: skip
VERDICTS = frozenset(range(400, 500)) - {408, 425, 429}


def check_nobody(loaded: Loaded) -> None:
    assert loaded.auth.user is None
    assert loaded.sealed is None  # the cookie stays as it is
    assert loaded.session is not None


@with_fixtures
@given(STATUSES, BODIES, RETRY_AFTER)
async def test_no_answer_but_a_session_signs_in_and_only_verdicts_end_one(
    emulator, status, body, retry_after
):
    authkit = service(emulator)
    emulator.clear_faults()
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    emulator.fail("authenticate", status=status, body=body, headers={"Retry-After": retry_after})
    loaded = await authkit.load([cookie])
    check_nobody(loaded)
    if loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE:
        assert 1 <= loaded.auth.retry_after <= 10
        assert (await authkit.load([cookie])).auth.user.id == "user_ada"
    else:
        assert status in VERDICTS
        error = json.loads(body)
        words = {error.get("error"), error.get("code")}
        assert words & {"invalid_grant", "sso_required"} or status not in {401, 403}
        assert not words <= {None, "", "invalid_grant\n", "invalid_client"}


FIELDS = ["access_token", "refresh_token", "user", "organization_id", "impersonator",
          "authentication_method", "oauth_tokens", "unknown"]  # fmt: skip
USER_FIELDS = ["id", "email", "metadata", "first_name", "object", "unknown"]


@with_fixtures
@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=2),
    st.dictionaries(st.sampled_from(USER_FIELDS), JSON, max_size=2),
)
async def test_answer_that_is_a_session_but_for_some_fields_is_this_users_or_nobodys(
    emulator, changes, user_changes
):
    authkit = service(emulator)
    emulator.clear_faults()
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    answer = emulator.sign_in("user_ada")
    answer = {**answer, "user": {**answer["user"], **user_changes}, **changes}
    emulator.fail("authenticate", status=200, body=answer)
    loaded = await authkit.load([cookie])
    if loaded.auth.user is None:
        check_nobody(loaded)
        assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
        assert (await authkit.load([cookie])).auth.user.id == "user_ada"
    else:
        assert loaded.auth.user.id == loaded.auth.claims.sub == "user_ada"
        assert unseal_session(loaded.sealed, PASSWORD) == loaded.session
        assert (await authkit.load([loaded.sealed])).auth == loaded.auth


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["user_ada", "user_bob"]),
        st.sampled_from([None, "org_acme", "org_globex"]),  # a request, or a switch beside it
        st.integers(0, 6),  # turns of the loop before it comes
        st.none() | st.integers(0, 12),  # turns until its client hangs up
    ),
    min_size=1,
    max_size=10,
)


@pytest.fixture
def shared_emulator(emulator: WorkOSEmulator) -> WorkOSEmulator:
    """With Bob in Ada's organizations."""
    for organization in ("org_acme", "org_globex"):
        emulator.add_membership("user_bob", organization)
    return emulator


@with_fixtures
@given(STEPS)
async def test_in_any_order_no_token_is_sent_twice_and_no_session_crosses(shared_emulator, steps):
    """The emulator is strict: a refresh token that comes twice is refused."""
    emulator = shared_emulator
    authkit = service(emulator)
    cookies = {
        user: sealed(emulator.sign_in(user, organization="org_acme", lifetime=-100))
        for user in ("user_ada", "user_bob")
    }
    refused, before = emulator.count("authenticate", status=400), asyncio.all_tasks()

    async def one(user: str, organization: str | None, turns: int, leaves: int | None) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        task = asyncio.create_task(answered(user, organization))
        if leaves is not None:
            for _ in range(leaves):
                await asyncio.sleep(0)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            auth = await task
            assert auth.user.id == auth.claims.sub == user
            assert auth.organization_id == (organization or "org_acme")

    async def answered(user: str, organization: str | None):
        if organization is None:
            return (await authkit.load([cookies[user]])).auth
        return (await authkit.refresh(unseal_session(cookies[user], PASSWORD), organization)).auth

    await asyncio.gather(*(one(*step) for step in steps))
    await authkit.aclose()
    assert emulator.count("authenticate", status=400) == refused
    assert asyncio.all_tasks() == before


@with_fixtures
@given(st.lists(st.sampled_from([500, 503, 425, 408, "lost", "refused", "fine"]), max_size=6))
async def test_whatever_order_faults_come_in_the_last_good_cookie_works(emulator, faults):
    authkit = service(emulator)
    emulator.clear_faults()
    cookie = sealed(emulator.sign_in("user_ada", lifetime=-100))
    for fault in faults:
        order = {"lost": {"reset": "before"}, "refused": {"status": 401}}.get(fault)
        if fault != "fine":
            emulator.fail("authenticate", **(order or {"status": fault}))
        if unseal_session(cookie, PASSWORD).refresh_token:
            with contextlib.suppress(UnavailableError):
                cookie = (await authkit.refresh(unseal_session(cookie, PASSWORD))).sealed
        emulator.clear_faults()
        emulator._state.clock.now += 5  # longer than the pause after five failures in a row
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"

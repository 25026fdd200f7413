"""Loading a session: whose it is, and with everything that can be wrong with it nobody's."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, START, sealed, service
from joserfc.jwk import RSAKey

from authkit_asgi.auth import SignedIn, SignedOutReason
from authkit_asgi.pkce import begin_sign_in
from authkit_asgi.seal import seal
from authkit_asgi.service import AuthKit, Loaded
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

STRANGER = RSAKey.generate_key(2048, {"kid": "stranger"})


def answer_of(emulator: WorkOSEmulator, user: str = "user_ada", **claims: Any) -> dict[str, Any]:
    """Return an answer of `authenticate` whose token has other claims; None leaves one out."""
    answer = emulator.sign_in(user)
    merged = {
        "sub": user, "sid": "session_1", "iat": int(START), "exp": int(START) + 300, **claims,
    }  # fmt: skip
    kept = {name: value for name, value in merged.items() if value is not None}
    return {**answer, "access_token": emulator.mint_access_token(kept)}


def check_nobody(loaded: Loaded, reason: SignedOutReason) -> None:
    assert loaded.auth.user is None
    assert loaded.auth.reason is reason
    assert loaded.sealed is None  # the cookie is neither changed nor deleted


async def test_good_session_signs_its_user_in_without_any_cookie(authkit, emulator):
    answer = emulator.sign_in("user_ada", impersonator={"email": "eve@workos.com"})
    loaded = await authkit.load([sealed(answer)])
    auth = loaded.auth
    assert isinstance(auth, SignedIn)
    assert (auth.user.id, auth.user.first_name) == ("user_ada", "Ada")
    assert (auth.organization_id, auth.role) == ("org_acme", "admin")
    assert auth.permissions == ("data:export",)
    assert auth.access_token == answer["access_token"]
    assert auth.impersonator.email == "eve@workos.com"
    assert auth.authentication_method == "Impersonation"
    assert auth.expires_at == START + 300
    assert loaded.sealed is None
    assert not loaded.conflicting
    assert emulator.count("authenticate") == 0


async def test_no_cookie_is_nobody_and_asks_nobody(authkit, emulator):
    check_nobody(await authkit.load([]), SignedOutReason.NO_SESSION_COOKIE_PROVIDED)
    assert emulator.count() == 0


def rubbish(emulator: WorkOSEmulator) -> dict[str, str]:
    good = sealed(emulator.sign_in("user_ada"))
    return {
        "empty": "",
        "garbage": "garbage",
        "non-ASCII": "é" * 50,
        "lone surrogate": "\ud800",
        "truncated": good[:-30],
        "without suffix octet": good[:-4],
        "extended": good + "x",
        "changed": good.replace("*", "x", 1),
        "changed ciphertext": good[:200] + ("A" if good[200] != "A" else "B") + good[201:],
        "over-long": "x" * 20_000,
        "over-long seal": good + "~" * 20_000,
        "huge": "x" * 1_000_000,
        "fernet": "gAAAAA" + "x" * 100,
        "foreign password": sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD),
        "number": seal(7, PASSWORD),
        "list": seal([], PASSWORD),
        "null": seal(None, PASSWORD),
        "empty object": seal({}, PASSWORD),
        "OAuth state": begin_sign_in(PASSWORD)[1],
        "expired seal": seal({"accessToken": "a"}, PASSWORD, ttl=1, clock=lambda: START - 1000),
        "no token": seal({"user": {"id": "user_ada", "email": "a@b"}}, PASSWORD),
        "no user": seal({"accessToken": "a", "refreshToken": "r"}, PASSWORD),
    }


async def test_rubbish_is_nobody_and_asks_nobody(authkit, emulator):
    for name, value in rubbish(emulator).items():
        loaded = await authkit.load([value])
        check_nobody(loaded, SignedOutReason.INVALID_SESSION_COOKIE)
        assert loaded.session is None, name
        assert not loaded.conflicting, name
    assert emulator.count() == 0


async def test_rubbish_beside_a_good_session_does_no_harm(authkit, emulator):
    good = sealed(emulator.sign_in("user_ada"))
    values = list(rubbish(emulator).values())
    for order in ([*values, good], [good, *values]):
        assert (await authkit.load(order)).auth.user.id == "user_ada"


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (lambda _: "rubbish", SignedOutReason.INVALID_JWT),
        (lambda _: "a.b.c", SignedOutReason.INVALID_JWT),
        (lambda _: "\ud800", SignedOutReason.INVALID_JWT),
        (lambda emulator: answer_of(emulator)["access_token"][:-4], SignedOutReason.INVALID_JWT),
        (lambda emulator: emulator.mint_access_token(
            {"sub": "user_ada", "sid": "s", "exp": int(START) + 300}, key=STRANGER),
         SignedOutReason.INVALID_JWT),
        (lambda emulator: emulator.mint_access_token(
            {"sub": "user_ada", "sid": "s", "exp": int(START) + 300}, header={"alg": "none"}),
         SignedOutReason.INVALID_JWT),
        (lambda emulator: answer_of(emulator, exp=int(START) - 11)["access_token"],
         SignedOutReason.SESSION_EXPIRED),
    ],
)  # fmt: skip
async def test_token_that_does_not_verify_is_nobodys(authkit, emulator, token, reason):
    answer = emulator.sign_in("user_ada")
    payload = {
        "accessToken": token(emulator),
        "user": {"id": "user_ada", "email": "ada@example.com"},
    }
    check_nobody(await authkit.load([seal(payload, PASSWORD)]), reason)
    with_refresh_token = seal({**payload, "refreshToken": answer["refresh_token"]}, PASSWORD)
    check_nobody(await authkit.load([with_refresh_token], may_refresh=False), reason)
    assert emulator.count("authenticate") == 0
    loaded = await authkit.load([with_refresh_token])
    assert loaded.auth.user.id == "user_ada"
    assert emulator.count("authenticate", grant_type="refresh_token") == 1


@pytest.mark.parametrize(
    "claims",
    [{"sid": None}, {"sub": 7}, {"exp": None}, {"client_id": "client_other"},
     {"nbf": int(START) + 60}, {"iss": 7}],
)  # fmt: skip
async def test_authentic_token_with_unfit_claims_is_nobodys_and_never_exchanged(
    authkit, emulator, claims
):
    """Its successor would be no better, and the refresh token be spent for nothing."""
    cookie = sealed(answer_of(emulator, **claims))
    check_nobody(await authkit.load([cookie]), SignedOutReason.INVALID_JWT)
    assert emulator.count("authenticate") == 0


async def test_expiry_has_the_configured_leeway(emulator, clock):
    authkit = service(emulator, jwt_leeway=30)
    cookie = sealed(answer_of(emulator))
    clock.now = START + 329
    assert (await authkit.load([cookie], may_refresh=False)).auth.user is not None
    clock.now = START + 330
    check_nobody(await authkit.load([cookie], may_refresh=False), SignedOutReason.SESSION_EXPIRED)


async def test_issuer_is_compared_when_one_is_configured(emulator):
    cookie = sealed(emulator.sign_in("user_ada"))
    theirs = service(emulator, issuers=["https://other.example"])
    check_nobody(await theirs.load([cookie], may_refresh=False), SignedOutReason.INVALID_JWT)
    ours = service(emulator, issuers=["https://other.example", emulator.issuer])
    assert (await ours.load([cookie], may_refresh=False)).auth.user.id == "user_ada"


async def test_token_of_another_user_than_the_sealed_one_is_nobodys(authkit, emulator):
    mixed = {**emulator.sign_in("user_ada"), "user": emulator.sign_in("user_bob")["user"]}
    check_nobody(await authkit.load([sealed(mixed)]), SignedOutReason.INVALID_SESSION_COOKIE)
    assert emulator.count("authenticate") == 0


async def test_session_under_an_old_password_is_read_and_under_a_dropped_one_not(emulator):
    cookie = sealed(emulator.sign_in("user_ada"), OTHER_PASSWORD)
    rotating = service(emulator, cookie_password=[PASSWORD, OTHER_PASSWORD])
    assert (await rotating.load([cookie])).auth.user.id == "user_ada"
    check_nobody(await service(emulator).load([cookie]), SignedOutReason.INVALID_SESSION_COOKIE)


async def newest(authkit: AuthKit, emulator: WorkOSEmulator, *issued: Any) -> str:
    """Return the `sid` that wins among cookies of one user issued at these times."""
    cookies = [
        sealed(answer_of(emulator, sid=f"session_{number}", iat=iat))
        for number, iat in enumerate(issued)
    ]
    loaded = await authkit.load(cookies, may_refresh=False)
    assert not loaded.conflicting
    assert loaded.session == unseal_session(cookies[int(loaded.auth.session_id[8:])], PASSWORD)
    return loaded.auth.session_id


@pytest.mark.parametrize(
    ("issued", "winner"),
    [
        ((100, 200), "session_1"),
        ((200, 100), "session_0"),
        ((100, 300, 200), "session_1"),
        ((100, 100), "session_1"),
        ((None, 100), "session_1"),
        ((100, None), "session_0"),
        ((None, None), "session_1"),
        ((100.5, 100), "session_0"),
        ((1, 2, 3, 4), "session_3"),
    ],
)
async def test_of_duplicates_of_one_user_the_newest_token_wins(authkit, emulator, issued, winner):
    assert await newest(authkit, emulator, *issued) == winner


async def test_duplicate_whose_time_no_float_can_hold_raises_nothing(authkit, emulator):
    odd = sealed(answer_of(emulator, iat=10**400))
    good = sealed(answer_of(emulator))
    check_nobody(await authkit.load([good, odd], may_refresh=False), SignedOutReason.INVALID_JWT)


async def test_newest_of_duplicates_wins_whether_or_not_it_is_good(authkit, emulator):
    """Nothing is mixed: identity and tokens come from one cookie."""
    old = sealed(answer_of(emulator, iat=100))
    new = sealed(answer_of(emulator, iat=200, exp=int(START) - 100))
    check_nobody(await authkit.load([old, new], may_refresh=False), SignedOutReason.SESSION_EXPIRED)


async def test_duplicates_of_different_users_are_nobodys_and_conflict(authkit, emulator):
    ada, bob = sealed(emulator.sign_in("user_ada")), sealed(emulator.sign_in("user_bob"))
    for values in ([ada, bob], [bob, ada], [ada, ada, bob], [ada, "garbage", bob]):
        loaded = await authkit.load(values)
        check_nobody(loaded, SignedOutReason.INVALID_SESSION_COOKIE)
        assert loaded.conflicting
        assert loaded.session is None
    assert emulator.count() == 0


async def test_more_duplicates_than_are_compared_are_nobodys(authkit, emulator):
    """Somebody else may have put them before the browser's own."""
    ada, bob = sealed(emulator.sign_in("user_ada")), sealed(emulator.sign_in("user_bob"))
    for values in ([ada] * 5, [bob] * 4 + [ada]):
        loaded = await authkit.load(values)
        check_nobody(loaded, SignedOutReason.INVALID_SESSION_COOKIE)
        assert loaded.conflicting


async def test_keys_out_of_reach_is_an_outage_that_heals(authkit, emulator, clock):
    cookie = sealed(emulator.sign_in("user_ada"))
    emulator.fail("jwks", status=500)
    loaded = await authkit.load([cookie])
    check_nobody(loaded, SignedOutReason.TEMPORARILY_UNAVAILABLE)
    assert loaded.auth.retry_after == 2
    assert loaded.session.user_id == "user_ada"
    clock.now += 2
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"


async def test_sign_ins_in_excess_are_named_by_the_clock_of_the_service(authkit, clock):
    begun = []
    for _ in range(6):
        begun.append(authkit.authorization_url().cookie)
        clock.now += 1
    cookies = {one.name: one.line.decode().split("=", 1)[1].split(";")[0] for one in begun}
    assert authkit.surplus_verifiers(cookies) == [begun[0].name, begun[1].name]
    clock.now = START + 602.5  # the first three are dead now
    assert set(authkit.surplus_verifiers(cookies)) == {one.name for one in begun[:3]}


async def test_own_routes_do_not_wait_for_keys_that_hang(authkit, emulator, monkeypatch):
    monkeypatch.setattr("authkit_asgi.loading._KEYS_SECONDS", 0.01)
    emulator.fail("jwks", hang=True)
    loaded = await authkit.load([sealed(emulator.sign_in("user_ada"))], may_refresh=False)
    check_nobody(loaded, SignedOutReason.TEMPORARILY_UNAVAILABLE)
    assert loaded.auth.retry_after == 1
    await authkit.aclose()


async def test_loaded_shows_no_token(authkit, emulator):
    answer = emulator.sign_in("user_ada", lifetime=-100)
    loaded = await authkit.load([sealed(answer)])
    assert loaded.sealed is not None
    tokens = (answer["access_token"], answer["refresh_token"], loaded.session.access_token)
    for secret in (*tokens, loaded.session.refresh_token, loaded.sealed):
        assert secret not in repr(loaded)

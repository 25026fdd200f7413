"""What goes into the session cookie: the chosen fields, and what the application makes of them."""

from __future__ import annotations

import json
import logging
import math
from typing import Any

import anyio
import pytest
from emulated import OTHER_PASSWORD, PASSWORD, settings, shown
from test_session import ANSWER, KIT_USER

from authkit_asgi import AuthKitConfig, session_contents
from authkit_asgi.auth import Impersonator, SignedIn, SignedOut, SignedOutReason
from authkit_asgi.errors import SessionTooLargeError
from authkit_asgi.seal import unseal
from authkit_asgi.session import seal_session, session_content, session_from_answer, unseal_session
from authkit_asgi.session_contents import SessionContents, SessionTransform

pytestmark = pytest.mark.anyio

SESSION = session_from_answer(ANSWER)
SEALED = seal_session(SESSION, PASSWORD)
WHOLE = json.loads(json.dumps(session_content(SESSION)))


def contents(transform: SessionTransform | None = None, **changes: Any) -> SessionContents:
    return SessionContents(AuthKitConfig(**settings(**changes)), transform)


def opened(sealed: str) -> dict[str, Any]:
    return unseal(sealed, PASSWORD)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ((), ["id", "email"]),
        (("id", "external_id", "email"), ["id", "email", "externalId"]),
        ("first_name", ["id", "email", "firstName"]),
        (["metadata", "email_verified"], ["id", "email", "emailVerified", "metadata"]),
    ],
)
async def test_chosen_fields_are_kept_in_the_order_of_the_kits(fields, kept):
    sealed = await contents(session_user_fields=fields).seal(SESSION, SEALED)
    expected = {**WHOLE, "user": {name: KIT_USER[name] for name in kept}}
    assert json.dumps(opened(sealed.sealed)) == json.dumps(expected)
    assert unseal_session(sealed.sealed, PASSWORD) == sealed.session


async def test_session_that_is_not_to_change_is_not_sealed_again():
    every = [name for name in ANSWER["user"] if name != "object"]
    small = contents(session_user_fields=every).keep(SESSION)
    assert dict(small.user_json) == {name: KIT_USER[name] for name in KIT_USER if name != "object"}
    for same in (contents(), contents(session_user_fields=every)):
        assert same.keep(small) is small
        kept = await same.seal(small, "its seal")
        assert (kept.session, kept.sealed) == (small, "its seal")
    assert opened((await contents().seal(SESSION)).sealed) == WHOLE


async def test_transform_gets_what_would_be_sealed_as_a_copy_of_its_own():
    given: list[Any] = []

    def transform(content: dict[str, Any]) -> dict[str, Any]:
        given.append(json.loads(json.dumps(content)))
        content["user"]["metadata"].clear()
        content["user"]["firstName"] = "Augusta"
        content["plan"] = ["a"]
        del content["authenticationMethod"]
        content["impersonator"]["reason"] = "r"
        return content

    before = json.dumps(session_content(SESSION))
    sealed = await contents(transform).seal(SESSION, SEALED)
    assert given == [WHOLE]
    assert list(given[0]) == list(WHOLE)
    assert json.dumps(session_content(SESSION)) == before
    assert opened(sealed.sealed)["plan"] == ["a"]
    assert opened(sealed.sealed)["user"] == {**KIT_USER, "metadata": {}, "firstName": "Augusta"}
    assert unseal_session(sealed.sealed, PASSWORD) == sealed.session
    assert sealed.session.authentication_method is None
    assert sealed.session.impersonator == Impersonator(email="eve@workos.com", reason="r")


async def test_transform_comes_after_the_list_of_fields():
    def transform(content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "user": {**content["user"], "seen": sorted(content["user"])}}

    sealed = await contents(transform, session_user_fields=["name"]).seal(SESSION)
    assert opened(sealed.sealed)["user"]["seen"] == ["email", "id", "name"]


class Transform:
    async def __call__(self, content: dict[str, Any]) -> dict[str, Any]:
        await anyio.lowlevel.checkpoint()
        return {**content, "user": {"id": "user_1", "email": "other@example.com"}}


async def test_transform_may_be_async_and_a_callable_object():
    sealed = await contents(Transform()).seal(SESSION)
    assert opened(sealed.sealed)["user"] == {"id": "user_1", "email": "other@example.com"}


def refuse(content: dict[str, Any]) -> dict[str, Any]:
    raise LookupError(content["accessToken"])


async def refuse_later(content: dict[str, Any]) -> dict[str, Any]:
    await anyio.lowlevel.checkpoint()
    raise LookupError(content["refreshToken"])


def takes_nothing() -> dict[str, Any]:
    return {}


def circular(content: dict[str, Any]) -> dict[str, Any]:
    content["self"] = content
    return content


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def without(*path: str) -> SessionTransform:
    def transform(content: dict[str, Any]) -> dict[str, Any]:
        place = content
        for name in path[:-1]:
            place = place[name]
        del place[path[-1]]
        return content

    return transform


def with_user(**changes: Any) -> SessionTransform:
    return lambda content: {**content, "user": {**content["user"], **changes}}


FAULTS: dict[str, tuple[Any, str]] = {
    "raises": (refuse, "it raised LookupError"),
    "raises later": (refuse_later, "it raised LookupError"),
    "takes nothing": (takes_nothing, "it raised TypeError"),
    "None": (lambda _: None, "it returned no dict"),
    "list": (lambda content: [content], "it returned no dict"),
    "text": (json.dumps, "it returned no dict"),
    "object": (lambda content: {**content, "x": object()}, "no JSON can express"),
    "set": (lambda content: {**content, "x": {1}}, "no JSON can express"),
    "key": (lambda content: {**content, (1, 2): 1}, "no JSON can express"),
    "NaN": (lambda content: {**content, "x": math.nan}, "no JSON can express"),
    "circular": (circular, "no JSON can express"),
    "endless": (lambda content: {**content, "x": nested(100_000)}, "no JSON can express"),
    "deep": (lambda content: {**content, "x": nested(101)}, "more than a seal can hold"),
    "large": (lambda content: {**content, "x": "x" * 20_000}, "more than a seal can hold"),
    "empty": (lambda _: {}, "accessToken"),
    "no access token": (without("accessToken"), "accessToken"),
    "other access token": (lambda content: {**content, "accessToken": "x"}, "accessToken"),
    "no refresh token": (without("refreshToken"), "refreshToken"),
    "null refresh token": (lambda content: {**content, "refreshToken": None}, "refreshToken"),
    "no user": (without("user"), "user"),
    "user of another type": (lambda content: {**content, "user": ["user_1"]}, "user"),
    "no id": (without("user", "id"), "user.id"),
    "other id": (with_user(id="user_2"), "user.id"),
    "no email": (without("user", "email"), "user.email"),
    "null email": (with_user(email=None), "user.email"),
    "empty email": (with_user(email=""), "user.email"),
}


@pytest.mark.parametrize(("transform", "words"), FAULTS.values(), ids=FAULTS)
async def test_transform_that_fails_is_passed_over_and_named(transform, words, caplog):
    caplog.set_level(logging.DEBUG)
    sealed = await contents(transform, session_user_fields=["name"]).seal(SESSION, SEALED)
    kept = {name: KIT_USER[name] for name in ("id", "email", "name")}
    assert opened(sealed.sealed) == {**WHOLE, "user": kept}
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("authkit_asgi.session_contents", "ERROR")
    assert record.getMessage().startswith("session_transform is passed over: it ")
    assert record.getMessage().endswith(words)
    assert record.exc_info is None
    for secret in ("token-marker", "refresh-marker", "Lovelace", "ada@"):
        assert secret not in caplog.text


async def test_transform_that_hangs_is_passed_over(monkeypatch, caplog):
    monkeypatch.setattr(session_contents, "_TRANSFORM_SECONDS", 0.01)

    async def hang(_: dict[str, Any]) -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.fail_after(30):
        sealed = await contents(hang).seal(SESSION, SEALED)
    assert sealed.sealed == SEALED
    assert "it raised TimeoutError" in caplog.text


async def test_transform_that_is_cancelled_cancels(caplog):
    async def hang(_: dict[str, Any]) -> dict[str, Any]:
        await anyio.sleep_forever()
        raise AssertionError

    with anyio.move_on_after(0.01) as scope:
        await contents(hang).seal(SESSION, SEALED)
    assert scope.cancelled_caught
    assert caplog.records == []


async def test_session_too_large_for_a_seal_is_told_and_fits_with_fewer_fields():
    user = {**ANSWER["user"], "metadata": {"k": "x" * 60_000}}
    large = session_from_answer({**ANSWER, "user": user})
    with pytest.raises(SessionTooLargeError) as caught:
        await contents().seal(large)
    assert "xxx" not in shown(caught.value)
    assert len((await contents(session_user_fields=["name"]).seal(large)).sealed) < 1000


async def test_seal_of_another_worker_goes_through_the_same():
    assert await contents().reseal("a seal") == "a seal"
    fields = contents(session_user_fields=[])
    assert opened(await fields.reseal(SEALED))["user"] == {
        "id": "user_1",
        "email": "ada@example.com",
    }
    transformed = contents(lambda content: {**content, "x": 1})
    assert opened(await transformed.reseal(SEALED)) == {**WHOLE, "x": 1}
    foreign = seal_session(SESSION, OTHER_PASSWORD)
    assert await fields.reseal(foreign) == foreign
    small = await fields.reseal(SEALED)
    assert await fields.reseal(small) == small
    user = {**ANSWER["user"], "metadata": {"k": "x" * 30_000}}
    large = seal_session(session_from_answer({**ANSWER, "user": user}), PASSWORD)
    assert opened(await fields.reseal(large)) == opened(small)


async def test_newest_password_seals():
    passwords = [PASSWORD, OTHER_PASSWORD]
    old = seal_session(SESSION, OTHER_PASSWORD)
    for transform in (None, lambda content: content):
        made = contents(transform, cookie_password=passwords, session_user_fields=[])
        assert opened(await made.reseal(old))["accessToken"] == "token-marker"


async def test_auth_is_as_the_requests_to_come_will_see_it():
    sealed = await contents(without("impersonator"), session_user_fields=[]).seal(SESSION)
    auth: Any = SignedIn(
        user=SESSION.user,
        session_id="session_1",
        access_token="token-marker",
        claims={},  # type: ignore[arg-type]
        impersonator=SESSION.impersonator,
        authentication_method="GoogleOAuth",
        expires_at=1,
    )
    seen = sealed.seen_in(auth)
    assert (seen.session_id, seen.access_token) == ("session_1", "token-marker")
    assert (seen.impersonator, seen.authentication_method) == (None, "GoogleOAuth")
    assert seen.user.not_loaded == sealed.session.user.not_loaded != frozenset()
    changed = {"email": "other@workos.com", "reason": "r"}

    def transform(content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "impersonator": changed, "authenticationMethod": "SSO"}

    seen = (await contents(transform).seal(SESSION)).seen_in(auth)
    assert seen.impersonator == Impersonator(**changed)
    assert seen.authentication_method == "SSO"
    nobody = SignedOut(reason=SignedOutReason.SIGNED_OUT)
    assert sealed.seen_in(nobody) is nobody
    assert "Fe26" not in repr(sealed)

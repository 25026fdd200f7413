"""What is seen of tokens and keys in logs at DEBUG, in errors with their causes, and in reprs."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from emulated import shown
from hostile_tokens import NOT_JSON_OBJECTS, SPOILERS
from token_factory import (
    CLAIMS,
    HEADER,
    ISSUER,
    JWKS_URL,
    NOW,
    b64_int,
    jwk,
    make_token,
    signing_key,
    with_claims,
    with_header,
)

from authkit_asgi.errors import AuthKitError
from authkit_asgi.tokens import AccessTokenVerifier

pytestmark = pytest.mark.anyio

MARKER = "marker-that-must-not-be-shown"
_LONG_ENOUGH = 12  # characters; shorter pieces of a secret turn up by chance


def private_jwk() -> dict[str, Any]:
    """Return the key with its private half, as nobody should ever publish it."""
    numbers = signing_key().private_numbers()
    private = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1}
    return {**jwk(signing_key()), **{name: b64_int(value) for name, value in private.items()}}


def verifier(answer: Callable[[], httpx.Response], **options: Any) -> AccessTokenVerifier:
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer()))
    settings = {"clock": lambda: NOW, "issuers": [ISSUER], "client_id": "client_1", **options}
    return AccessTokenVerifier(JWKS_URL, http_client=client, **settings)


def published() -> httpx.Response:
    return httpx.Response(200, json={"keys": [private_jwk()]})


def secrets_of(token: Any) -> Iterator[str]:
    private = private_jwk()
    parts = token.split(".") if isinstance(token, str) else []
    for secret in (MARKER, token, *parts, *(private[name] for name in ("d", "p", "q", "dp"))):
        if isinstance(secret, str) and len(secret) >= _LONG_ENOUGH:
            yield secret[:40]


def check(caplog: pytest.LogCaptureFixture, token: Any, *seen: str) -> None:
    everything = "\n".join([*seen, caplog.text, *(str(vars(one)) for one in caplog.records)])
    assert [secret for secret in secrets_of(token) if secret in everything] == []


async def failure(verifier: AccessTokenVerifier, token: Any) -> str:
    with pytest.raises(AuthKitError) as caught:
        await verifier.verify(token)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    lines = traceback.format_exception(type(error), error, None)
    return "\n".join([shown(error), *lines, repr(verifier)])


REFUSED: dict[str, Callable[[], Any]] = {
    "forged": lambda: make_token(claims={**CLAIMS, "x": MARKER}, key=signing_key("attacker")),
    "unknown kid": lambda: with_header(kid=MARKER),
    "alg": lambda: with_header(alg=MARKER),
    "crit": lambda: with_header(crit=[MARKER]),
    "expired": lambda: with_claims(exp=1, x=MARKER),
    "not yet valid": lambda: with_claims(nbf=NOW + 999, x=MARKER),
    "issuer": lambda: with_claims(iss=MARKER),
    "client": lambda: with_claims(client_id=MARKER),
    "sub": lambda: with_claims(sub=[MARKER]),
    "date": lambda: with_claims(exp=MARKER),
    "list": lambda: with_claims(roles=MARKER),
    "profile": lambda: with_claims(sub_profile=MARKER),
    "name of a claim": lambda: make_token(claims={MARKER: 1}),
    "half a JSON": lambda: make_token(claims=f'{{"x":"{MARKER}'.encode()),
    "broken UTF-8": lambda: make_token(claims=MARKER.encode() + b"\xff"),
    "surrogate": lambda: with_claims(x=MARKER + "\ud800"),
    "number": lambda: make_token(claims=f'{{"x":"{MARKER}","y":{"9" * 5000}}}'.encode()),
    "deep": lambda: make_token(claims=f'["{MARKER}",{"[" * 5000}'.encode()),
    "no token": lambda: MARKER,
    "no token, three parts": lambda: f"{MARKER}.{MARKER}.{MARKER}",
    "no ASCII": lambda: f"{MARKER}\N{GRINNING FACE}",
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
async def test_refused_token_is_shown_nowhere(make, caplog):
    caplog.set_level(logging.DEBUG)
    token = make()
    check(caplog, token, await failure(verifier(published), token))


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
async def test_malformed_token_is_shown_nowhere(spoil, caplog):
    caplog.set_level(logging.DEBUG)
    token = spoil(with_claims(x=MARKER))
    check(caplog, token, await failure(verifier(published), token))


@pytest.mark.parametrize("content", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_token_without_sound_json_is_shown_nowhere(content, caplog):
    caplog.set_level(logging.DEBUG)
    for token in (make_token(content), make_token(claims=content)):
        check(caplog, token, await failure(verifier(published), token))


async def test_verified_token_is_shown_nowhere_but_in_its_claims(caplog):
    caplog.set_level(logging.DEBUG)
    token = with_claims(name="Ada")
    checked = verifier(published)
    claims = await checked.verify(token)
    check(caplog, token, repr(claims), repr(checked), repr(vars(checked._keys)))


PRIVATE = json.dumps({"keys": [private_jwk()]})
BROKEN: dict[str, Callable[[], httpx.Response]] = {
    "cut off": lambda: httpx.Response(200, text=PRIVATE[:-2]),
    "twice": lambda: httpx.Response(200, text=PRIVATE * 2),
    "broken UTF-8": lambda: httpx.Response(200, content=PRIVATE.encode() + b"\xff"),
    "unfit": lambda: httpx.Response(200, text=PRIVATE.replace('"sig"', '"enc"')),
    "500": lambda: httpx.Response(500, text=PRIVATE, headers={"X-Key": private_jwk()["d"]}),
    "redirect": lambda: httpx.Response(302, headers={"Location": f"https://x/{MARKER}"}),
    "cookie": lambda: httpx.Response(403, headers={"Set-Cookie": f"session={MARKER}"}),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
async def test_private_keys_in_a_broken_answer_are_shown_nowhere(answer, caplog):
    caplog.set_level(logging.DEBUG, logger="authkit_asgi")
    token = with_claims(x=MARKER)
    seen = await failure(verifier(answer), token)
    assert "cannot be fetched" in seen
    assert len(caplog.records) == 1
    check(caplog, token, seen)


async def test_key_unfit_for_the_token_is_shown_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    checked = verifier(published)
    for header in ({**HEADER, "kid": "key_2"}, {**HEADER, "jwk": private_jwk()}):
        token = make_token(header, {**CLAIMS, "x": MARKER}, key=signing_key("attacker"))
        check(caplog, token, await failure(checked, token), repr(vars(checked._keys)))


async def test_the_check_would_notice(caplog):
    token = with_claims(x=MARKER)
    for told in (token, token.split(".")[1], MARKER, private_jwk()["d"]):
        with pytest.raises(AssertionError):
            check(caplog, token, f"refused: {told}")

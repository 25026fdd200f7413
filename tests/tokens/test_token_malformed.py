"""Malformed access tokens: nothing but our own errors comes out."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools

import pytest
from hostile_tokens import MAX_NESTING, NOT_JSON_OBJECTS, SPOILERS
from hypothesis import given, settings
from hypothesis import strategies as st
from token_factory import (
    CLAIMS,
    HEADER,
    KeyServer,
    make_token,
    make_verifier,
    patient,
    refusal,
    with_claims,
    with_header,
)

from authkit_asgi.errors import InvalidTokenError

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
async def test_verify_malformed_token_is_refused(spoil):
    await refusal(spoil(make_token()))


async def test_verify_second_spelling_of_a_signature_is_refused():
    token = make_token()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 256 bytes leave 4 bits in the last character unused.
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert base64.urlsafe_b64decode(twin.split(".")[2] + "==") == base64.urlsafe_b64decode(
        token.split(".")[2] + "=="
    )
    await refusal(twin)


async def test_verify_token_of_the_longest_length_is_read_and_a_longer_one_is_not():
    server = KeyServer()
    filler = "x" * (11_900 - len(make_token(claims={**CLAIMS, "x": ""})) * 3 // 4)
    while len(make_token(claims={**CLAIMS, "x": filler})) < 16_381:
        filler += "x"
    token = make_token(claims={**CLAIMS, "x": filler})
    assert 16_381 <= len(token) <= 16_384
    await make_verifier(server).verify(token)
    server.asked.clear()
    await refusal(make_token(claims={**CLAIMS, "x": filler + "xxxx"}), server=server)
    assert server.asked == []


@pytest.mark.parametrize("content", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_verify_header_that_is_no_sound_json_object_is_refused(content):
    server = KeyServer()
    await refusal(make_token(header=content), server=server)
    assert server.asked == []


@pytest.mark.parametrize("content", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
async def test_verify_payload_that_is_no_sound_json_object_is_refused(content):
    await refusal(make_token(claims=content))


@pytest.mark.parametrize("levels", [100_000, 1_000_000])
async def test_verify_json_nested_by_the_100000_is_refused(levels):
    await refusal(make_token(header=b"[" * levels))
    await refusal(make_token(claims=b'{"":' * levels))


async def test_verify_payload_of_many_brackets_but_few_levels_verifies():
    shelves = [[[{"book": []}]] for _ in range(20)]
    deepest = functools.reduce(lambda inner, _: [inner], range(MAX_NESTING - 2), [])
    claims = await make_verifier().verify(with_claims(shelves=shelves, deepest=deepest))
    assert claims["shelves"][19] == (({"book": ()},),)


@given(st.text())
@settings(patient, max_examples=200)
def test_verify_any_text_is_refused(text):
    asyncio.run(refusal(text))


@given(st.data())
@settings(patient, max_examples=200)
def test_verify_any_change_of_a_character_is_refused(data):
    token = make_token()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters().filter(lambda character: character != token[place]))
    asyncio.run(refusal(token[:place] + other + token[place + 1 :]))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from([*HEADER, "crit", "b64", "jku"]), json_values)
@settings(patient, max_examples=200)
def test_verify_any_header_ends_in_claims_or_our_error(member, value):
    async def verify() -> None:
        await make_verifier().verify(with_header(**{member: value}))

    with contextlib.suppress(InvalidTokenError):
        asyncio.run(verify())


@given(st.sampled_from([*CLAIMS, "nbf", "roles", "act", "client_id", "sub_type"]), json_values)
@settings(patient, max_examples=200)
def test_verify_any_claims_end_in_claims_or_our_error(name, value):
    async def verify() -> None:
        await make_verifier(client_id="client_1").verify(with_claims(**{name: value}))

    with contextlib.suppress(InvalidTokenError):
        asyncio.run(verify())

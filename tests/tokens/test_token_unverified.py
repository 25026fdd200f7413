"""Claims read without verification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hostile_tokens import NOT_JSON_OBJECTS, SPOILERS
from hypothesis import given
from hypothesis import strategies as st
from token_factory import CLAIMS, make_token, patient, signing_key

from authkit_asgi.tokens import unverified_claims


def test_unverified_claims_reads_an_expired_token_of_an_unknown_key():
    token = make_token({"alg": "x"}, {**CLAIMS, "exp": 0}, key=signing_key("attacker"))
    claims: Mapping[str, Any] = unverified_claims(token)
    assert claims["sid"] == "session_1"


@pytest.mark.parametrize("spoil", SPOILERS.values(), ids=SPOILERS)
def test_unverified_claims_of_a_malformed_token_are_none_or_the_payload(spoil):
    assert unverified_claims(spoil(make_token())) in ({}, CLAIMS)


@pytest.mark.parametrize("content", NOT_JSON_OBJECTS.values(), ids=NOT_JSON_OBJECTS)
def test_unverified_claims_of_a_broken_payload_are_none(content):
    assert unverified_claims(make_token(claims=content)) == {}


@patient
@given(st.text())
def test_unverified_claims_of_any_text_raise_nothing(text):
    assert unverified_claims(f"{text}.{text}.{text}") == {}

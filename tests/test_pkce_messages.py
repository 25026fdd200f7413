"""What a refused or impossible pending sign-in says."""

from __future__ import annotations

from typing import Any

import pytest
from emulated import OTHER_PASSWORD, PASSWORD, Clock

from authkit_asgi.errors import OAuthStateMismatchError, PKCEPayloadTooLargeError
from authkit_asgi.pkce import begin_sign_in, unseal_state
from authkit_asgi.seal import seal


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"custom_state": "x" * 2049},
            "The custom state is longer than 2048 bytes; keep it elsewhere and pass its key",
        ),
        ({"return_path": "/" + "x" * 20_000}, "The state is too large to be sealed"),
    ],
    ids=["custom state", "return path"],
)
def test_sign_in_that_is_too_large_says_which_part(options, message):
    with pytest.raises(PKCEPayloadTooLargeError) as caught:
        begin_sign_in(PASSWORD, **options)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("content", "password", "message"),
    [
        ({}, OTHER_PASSWORD, "The state is not authentic or has expired"),
        ([], PASSWORD, "The state holds no sign-in"),
        ({}, PASSWORD, "The state holds no sign-in"),
        ({"codeVerifier": "v", "issuedAt": 0}, PASSWORD, "The state has expired"),
    ],
    ids=["other password", "no object", "no members", "old"],
)
def test_state_that_is_refused_says_why(clock: Clock, content: Any, password: str, message: str):
    with pytest.raises(OAuthStateMismatchError) as caught:
        unseal_state(seal(content, password, ttl=600, clock=clock), PASSWORD, clock=clock)
    assert str(caught.value) == message
    assert caught.value.__cause__ is None

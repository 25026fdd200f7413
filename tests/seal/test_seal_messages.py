"""What a refusal of the seals says to the developer who reads it."""

from __future__ import annotations

from typing import Any

import pytest
from seal_factory import NEW, PASSWORD, SESSION, authentic

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal

NOT_AUTHENTIC = "The seal is not authentic: changed, or made with another password"
AGES_AGO, AGES_AHEAD = "1000000000000", "9000000000000"


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("x" * 31, "A password has at least 32 characters"),
        (["x" * 31 + "\ud800"], "A password must be valid Unicode text"),
        ([], "Give at least one password and at most 10"),
        ({"a b": PASSWORD}, "A password id has 1 to 64 letters, digits and underscores"),
    ],
)
def test_unusable_password_is_named(password: Any, message: str):
    for use in (lambda: seal(SESSION, password), lambda: unseal("", password)):
        with pytest.raises(SealError) as caught:
            use()
        assert str(caught.value) == message


def test_payload_that_cannot_be_sealed_says_which_limit_it_passes():
    nested: list[Any] = []
    for _ in range(100):
        nested = [nested]
    for payload, message in (
        ("x" * 16_384, "The payload is too large: over 16384 characters sealed"),
        (nested, "The payload is nested more than 100 levels deep"),
    ):
        with pytest.raises(SealError) as caught:
            seal(payload, PASSWORD)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("sealed", "ttl", "message"),
    [
        ("x" * 16_385, 0, "The seal is too long: 16384 characters at most"),
        ("x", 0, "This is not a seal: it does not have the form Fe26.2*…*…"),
        (seal(SESSION, NEW), 0, NOT_AUTHENTIC),
        (authentic(padded=b"\0" * 16), 0, NOT_AUTHENTIC),
        (authentic(), 600, "The seal has no expiry where one is required"),
        (authentic(exp=AGES_AGO), 600, "The seal has expired"),
        (authentic(exp=AGES_AHEAD), 600, "The seal lives longer than is allowed here"),
        (authentic(b"x"), 0, "The seal holds no JSON"),
        (authentic(b"[" * 101), 0, "The payload is nested more than 100 levels deep"),
        (authentic(suffix="~1"), 0,
         "The seal is marked ~1 but its payload is not in that format"),
    ],
    ids=["long", "form", "password", "padding", "no expiry", "expired", "lives long", "no JSON",
         "deep", "suffix"],
)  # fmt: skip
def test_seal_that_is_refused_says_why(sealed: str, ttl: int, message: str):
    with pytest.raises(SealError) as caught:
        unseal(sealed, PASSWORD, ttl=ttl)
    assert str(caught.value) == message

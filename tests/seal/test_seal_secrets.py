"""What a SealError does not tell."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pytest
from seal_factory import PASSWORD, authentic

from authkit_asgi.errors import SealError
from authkit_asgi.seal import unseal


@pytest.mark.parametrize(
    ("sealed", "password"),
    [
        (authentic(b"top-secret"), PASSWORD),
        (authentic(b'"top-secret\xff"'), PASSWORD),
        (authentic(b'{"top-secret":NaN}'), PASSWORD),
        (authentic(b'["top-secret"]', suffix="~1"), PASSWORD),
        (authentic(padded=b"top-secretxxxxxx"), PASSWORD),
        (authentic(ciphertext="top-secret"), PASSWORD),
        (authentic(ciphertext="top-secret\xe9"), PASSWORD),
        (authentic(), "top-secret"),
        (authentic(), "top-secret-\ud800".ljust(32, "x")),
        (authentic(), {"top-secret*": PASSWORD}),
        (authentic(), [PASSWORD, "top-secret"]),
        ("top-secret", PASSWORD),
    ],
    ids=[
        "payload",
        "broken UTF-8",
        "no JSON",
        "suffix 1",
        "padding",
        "ciphertext",
        "ciphertext beyond ASCII",
        "short password",
        "surrogate in a password",
        "password id",
        "second password",
        "no seal",
    ],
)
def test_seal_error_carries_no_secret(sealed, password: str | list[str] | Mapping[str, str]):
    with pytest.raises(SealError) as caught:
        unseal(sealed, password)
    error = caught.value
    assert error.__cause__ is None
    assert error.__context__ is None
    assert b"top-secret" not in pickle.dumps((str(error), repr(error), error.args, vars(error)))

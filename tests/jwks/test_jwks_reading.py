"""Reading a JWKS document: which keys count."""

from __future__ import annotations

import pytest
from key_documents import UNFIT, b64_int, document, jwk, private_key, without

from authkit_asgi.jwks import read_keys


@pytest.mark.parametrize(
    "entry",
    [
        jwk(),
        without("use"),
        without("alg"),
        jwk(key_ops=["verify"]),
        jwk(key_ops=["sign", "verify"]),
        jwk(x5c=5, x5u="not a URL", unknown={"a": 1}),
        jwk(e="Aw"),
        jwk(n=b64_int(2**8191 + 1)),
    ],
)
def test_read_keys_takes_a_key_that_may_verify(entry):
    assert list(read_keys(document(entry))) == ["key_1"]


def test_read_keys_ignores_private_members():
    numbers = private_key().private_numbers()
    for members in ({"d": b64_int(numbers.d)}, {"d": "AA", "p": "AA"}, {"d": 5, "oth": []}):
        key = read_keys(document(jwk(**members)))["key_1"]
        assert not key.is_private
        assert set(key.as_dict()) >= {"n", "e", "kty"}


@pytest.mark.parametrize("entry", UNFIT.values(), ids=UNFIT)
def test_read_keys_skips_an_unfit_key_and_no_other(entry):
    assert list(read_keys(document(entry, jwk("good")))) == ["good"]
    assert list(read_keys(document(jwk("good"), entry))) == ["good"]
    with pytest.raises(ValueError, match="no key"):
        read_keys(document(entry))


def test_read_keys_of_two_with_one_kid_the_first_fit_one_counts():
    keys = read_keys(document(jwk(alg="RS512"), jwk(e="Aw"), jwk()))
    assert keys["key_1"].public_key.public_numbers().e == 3


def test_read_keys_reads_a_hundred_entries():
    entries = [jwk(str(number)) for number in range(150)]
    assert list(read_keys(document(*entries))) == [str(number) for number in range(100)]


@pytest.mark.parametrize(
    "key_set", [b"", b"null", b"[]", b"5", b"{}", b'{"keys": "x"}', b'{"keys": {}}', b'{"keys": 5}']
)
def test_read_keys_refuses_what_is_no_key_set(key_set):
    with pytest.raises(ValueError, match="not a JSON Web Key Set" if key_set else "Expecting"):
        read_keys(key_set)


def test_read_keys_refuses_a_document_of_too_many_objects():
    assert read_keys(document(jwk(), *[{}] * 9_990))
    with pytest.raises(ValueError, match="too many objects"):
        read_keys(document(jwk(), *[{}] * 10_000))
    with pytest.raises(ValueError, match="too many objects"):
        read_keys(document(jwk(), *[[]] * 10_000))

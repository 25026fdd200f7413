"""Keys that nobody should publish, beside one that is good: none is taken, none does harm."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OctKey, OKPKey
from key_documents import b64, b64_int, document, jwk, private_key, without
from key_server import URL, KeyServer

from authkit_asgi.errors import InvalidTokenError
from authkit_asgi.jwks import read_keys
from authkit_asgi.tokens import AccessTokenVerifier

MODULUS = private_key().public_key().public_numbers().n


def foreign(key: OctKey | ECKey | OKPKey) -> dict[str, Any]:
    return {**key.as_dict(), "kid": "key_1", "use": "sig"}


UNFIT: dict[str, Any] = {
    "oct": foreign(OctKey.import_key("a secret that all the world may read")),
    "oct with the members of a good key": jwk(kty="oct", k="AAAA"),
    "oct that says RS256": {"kty": "oct", "kid": "key_1", "alg": "RS256", "k": "AAAA"},
    "EC": foreign(ECKey.import_key(ec.generate_private_key(ec.SECP256R1()).public_key())),
    "EC that says RS256": jwk(kty="EC", crv="P-256"),
    "EC off its curve": {"kty": "EC", "kid": "key_1", "crv": "P-256", "x": "AQ", "y": "AQ"},
    "OKP": foreign(OKPKey.import_key(ed25519.Ed25519PrivateKey.generate().public_key())),
    "RSA in capitals only": jwk(kty="Rsa"),
    "kty padded": jwk(kty="RSA "),
    "kty null": jwk(kty=None),
    "use in capitals": jwk(use="SIG"),
    "use of both": jwk(use="sig enc"),
    "use empty": jwk(use=""),
    "alg in small letters": jwk(alg="rs256"),
    "alg HS256": jwk(alg="HS256"),
    "alg RSA-OAEP": jwk(alg="RSA-OAEP"),
    "alg list": jwk(alg=["RS256"]),
    "key_ops encrypt": jwk(key_ops=["encrypt", "wrapKey"]),
    "key_ops in capitals": jwk(key_ops=["VERIFY"]),
    "key_ops object": jwk(key_ops={"verify": True}),
    "key_ops in a list": jwk(key_ops=[["verify"]]),
    "key_ops number": jwk(key_ops=1),
    "kid object": jwk(kid={"key_1": 1}),
    "kid true": jwk(kid=True),
    "n of 512 bits": jwk(n=b64_int(2**511 + 1)),
    "n zero": jwk(n="AA"),
    "n of zeros": jwk(n="A" * 342),
    "n null": jwk(n=None),
    "n list": jwk(n=[jwk()["n"]]),
    "n with blanks": jwk(n=" " + jwk()["n"]),
    "n in lines": jwk(n=jwk()["n"][:76] + "\n" + jwk()["n"][76:]),
    "n padded": jwk(n=jwk()["n"] + "=="),
    "n negative": jwk(n="-" + str(MODULUS)),
    "n of 16,384 bits": jwk(n=b64_int(2**16383 + 1)),
    "n of 900,000 characters": jwk(n="A" * 900_000),
    "e minus one": jwk(e="-1"),
    "e as large as n": jwk(e=jwk()["n"]),
    "e of 65 bits": jwk(e=b64_int(2**64 + 1)),
    "e of zeros": jwk(e="AAAAAAAAAAA"),
    "e list": jwk(e=["AQAB"]),
    "e padded": jwk(e="AQAB===="),
    "e four": jwk(e="BA"),
    "certificate in place of a key": {**without("n"), "x5c": ["MIIB"], "x5u": "https://x"},
    "key set in place of a key": {"keys": [jwk()]},
}


@pytest.mark.parametrize("entry", UNFIT.values(), ids=UNFIT)
def test_read_keys_takes_no_unfit_key_and_loses_no_good_one_by_it(entry):
    good = jwk("good")
    for entries in ([entry, good], [good, entry], [entry, entry, good, entry]):
        assert list(read_keys(document(*entries))) == ["good"]


@pytest.mark.parametrize("entry", UNFIT.values(), ids=UNFIT)
def test_read_keys_gives_a_kid_to_its_fit_key_not_to_an_unfit_one_before_it(entry):
    keys = read_keys(document(entry, jwk()))
    assert list(keys) == ["key_1"]
    assert keys["key_1"].public_key.public_numbers().n == MODULUS


CLAIMS = b'{"sub":"user_1","sid":"session_1","exp":9999999999}'
SIGNATURES = [b"", bytes(256), b"\1" * 256, b"\1" * 257, b"\xff" * 256, b"x" * 12_000]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "modulus",
    [MODULUS - 1, 2**2048 - 2, 2**2047, 3 * (2**2046 + 1), MODULUS * 3, (2**1024 - 105) ** 2],
    ids=["even", "all bits but one", "power of two", "small factor", "multiple", "square"],
)
async def test_key_that_makes_no_sense_verifies_nothing_and_breaks_nothing(modulus):
    server = KeyServer()
    answer = document(jwk(n=b64_int(modulus)), jwk("good"))
    server.answer = lambda: httpx.Response(200, content=answer)
    verifier = AccessTokenVerifier(URL, http_client=server.client())
    for signature in SIGNATURES:
        for kid in ("key_1", "good"):
            header = json.dumps({"alg": "RS256", "kid": kid}).encode()
            parts = (header, CLAIMS, signature)
            with pytest.raises(InvalidTokenError):
                await verifier.verify(".".join(map(b64, parts)))
    assert list(read_keys(answer))[-1] == "good"


def test_read_keys_keeps_nothing_of_a_private_key_that_was_published():
    numbers = private_key().private_numbers()
    members = {"d": numbers.d, "p": numbers.p, "q": numbers.q, "dp": numbers.dmp1}
    key = read_keys(document(jwk(**{name: b64_int(each) for name, each in members.items()})))
    assert not key["key_1"].is_private
    assert set(key["key_1"].as_dict(private=None)) == {"kty", "n", "e"}
    assert b64_int(numbers.d) not in repr(vars(key["key_1"]))


def test_read_keys_of_repeated_members_the_last_counts():
    good, bad = json.dumps(jwk()), json.dumps(jwk(use="enc"))
    assert list(read_keys(f'{{"keys":[{bad}],"keys":[{good}]}}'.encode())) == ["key_1"]
    with pytest.raises(ValueError, match="no key"):
        read_keys(f'{{"keys":[{good}],"keys":[{bad}]}}'.encode())
    with pytest.raises(ValueError, match="no key"):
        read_keys(f'{{"keys":[{good[:-1]},"use":"enc"}}]}}'.encode())
    with pytest.raises(ValueError, match="no key"):
        read_keys(f'{{"keys":[{good[:-1]},"\\u006bty":"oct"}}]}}'.encode())


def test_read_keys_names_of_members_are_compared_exactly():
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        read_keys(json.dumps({"Keys": [jwk()], "KEYS": [jwk()], "keys ": [jwk()]}).encode())
    upper = {name.upper(): value for name, value in jwk().items()}
    with pytest.raises(ValueError, match="no key"):
        read_keys(document(upper))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.sampled_from(["kty", "kid", "use", "alg", "key_ops", "n", "e"]), json_values)
@example("n", "A")
def test_read_keys_any_member_of_a_key_costs_that_key_at_most(name, value):
    keys = read_keys(document(jwk(**{name: value}), jwk("good")))
    assert {"good"} <= set(keys)
    assert all(key.public_key.key_size >= 2048 for key in keys.values())


@given(st.lists(json_values | st.just(jwk("good"))))
def test_read_keys_any_list_of_entries_is_read_or_refused(entries):
    good = any(isinstance(entry, dict) and entry.get("kid") == "good" for entry in entries[:100])
    if good:
        assert list(read_keys(document(*entries))) == ["good"]
    else:
        with pytest.raises(ValueError, match="no key"):
            read_keys(document(*entries))


@given(st.binary())
def test_read_keys_refuses_any_octets(octets):
    with pytest.raises((ValueError, RecursionError)):
        read_keys(octets)

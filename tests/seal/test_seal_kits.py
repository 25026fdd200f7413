"""Fe26.2 seals as the JavaScript kits write and read them."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from seal_factory import PASSWORD, SESSION, derived_key, fields_of, pad

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal

VECTORS = Path(__file__).parents[1] / "vectors"

KITS = (
    "hapi-iron",
    "iron-session",
    "iron-webcrypto",
    "workos-authkit-session",
    "workos-inc-node",
    "old-iron-session",
)


def _vectors(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return vectors


def _kit_seals() -> list[Any]:
    return [
        pytest.param(each, vectors["now"] / 1000, id=f"{name}: {each['name']}")
        for name in KITS
        for vectors in [_vectors(name)]
        for each in vectors["seals"]
    ]


@pytest.mark.parametrize(("vector", "now"), _kit_seals())
def test_unseal_reads_what_the_kits_write(vector, now):
    payload = unseal(vector["sealed"], vector["password"], ttl=vector["ttl"], clock=lambda: now)
    assert payload == vector["payload"]


def _tampered() -> list[Any]:
    return [pytest.param(each, id=each["name"]) for each in _vectors("tampered")["seals"]]


@pytest.mark.parametrize("vector", _tampered())
def test_unseal_of_a_tampered_seal_opens_nothing_the_kits_refuse(vector):
    tampered = _vectors("tampered")
    password, now = tampered["password"], tampered["now"] / 1000
    if vector["name"] in {"unchanged", "suffix dropped", "within the skew"}:
        assert vector["opens"]["@workos-inc/node"]
        assert unseal(vector["sealed"], password, clock=lambda: now) == tampered["payload"]
    else:
        with pytest.raises(SealError):
            unseal(vector["sealed"], password, clock=lambda: now)


def test_seal_has_the_form_the_kits_write():
    assert re.fullmatch(
        r"Fe26\.2\*1\*[0-9a-f]{64}\*[\w-]{22}\*[\w-]+\*\*[0-9a-f]{64}\*[\w-]{43}~2",
        seal(SESSION, PASSWORD),
        re.ASCII,
    )


def test_seal_twice_shares_neither_salts_nor_iv_nor_ciphertext():
    first, second = fields_of(seal(SESSION, PASSWORD)), fields_of(seal(SESSION, PASSWORD))
    same = [index for index in range(8) if first[index] == second[index]]
    assert same == [0, 1, 5]
    assert len({first[2], first[6], second[2], second[6]}) == 4


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"a": [1, None, True], "b": "é\u2028😀"}, '{"a":[1,null,true],"b":"é\u2028😀"}'),
        ('"\\/\b\f\n\r\t\x00\x1f\x7f', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f"'),
        ("\ud83d|\ude00\\\udfff", '"\\ud83d|\\ude00\\\\\\udfff"'),
    ],
    ids=["compact", "escapes", "lone surrogates"],
)
def test_seal_writes_json_as_javascript_does(payload, text):
    _, _, salt, iv, ciphertext, *_ = fields_of(seal(payload, PASSWORD))
    decode = base64.urlsafe_b64decode
    decryptor = Cipher(AES256(derived_key(PASSWORD, salt)), CBC(decode(iv + "=="))).decryptor()
    padded = decryptor.update(decode(ciphertext + "=="))
    assert padded == pad(text.encode())

"""One token in many spellings: sloppy base64, and JSON that two readers may read in two ways."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st
from token_factory import (
    CLAIMS,
    HEADER,
    KeyServer,
    b64,
    make_token,
    make_verifier,
    patient,
    refusal,
    segment,
    signing_key,
)

from authkit_asgi.errors import (
    ExpiredTokenError,
    InvalidTokenError,
    UnacceptableClaimsError,
    UnknownKeyError,
)

pytestmark = pytest.mark.anyio


def sign(header: str, payload: str) -> str:
    """Sign two parts as they are, however they are spelled."""
    signed = f"{header}.{payload}"
    signature = signing_key().sign(signed.encode("utf-8"), padding.PKCS1v15(), SHA256())
    return f"{signed}.{b64(signature)}"


def content(length: int, member: str = "x") -> bytes:
    """Return the JSON of a good header and good claims, of a length modulo 3."""
    text = json.dumps({**HEADER, **CLAIMS, member: ""})
    return text.encode() + b" " * ((length - len(text)) % 3)


def with_loose_bits(data: bytes) -> str:
    text = b64(data)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


SLOPPY: dict[str, Callable[[], str]] = {
    "padded": lambda: base64.urlsafe_b64encode(content(2)).decode(),
    "padded twice": lambda: base64.urlsafe_b64encode(content(1)).decode(),
    "padding for nothing": lambda: b64(content(0)) + "====",
    "half of the padding": lambda: b64(content(1)) + "=",
    "percent-encoded padding": lambda: b64(content(2)) + "%3D",
    "one character too many": lambda: b64(content(0)) + "A",
    "loose bits, two": lambda: with_loose_bits(content(2)),
    "loose bits, four": lambda: with_loose_bits(content(1)),
    "standard alphabet": lambda: base64.b64encode(content(0, "\N{GRINNING FACE}>?>?")).decode(),
    "lines": lambda: base64.encodebytes(content(0)).decode(),
    "CRLF": lambda: b64(content(0)) + "\r\n",
    "blank inside": lambda: b64(content(0))[:40] + " " + b64(content(0))[40:],
    "tab before": lambda: "\t" + b64(content(0)),
    "NUL after": lambda: b64(content(0)) + "\0",
    "comma inside": lambda: b64(content(0))[:40] + "," + b64(content(0))[40:],
    "hexadecimal": lambda: content(0).hex(),
    "base32": lambda: base64.b32encode(content(0)).decode(),
    "base64 of base64": lambda: b64(b64(content(0)).encode()),
    "plain": lambda: content(0).decode().replace(".", ""),
}


async def test_verify_parts_of_every_length_spelled_properly_verify():
    for length in range(3):
        part = b64(content(length))
        assert (await make_verifier().verify(sign(part, part))).sub == CLAIMS["sub"]


@pytest.mark.parametrize("spell", SLOPPY.values(), ids=SLOPPY)
async def test_verify_part_in_sloppy_base64_is_refused_although_it_is_signed(spell):
    server = KeyServer()
    await refusal(sign(spell(), b64(content(0))), server=server)
    assert server.asked == []
    await refusal(sign(b64(content(0)), spell()))


async def test_verify_signature_in_sloppy_base64_is_refused():
    head, _, signature = make_token().rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    for other in (
        base64.b64encode(raw).decode(),
        base64.encodebytes(raw).decode(),
        with_loose_bits(raw),
        signature + "=",
        signature + "\n",
        signature[:20] + "\n" + signature[20:],
        signature[:20] + "!" + signature[20:],
        raw.hex(),
    ):
        await refusal(f"{head}.{other}")


HEADERS = {
    '{"alg":"RS256","alg":"none","kid":"key_1"}': InvalidTokenError,
    '{"alg":"none","alg":"RS256","kid":"key_1"}': None,
    '{"alg":"RS256","\\u0061lg":"HS256","kid":"key_1"}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","kid":"key_2"}': UnknownKeyError,
    '{"alg":"RS256","kid":"key_1","k\\u0069d":"key_2"}': UnknownKeyError,
    '{"alg":"RS256","kid":"key_2","kid":"key_1"}': None,
    '{"alg":"RS256","kid":"key_1","crit":["b64"],"crit":null}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","\\u0063rit":["exp"]}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","b64":true,"b64":false}': InvalidTokenError,
    '{"ALG":"none","Alg":"none","alg":"RS256","kid":"key_1"}': None,
    '{"ALG":"RS256","kid":"key_1"}': InvalidTokenError,
    '{"alg":"RS256","KID":"key_1"}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","Crit":["exp"]}': None,
    '{"alg":"RS256","kid":"key_1"}{"alg":"none"}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1"}\0': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1"} // ours': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1",}': InvalidTokenError,
    '{alg:"RS256",kid:"key_1"}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","x":0x1}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","x":01}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","x":"\t"}': InvalidTokenError,
    '{"alg":"RS256","kid":"key_1","__proto__":{"crit":["exp"]}}': None,
    "\n\t {\r\n}": InvalidTokenError,
    '\n\t {"alg" : "RS256",\r\n "kid" : "key_1"} \n': None,
    '{"\\u0061lg":"\\u0052S256","kid":"\\u006bey_1"}': None,
    "\N{NO-BREAK SPACE}" + '{"alg":"RS256","kid":"key_1"}': InvalidTokenError,
}


@pytest.mark.parametrize(("header", "error"), HEADERS.items(), ids=ascii)
async def test_verify_of_a_header_in_an_odd_spelling_what_json_says_counts(header, error):
    token = make_token(header.encode())
    if error is None:
        assert (await make_verifier().verify(token)).sub == CLAIMS["sub"]
    else:
        assert type(await refusal(token)) is error


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ('"exp":1', ExpiredTokenError),
        ('"\\u0065xp":1', ExpiredTokenError),
        ('"sid":null', UnacceptableClaimsError),
        ('"iss":"https://evil.example"', UnacceptableClaimsError),
        ('"client_id":"client_2"', UnacceptableClaimsError),
        ('"nbf":9999999999', UnacceptableClaimsError),
        ('"EXP":1', None),
        ('"Sub":"user_2"', None),
        ('"__proto__":{"sub":"user_2"}', None),
    ],
)
async def test_verify_of_a_claim_repeated_in_an_odd_spelling_the_last_counts(more, error):
    token = make_token(claims=f"{json.dumps(CLAIMS)[:-1]},{more}}}".encode())
    if error is None:
        assert (await make_verifier(client_id="client_1").verify(token)).sub == CLAIMS["sub"]
    else:
        assert type(await refusal(token, client_id="client_1")) is error


blanks = st.text(" \t\r\n", max_size=3)


def spelled(data: st.DataObject, text: str) -> str:
    """Draw one of the ways to write a JSON string."""
    escape = st.booleans()
    return '"' + "".join(f"\\u{ord(c):04x}" if data.draw(escape) else c for c in text) + '"'


@patient
@given(st.data())
def test_verify_any_spelling_of_a_good_header_verifies(data):
    members = data.draw(st.permutations(list(HEADER.items())))
    pairs = [
        f"{data.draw(blanks)}{spelled(data, name)}{data.draw(blanks)}:{spelled(data, value)}"
        for name, value in members
    ]
    header = f"{data.draw(blanks)}{{{','.join(pairs)}}}{data.draw(blanks)}"
    claims = asyncio.run(make_verifier().verify(make_token(header.encode())))
    assert claims.sub == CLAIMS["sub"]


async def test_verify_headers_of_equal_meaning_are_remembered_apart():
    verifier = make_verifier()
    await verifier.verify(make_token())
    for header in ({**HEADER, "crit": ["exp"]}, {**HEADER, "alg": "none"}, {**HEADER, "kid": ""}):
        with pytest.raises(InvalidTokenError):
            await verifier.verify(make_token(header))
        with pytest.raises(InvalidTokenError):
            await verifier.verify(f"{segment(header)}.{segment(CLAIMS)}.")
    await verifier.verify(make_token())

"""Texts that are no tokens, and contents that are no sound JSON objects."""

from __future__ import annotations

import json
from typing import Any

from token_factory import CLAIMS, HEADER

MAX_NESTING = 32

SPOILERS: dict[str, Any] = {
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "no dot": lambda token: token.replace(".", ""),
    "two segments": lambda token: token.rpartition(".")[0],
    "four segments": lambda token: token + ".AAAA",
    "five segments": lambda token: token + ".AAAA.AAAA",
    "empty signature": lambda token: token.rpartition(".")[0] + ".",
    "empty payload": lambda token: ".".join([token.split(".")[0], "", token.split(".")[2]]),
    "empty header": lambda token: "." + token.partition(".")[2],
    "short signature": lambda token: token[:-4],
    "long signature": lambda token: token + "AAAA",
    "padded signature": lambda token: token + "==",
    "padded header": lambda token: token.replace(".", "=.", 1),
    "leading blank": lambda token: " " + token,
    "trailing newline": lambda token: token + "\n",
    "inner newline": lambda token: token.replace(".", ".\n", 1),
    "bearer": lambda token: "Bearer " + token,
    "standard alphabet": lambda token: token + "+/",
    "NUL": lambda token: token + "\x00",
    "unicode digits": lambda token: token + "\N{ARABIC-INDIC DIGIT ONE}",
    "superscript": lambda token: token + "\N{SUPERSCRIPT TWO}",
    "lone surrogate": lambda token: token + "\udc80",
    "bytes": lambda token: token.encode(),
    "none": lambda _: None,
    "number": lambda _: 1,
    "list": lambda token: token.split("."),
    "1 MB": lambda token: token + "A" * 1_000_000,
    "1 MB of dots": lambda _: "." * 1_000_000,
}


def sound_but_for(member: str | bytes) -> bytes:
    """Return the JSON of a good header and good claims, and of a member "x" as it is given."""
    raw = member.encode() if isinstance(member, str) else member
    return json.dumps({**HEADER, **CLAIMS, "x": "?"}).encode().replace(b'"?"', raw)


SOUND = json.dumps({**HEADER, **CLAIMS}).encode()
NOT_JSON_OBJECTS: dict[str, bytes] = {
    "nothing": b"",
    "text": b"hello",
    "string": b'"alg"',
    "number": b"1",
    "null": b"null",
    "array": json.dumps([HEADER]).encode(),
    "truncated": SOUND[:-1],
    "two objects": SOUND * 2,
    "single quotes": str({**HEADER, **CLAIMS}).encode(),
    "NaN": sound_but_for("NaN"),
    "Infinity": sound_but_for("Infinity"),
    "-Infinity": sound_but_for("-Infinity"),
    "1e400": sound_but_for("1e400"),
    "huge integer": sound_but_for("9" * 5000),
    "UTF-16": SOUND.decode().encode("utf-16"),
    "BOM": SOUND.decode().encode("utf-8-sig"),
    "broken UTF-8": sound_but_for(b'"\xff"'),
    "encoded surrogate": sound_but_for(b'"\xed\xa0\x80"'),
    "escaped surrogate": sound_but_for(r'"\ud800"'),
    "surrogate in a name": json.dumps({**HEADER, **CLAIMS, "\udfff": 1}).encode(),
    "deep arrays": sound_but_for("[" * 5000 + "]" * 5000),
    "deep objects": sound_but_for('{"":' * 1500 + "1" + "}" * 1500),
    "opening brackets": b"[" * 12_000,
    "one level too deep": sound_but_for("[" * MAX_NESTING + "]" * MAX_NESTING),
}

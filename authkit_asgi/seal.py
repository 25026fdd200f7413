"""Seal and unseal JSON in the Fe26.2 format that iron-session and the WorkOS kits share.

A seal is ``Fe26.2*id*salt*iv*ciphertext*exp*salt*mac~2``: the payload encrypted with AES-256-CBC,
then the first six fields authenticated with HMAC-SHA256, under two keys derived from one password.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import time
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.padding import PKCS7

from authkit_asgi import strict_json
from authkit_asgi.errors import SealError
from authkit_asgi.passwords import CookiePassword
from authkit_asgi.seal_passwords import keyed_newest_first, keyed_with, newest_first

Password: TypeAlias = CookiePassword

MAX_SEAL_LENGTH = 16_384
"""Characters of what a browser sends. Longer values are refused unread, and never written."""

MAX_DEPTH = 100
"""Levels of nesting. What recurses over a payload must not run out of stack."""

_SKEW_MS = 60_000  # what the kits grant clocks that disagree
_KEY_BYTES = _SALT_BYTES = 32
_IV_BYTES = _BLOCK_BYTES = 16
_SHA256 = SHA256()
_AES_BLOCK = PKCS7(128)
_TO_BASE64URL = bytes.maketrans(b"+/", b"-_")
_PADDING = (b"", b"===", b"==", b"=")  # by the length of the last group

# A string without an end goes to the end of the text, not to be searched for from each quote in it.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")

# Exactly what the kits write. The ciphertext is only delimited here: it is under the MAC, and
# going through its characters one by one would cost more than decrypting them.
_GRAMMAR = re.compile(
    rb"(?P<signed>Fe26\.2"
    rb"\*(?P<id>[A-Za-z0-9_]{0,64})"
    rb"\*(?P<salt>[0-9a-f]{64})"
    rb"\*(?P<iv>[A-Za-z0-9_-]{22})"
    rb"\*(?P<ciphertext>[^*]++)"
    rb"\*(?P<exp>[1-9][0-9]{0,15}+)?)"
    rb"\*(?P<mac_salt>[0-9a-f]{64})"
    rb"\*(?P<mac>[A-Za-z0-9_-]{43})"
    rb"(?:~(?P<version>[12]))?"
)

# One message for a wrong MAC and for broken padding: who can tell them apart can decrypt.
_NOT_AUTHENTIC = "The seal is not authentic: changed, or made with another password"


def seal(
    payload: Any,
    password: Password,
    *,
    ttl: int = 0,
    max_length: int = MAX_SEAL_LENGTH,
    clock: Callable[[], float] = time.time,
) -> str:
    """Encrypt and authenticate `payload`, so that the JavaScript kits can unseal it.

    The result is a valid cookie value and must not be percent-encoded.

    Args:
        payload: Whatever JSON can express; non-ASCII text and lone surrogates included.
        password: Of several the newest seals: the first of a sequence (under the id ``1``, as
            the kits do), the one with the highest id in a mapping whose ids are all numbers
            (as iron-session does), else the one that was inserted last.
        ttl: Seconds until the seal expires; 0 for never.
        max_length: Characters of the seal.
        clock: Seconds since the epoch.

    Raises:
        SealError: The password cannot be used, or `unseal` would refuse the result: too long or
            nested deeper than `MAX_DEPTH`.
        TypeError, ValueError, RecursionError: The payload is no JSON; as `json.dumps` says it.
    """
    password_id, secret = next(iter(newest_first(password).items()))
    keyed = keyed_with(secret)
    plaintext = _dump(payload)
    exp = str(_milliseconds(clock() + ttl)) if ttl else ""
    salt, mac_salt, iv = _fresh_salt(), _fresh_salt(), os.urandom(_IV_BYTES)
    ciphertext = _encrypt(plaintext, _derive_key(keyed, salt), iv)
    signed = b"*".join(
        (b"Fe26.2", password_id.encode(), salt, _base64(iv), _base64(ciphertext), exp.encode())
    )
    mac = _mac(signed, _derive_key(keyed, mac_salt))
    sealed = b"%b*%b*%b~2" % (signed, mac_salt, mac)
    if len(sealed) > max_length:
        raise SealError(f"The payload is too large: over {max_length} characters sealed")
    return sealed.decode()


def unseal(
    sealed: str,
    password: Password,
    *,
    ttl: int = 0,
    max_length: int = MAX_SEAL_LENGTH,
    clock: Callable[[], float] = time.time,
) -> Any:
    """Return the payload of a seal made by `seal` or by one of the JavaScript kits.

    Nothing is decrypted, and no expiry believed, before the MAC has been verified in constant
    time. The kits read nothing but the password id ``1`` and write it whatever the password, so
    the id is a hint only: all passwords are tried. The version suffix is the one part the MAC
    does not cover: none and ``~2`` mean the same; under ``~1`` the payload has to be the
    wrapper of old iron-session releases, whose ``persistent`` member is returned.

    Args:
        sealed: The seal as it came; any text.
        password: One password, several with the newest first, or a mapping from id to password.
        ttl: With 0 a seal may do without an expiry. Otherwise it must have one, no further
            than `ttl` seconds (and 60 of clock skew) ahead: so what never expires cannot pass
            for what is short-lived. An expiry that is there is honoured in either case, 60
            seconds late, as the kits do.
        max_length: Characters that are looked at.
        clock: Seconds since the epoch.

    Raises:
        SealError: The seal is malformed, not authentic, expired, too long, or holds no JSON or
            some nested deeper than `MAX_DEPTH`, or the password cannot be used. Nothing else.
    """
    octets, candidates = sealed.encode(errors="surrogatepass"), keyed_newest_first(password)
    return unseal_by(candidates, octets, ttl=ttl, max_length=max_length, clock=clock)


def unseal_by(
    candidates: Mapping[str, HMAC],
    sealed: bytes,
    *,
    ttl: int = 0,
    max_length: int = MAX_SEAL_LENGTH,
    clock: Callable[[], float] = time.time,
) -> Any:
    """Do what `unseal` does, by passwords that `keyed_newest_first` has made ready."""
    if len(sealed) > max_length:
        raise SealError(f"The seal is too long: {max_length} characters at most")
    match = _GRAMMAR.fullmatch(sealed) if sealed.isascii() else None
    if match is None:
        raise SealError("This is not a seal: it does not have the form Fe26.2*…*…")
    signed, password_id, salt, iv, ciphertext, exp, mac_salt, mac, version = match.groups()
    for keyed in _likeliest_first(candidates, password_id):
        # Compared as text: 43 characters hold two bits more than the MAC, and a decoder that
        # ignores them would let one seal be written in four ways.
        if hmac.compare_digest(_mac(signed, _derive_key(keyed, mac_salt)), mac):
            break
    else:
        raise SealError(_NOT_AUTHENTIC)
    if exp or ttl:
        _check_lifetime(exp, ttl, _milliseconds(clock()))
    payload = _load(_decrypt(ciphertext, _derive_key(keyed, salt), iv))
    return _unwrap(payload) if version == b"1" else payload


def is_seal(text: str, *, max_length: int = MAX_SEAL_LENGTH) -> bool:
    """Tell whether a text has the form of a seal, whoever made it."""
    is_fit = len(text) <= max_length and text.isascii()
    return is_fit and _GRAMMAR.fullmatch(text.encode()) is not None


def _likeliest_first(candidates: Mapping[str, HMAC], password_id: bytes) -> Iterable[HMAC]:
    if len(candidates) == 1:
        return candidates.values()
    named = candidates.get(password_id.decode())
    return candidates.values() if named is None else dict.fromkeys((named, *candidates.values()))


def _check_lifetime(exp: bytes | None, ttl: int, now: int) -> None:
    if exp is None:
        raise SealError("The seal has no expiry where one is required")
    expires = int(exp)
    if expires <= now - _SKEW_MS:
        raise SealError("The seal has expired")
    if ttl and expires > now + ttl * 1000 + _SKEW_MS:
        raise SealError("The seal lives longer than is allowed here")


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _derive_key(keyed: HMAC, salt: bytes) -> bytes:
    # PBKDF2 (RFC 8018, section 5.2) over the salt's hexadecimal text with one iteration, the
    # format's choice: then each block of the key is one HMAC, of the salt and the block's number.
    # The password has to be random, because this does not slow down guessing.
    first = keyed.copy()
    first.update(salt)
    second = first.copy()
    first.update(b"\0\0\0\1")
    second.update(b"\0\0\0\2")
    return (first.finalize() + second.finalize())[:_KEY_BYTES]


def _mac(signed: bytes, key: bytes) -> bytes:
    mac = HMAC(key, _SHA256)
    mac.update(signed)
    return _base64(mac.finalize())


def _fresh_salt() -> bytes:
    return os.urandom(_SALT_BYTES).hex().encode()


def _base64(data: bytes) -> bytes:
    return b2a_base64(data, newline=False).translate(_TO_BASE64URL, b"=")


def _unbase64(text: bytes) -> bytes:
    # The text is authentic here; strict reading is only the faster one.
    padded = text.replace(b"-", b"+").replace(b"_", b"/") + _PADDING[len(text) % 4]
    return a2b_base64(padded, strict_mode=True)


def _encrypt(plaintext: bytes, key: bytes, iv: bytes) -> bytes:
    padder = _AES_BLOCK.padder()
    encryptor = Cipher(AES256(key), CBC(iv)).encryptor()
    return encryptor.update(padder.update(plaintext) + padder.finalize()) + encryptor.finalize()


def _decrypt(ciphertext: bytes, key: bytes, iv: bytes) -> bytes:
    try:
        decryptor = Cipher(AES256(key), CBC(_unbase64(iv))).decryptor()
        padded = decryptor.update(_unbase64(ciphertext))
        decryptor.finalize()  # it raises where something is left over
        length = padded[-1]
        if 1 <= length <= _BLOCK_BYTES and padded.endswith(bytes((length,)) * length):
            return padded[:-length]
    except ValueError:
        pass
    raise SealError(_NOT_AUTHENTIC)


def _dump(payload: Any) -> bytes:
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    _check_depth(text)
    # UTF-8 can encode everything but lone surrogates; these become \udXXX, which is how
    # JSON.stringify writes them.
    return text.encode(errors="backslashreplace")


def _load(plaintext: bytes) -> Any:
    # Raised outside of the handler: the exceptions caught here carry the plaintext, and would
    # stay reachable as the context of ours.
    try:
        text = plaintext.decode()
        _check_depth(text)
        return strict_json.parse(text)
    except ValueError:
        pass
    raise SealError("The seal holds no JSON")


def _check_depth(text: str) -> None:
    # Brackets are rare in a real payload: counting them nearly always settles it. Most payloads
    # have no list, and finding none takes a tenth of the time of counting none.
    if text.count("{") + ("[" in text and text.count("[")) <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise SealError(f"The payload is nested more than {MAX_DEPTH} levels deep")


def _unwrap(payload: Any) -> Any:
    # The suffix is not authenticated: whoever rewrites ~2 to ~1 must not be able to single out a
    # part of an arbitrary payload.
    match payload:
        case {"persistent": dict() as persistent, **rest} if rest.keys() <= {"flash"}:
            return persistent
    raise SealError("The seal is marked ~1 but its payload is not in that format")

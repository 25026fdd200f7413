"""Seals put together by somebody who does not know the password."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seal_factory import NEW, OLD, PASSWORD, SESSION, authentic, derived_key, fields_of, patient

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal

FIELDS = ("prefix", "id", "salt", "iv", "ciphertext", "exp", "mac_salt", "mac")


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refusal(sealed: str) -> str:
    with pytest.raises(SealError) as caught:
        unseal(sealed, PASSWORD)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    return str(caught.value)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def under(password: str, salt: str, text: bytes) -> bytes:
    return hmac.digest(derived_key(password, salt), text, "sha256")


Fields = list[str]
MACS: dict[str, Callable[[bytes, Fields], bytes]] = {
    "of no key": lambda signed, _: sha256(signed),
    "of an empty key": lambda signed, _: hmac.digest(b"", signed, "sha256"),
    "of a key of zeros": lambda signed, _: hmac.digest(bytes(32), signed, "sha256"),
    "of the salt": lambda signed, fields: hmac.digest(fields[6].encode(), signed, "sha256"),
    "of the salt's octets": lambda signed, fields: hmac.digest(
        bytes.fromhex(fields[6]), signed, "sha256"
    ),
    "under an empty password": lambda signed, fields: under("", fields[6], signed),
    "under the id as the password": lambda signed, fields: under("1", fields[6], signed),
    "of zeros": lambda *_: bytes(32),
    "of ones": lambda *_: b"\xff" * 32,
    # The rest takes the password: slips that a careless writer of the format might make.
    "of the password itself": lambda signed, _: hmac.digest(PASSWORD.encode(), signed, "sha256"),
    "under the other salt": lambda signed, fields: under(PASSWORD, fields[2], signed),
    "of the key before the text": lambda signed, fields: sha256(
        derived_key(PASSWORD, fields[6]) + signed
    ),
    "of the text before the key": lambda signed, fields: sha256(
        signed + derived_key(PASSWORD, fields[6])
    ),
    "of another digest": lambda signed, fields: hmac.digest(
        derived_key(PASSWORD, fields[6]), signed, "sha512"
    )[:32],
    "of its salt as well": lambda signed, fields: under(
        PASSWORD, fields[6], signed + b"*" + fields[6].encode()
    ),
    "of all but the expiry": lambda _, fields: under(
        PASSWORD, fields[6], "*".join(fields[:5]).encode()
    ),
    "of the ciphertext alone": lambda _, fields: under(PASSWORD, fields[6], fields[4].encode()),
    "of the text twice": lambda signed, fields: under(PASSWORD, fields[6], signed * 2),
}


def test_unseal_of_a_seal_with_its_mac_made_by_hand_opens():
    fields = fields_of(seal(SESSION, PASSWORD, ttl=600))
    mac = under(PASSWORD, fields[6], "*".join(fields[:6]).encode())
    assert unseal("*".join([*fields[:7], b64(mac)]), PASSWORD) == SESSION


@pytest.mark.parametrize("make", MACS.values(), ids=MACS)
def test_unseal_of_a_seal_with_a_mac_made_in_any_other_way_refuses(make):
    fields = fields_of(seal(SESSION, PASSWORD, ttl=600))
    mac = make("*".join(fields[:6]).encode(), fields)
    assert "not authentic" in refusal("*".join([*fields[:7], b64(mac)]) + "~2")


def test_unseal_of_a_seal_continued_after_its_end_refuses():
    *signed, mac_salt, mac = fields_of(seal(SESSION, PASSWORD))
    for tail in ("*", "*a", "*9999999999999", "*".join(["", *signed]), f"*{mac_salt}*{mac}"):
        refusal("*".join([*signed, mac_salt, mac]) + tail + "~2")
        refusal("*".join(signed) + tail + f"*{mac_salt}*{mac}~2")


def test_unseal_of_a_seal_in_any_other_order_of_its_fields_refuses():
    fields = fields_of(seal({}, PASSWORD, ttl=600))
    orders = set(itertools.permutations(fields)) - {tuple(fields)}
    assert len(orders) == 40_319
    for order in sorted(orders)[::7]:
        with pytest.raises(SealError):
            unseal("*".join(order), PASSWORD)


@pytest.mark.parametrize(
    ("one", "other"),
    [("salt", "mac_salt"), ("iv", "mac"), ("ciphertext", "mac"), ("exp", "id"), ("salt", "iv")],
)
def test_unseal_of_a_seal_with_two_fields_swapped_refuses(one, other):
    fields = dict(zip(FIELDS, fields_of(seal({}, PASSWORD, ttl=600)), strict=True))
    fields[one], fields[other] = fields[other], fields[one]
    refusal("*".join(fields.values()))


def spliced(first: str, second: str, names: tuple[str, ...]) -> str:
    """Return the first seal with some fields of the second."""
    pairs = zip(FIELDS, fields_of(first), fields_of(second), strict=True)
    return "*".join(theirs if name in names else ours for name, ours, theirs in pairs)


SPLICES = [
    names
    for count in range(1, 8)
    for names in itertools.combinations(FIELDS[1:], count)
    if not set(FIELDS[2:]) <= set(names)
]


@pytest.mark.parametrize("names", SPLICES, ids="+".join)
def test_unseal_of_two_seals_spliced_refuses(names):
    first = seal({"user": "ada"}, {"1": PASSWORD}, ttl=600, clock=lambda: 1_900_000_000)
    second = seal({"user": "bob"}, {"2": PASSWORD}, ttl=600, clock=lambda: 1_950_000_000)
    mixed = spliced(first, second, names)
    assert mixed not in (first, second)
    refusal(mixed)


def test_unseal_of_a_seal_without_an_expiry_made_to_expire_or_the_reverse_refuses():
    lasting, short = fields_of(seal({}, PASSWORD)), fields_of(seal({}, PASSWORD, ttl=600))
    for exp in ("1", "9999999999999", "9" * 16):
        refusal("*".join([*lasting[:5], exp, *lasting[6:]]))
    for exp in ("", "9999999999999", short[5] + "0", short[5][:-1]):
        refusal("*".join([*short[:5], exp, *short[6:]]))


def test_unseal_of_a_ciphertext_cut_block_by_block_refuses():
    """Any block can stand as the IV of the next: what is left of these digits would be JSON."""
    fields = fields_of(seal(int("1" * 70), PASSWORD))
    iv, ciphertext = (base64.urlsafe_b64decode(f + "=" * (-len(f) % 4)) for f in fields[3:5])
    blocks = iv + ciphertext
    for start, end in itertools.combinations(range(0, len(blocks) + 1, 16), 2):
        if end - start >= 32 and (start, end) != (0, len(blocks)):
            cut = [b64(blocks[start : start + 16]), b64(blocks[start + 16 : end])]
            refusal("*".join([*fields[:3], *cut, *fields[5:]]))


def test_unseal_tells_nothing_by_which_last_octet_it_was_given():
    """A padding oracle: somebody tries all 256 values of the octet that decides the padding."""
    fields = fields_of(seal(SESSION, PASSWORD))
    iv, ciphertext = (base64.urlsafe_b64decode(f + "=" * (-len(f) % 4)) for f in fields[3:5])
    told = set()
    for octet in range(256):
        changed = iv[:15] + bytes([octet])
        if changed != iv:
            told.add(refusal("*".join([*fields[:3], b64(changed), *fields[4:]])))
        changed = ciphertext[:-17] + bytes([octet]) + ciphertext[-16:]
        if changed != ciphertext:
            told.add(refusal("*".join([*fields[:4], b64(changed), *fields[5:]])))
    assert len(told) == 1


def test_unseal_tells_nothing_by_any_padding_of_an_authentic_seal():
    told = {refusal(authentic(padded=b"x" * 15 + bytes([last]))) for last in range(2, 256)}
    told |= {refusal(authentic(padded=b"x" * length)) for length in (32, 48)}
    assert told == {refusal("*".join([*fields_of(authentic())[:7], "A" * 43]))}


ODD_IDS = ["__proto__", "constructor", "toString", "length", "0", "01", "2", "-1", "NaN", "null"]


@pytest.mark.parametrize("password_id", ODD_IDS)
def test_unseal_of_a_seal_with_an_odd_id_is_a_question_of_the_password_only(password_id):
    passwords = {"1": OLD, "__proto__": NEW}
    for password in (OLD, NEW, PASSWORD):
        fields = fields_of(seal(SESSION, password))
        with pytest.raises(SealError):
            unseal("*".join([fields[0], password_id, *fields[2:]]), passwords)
    assert unseal(seal(SESSION, passwords), passwords) == SESSION


@patient
@given(st.text("0123456789abcdef", min_size=64, max_size=64), st.integers(0, 255))
def test_unseal_of_a_seal_with_made_up_salts_refuses(salt, octet):
    mac = b64(bytes([octet]) * 32)
    iv, ciphertext = b64(bytes(16)), b64(bytes([octet]) * 32)
    assert "not authentic" in refusal(f"Fe26.2*1*{salt}*{iv}*{ciphertext}**{salt}*{mac}~2")

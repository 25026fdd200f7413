"""Which cookie passwords the doctor lets pass, and that it shows none."""

from __future__ import annotations

import random
import string

import pytest
from cryptography.fernet import Fernet
from examined import OTHER_RANDOM, RANDOM, config

from authkit_asgi.doctor.findings import Finding, Report
from authkit_asgi.doctor.password_strength import check_passwords

WEAK = [
    ("complex_password_at_least_32_characters_long", "reads like an example"),
    ("your-32-character-secret-key-here", "reads like an example"),
    ("REPLACE_ME_REPLACE_ME_NOW_REPLACE_ME", "reads like an example"),
    ("<generate one with openssl rand 24>", "reads like an example"),
    ("kJ8xkJ8xkJ8xkJ8xkJ8xkJ8xkJ8xkJ8xkJ8x", "repeats itself"),
    ("x" * 40, "repeats itself"),
    ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "counts up or down"),
    ("zyxwvutsrqponmlkjihgfedcba9876543210", "counts up or down"),
    ("k1bk1bk1k1bbkk11bkb1k1kb1bk1kkb1b1kb", "too few different characters"),
]


def findings(password: object, **more: object) -> list[Finding]:
    return list(check_passwords(config(cookie_password=password, **more)))


@pytest.mark.parametrize(("password", "words"), WEAK)
def test_weak_password_is_a_fault_that_says_why_and_what_to_do(password, words):
    (finding,) = findings(password)
    assert (finding.check, finding.status) == ("password.strength", "fault")
    assert words in finding.message
    assert "authkit-asgi generate-password" in finding.advice
    assert password not in Report([finding]).as_text() + Report([finding]).as_json()


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        (string.ascii_letters + string.digits + "-_", 43),
        ("0123456789abcdef", 32),
        ("0123456789", 36),
    ],
)
def test_password_drawn_at_random_passes(alphabet, length):
    source = random.Random(2026)  # noqa: S311  # the same each time
    for _ in range(200):
        (finding,) = findings("".join(source.choices(alphabet, k=length)))
        assert finding.status == "ok", finding.message


def test_password_that_is_another_secret_of_the_settings_is_a_fault():
    key = Fernet.generate_key().decode()
    api_key = f"sk_test_{RANDOM}"
    for finding in (
        *findings(key, legacy_fernet_key=[key]),
        *findings(api_key, api_key=api_key),
        *findings(f"client_{RANDOM}", client_id=f"client_{RANDOM}"),
    ):
        assert finding.status == "fault"
        assert "another of the settings" in finding.message


@pytest.mark.parametrize("password", [f'"{RANDOM}"', f"'{RANDOM}'", f"{RANDOM} ", f"\n{RANDOM}"])
def test_password_in_quotation_marks_or_blanks_is_a_warning(password):
    strength, form = findings(password)
    assert strength.status == "ok"
    assert (form.check, form.status) == ("password.form", "warning")
    assert "quotation mark" in form.message
    assert "another kit" in form.advice


def test_each_of_several_passwords_is_looked_at_and_named_by_its_place():
    newest, previous, sentence = findings([RANDOM], cookie_password_previous=["x" * 32])
    assert newest.status == "ok"
    assert "(1 of 2)" in newest.message
    assert previous.status == "fault"
    assert "(2 of 2)" in previous.message
    assert (sentence.check, sentence.status) == ("password.rotation", "ok")
    assert "2 passwords" in sentence.message


def test_passwords_of_a_mapping_are_named_by_their_ids():
    newest, other, _ = findings({"2026": RANDOM, "2025": OTHER_RANDOM})
    assert "'2026'" in newest.message
    assert "'2025'" in other.message

"""The keys of workos-python's cookies: all that the SDK takes, and faults for all else."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from emulated import PASSWORD, service, settings
from outdated import LEGACY_KEY, sealed_by_sdk

from authkit_asgi.config import AuthKitConfig
from authkit_asgi.errors import ConfigurationError

MARKER = "secret-marker"
STANDARD_ALPHABET = "+/" * 21 + "8="


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("x" * 44, "is no Fernet key: 44 characters of base64"),
        ("", "is no Fernet key"),
        (MARKER, "is no Fernet key"),
        ("é" * 44, "is no Fernet key"),
        ("\udcff" * 44, "is no Fernet key"),
        (LEGACY_KEY[:-1], "is no Fernet key"),
        (PASSWORD, "is no Fernet key"),
        ([LEGACY_KEY, "A" * 43], "is no Fernet key"),
        ([LEGACY_KEY] * 11, "holds more than 10 keys"),
    ],
)
def test_fault_is_named_without_a_value(keys, words):
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig(**settings(legacy_fernet_key=keys))
    (problem,) = caught.value.problems
    assert problem.startswith(f"WORKOS_LEGACY_FERNET_KEY (legacy_fernet_key) {words}")
    assert MARKER not in problem
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@pytest.mark.parametrize("keys", [None, 1, LEGACY_KEY.encode(), [LEGACY_KEY.encode()]])
def test_wrong_type_is_a_fault(keys):
    with pytest.raises(ConfigurationError) as caught:
        AuthKitConfig(**settings(legacy_fernet_key=keys))
    (problem,) = caught.value.problems
    assert problem.startswith("legacy_fernet_key has")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "keys",
    [
        LEGACY_KEY,
        [LEGACY_KEY],
        [Fernet.generate_key().decode(), LEGACY_KEY],
        [LEGACY_KEY] * 10,
        f" {LEGACY_KEY}\n",
    ],
    ids=["text", "one", "second", "ten", "line of a file"],
)
async def test_keys_that_the_sdk_takes_open_its_cookies(emulator, keys):
    authkit = service(emulator, legacy_fernet_key=keys)
    loaded = await authkit.load([sealed_by_sdk(emulator.sign_in("user_ada"))])
    assert (loaded.auth.user.id, loaded.is_outdated) == ("user_ada", True)


@pytest.mark.anyio
async def test_key_in_the_standard_alphabet_is_one(emulator):
    authkit = service(emulator, legacy_fernet_key=STANDARD_ALPHABET)
    cookie = sealed_by_sdk(emulator.sign_in("user_ada"), STANDARD_ALPHABET)
    assert (await authkit.load([cookie])).auth.user.id == "user_ada"


def test_repr_shows_no_key():
    config = AuthKitConfig(**settings(legacy_fernet_key=LEGACY_KEY))
    assert LEGACY_KEY not in repr(config)

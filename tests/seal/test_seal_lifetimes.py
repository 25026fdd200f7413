"""The lifetimes of seals."""

from __future__ import annotations

import pytest
from seal_factory import PASSWORD, SESSION, fields_of

from authkit_asgi.errors import SealError
from authkit_asgi.seal import seal, unseal, unseal_by
from authkit_asgi.seal_passwords import keyed_newest_first

NOW = 1_767_225_600.0


def _now() -> float:
    return NOW


@pytest.mark.parametrize("seconds", [0, 599, 600, 659.998])
def test_unseal_before_the_expiry_and_the_skew_are_over_opens(seconds):
    sealed = seal(SESSION, PASSWORD, ttl=600, clock=_now)
    assert unseal(sealed, PASSWORD, clock=lambda: NOW + seconds) == SESSION
    assert unseal(sealed, PASSWORD, ttl=600, clock=lambda: NOW + seconds) == SESSION


@pytest.mark.parametrize("ttl", [0, 600, 10_000])
@pytest.mark.parametrize("seconds", [660, 661, 10**9])
def test_unseal_after_the_expiry_and_the_skew_refuses(seconds, ttl):
    sealed = seal(SESSION, PASSWORD, ttl=600, clock=_now)
    with pytest.raises(SealError, match="expired"):
        unseal(sealed, PASSWORD, ttl=ttl, clock=lambda: NOW + seconds)


def test_unseal_without_a_ttl_reads_a_seal_that_never_expires():
    sealed = seal(SESSION, PASSWORD)
    assert unseal(sealed, PASSWORD) == SESSION
    assert unseal_by(keyed_newest_first(PASSWORD), sealed.encode()) == SESSION


def test_unseal_with_a_ttl_of_a_seal_that_never_expires_refuses():
    with pytest.raises(SealError, match="no expiry"):
        unseal(seal(SESSION, PASSWORD), PASSWORD, ttl=600)


def test_unseal_with_a_ttl_of_a_seal_that_lives_longer_refuses():
    sealed = seal(SESSION, PASSWORD, ttl=660, clock=_now)
    assert unseal(sealed, PASSWORD, ttl=600, clock=_now) == SESSION
    with pytest.raises(SealError, match="longer"):
        unseal(sealed, PASSWORD, ttl=600, clock=lambda: NOW - 0.001)


def test_seal_with_a_ttl_carries_the_expiry_in_milliseconds():
    assert fields_of(seal(SESSION, PASSWORD, ttl=600, clock=_now))[5] == "1767226200000"

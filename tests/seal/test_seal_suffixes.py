"""The suffixes of seals: none, ~1 and ~2 are the kits', all others are refused."""

from __future__ import annotations

import pytest
from seal_factory import PASSWORD, authentic

from authkit_asgi.errors import SealError
from authkit_asgi.seal import unseal


@pytest.mark.parametrize("suffix", ["", "~2"])
def test_unseal_with_no_suffix_or_2_returns_the_payload(suffix):
    assert unseal(authentic(b'{"persistent":{"a":1}}', suffix=suffix), PASSWORD) == {
        "persistent": {"a": 1}
    }


def test_unseal_with_suffix_1_returns_what_is_persistent():
    sealed = authentic(b'{"persistent":{"a":1},"flash":{"b":2}}', suffix="~1")
    assert unseal(sealed, PASSWORD) == {"a": 1}


@pytest.mark.parametrize(
    "payload",
    [
        b'{"a":1}',
        b'{"persistent":{},"a":1}',
        b'{"persistent":null}',
        b'{"persistent":[1]}',
        b'{"flash":{}}',
        b"{}",
        b"[]",
        b"null",
        b'"persistent"',
    ],
)
def test_unseal_with_suffix_1_on_any_other_payload_refuses(payload):
    with pytest.raises(SealError):
        unseal(authentic(payload, suffix="~1"), PASSWORD)


@pytest.mark.parametrize(
    "suffix", ["~", "~0", "~3", "~02", "~22", "~2~2", "~2 ", "~²", "2", "~2\n"]
)
def test_unseal_with_any_other_suffix_refuses(suffix):
    with pytest.raises(SealError):
        unseal(authentic(suffix=suffix), PASSWORD)

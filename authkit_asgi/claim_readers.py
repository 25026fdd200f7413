"""What the claims of an access token have to be, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authkit_asgi.auth import Claims, freeze
from authkit_asgi.errors import UnacceptableClaimsError

_MAX_DATE = 253_402_300_799
"""The last second of the year 9999, the latest that `datetime` knows."""


def read_claims(payload: dict[str, Any]) -> Claims:
    """Return the claims of a payload as they are given out, each of them what it has to be.

    Raises:
        UnacceptableClaimsError: One of them is not, or is missing.
    """
    claims = Claims(payload)
    for name, value in payload.items():
        kind = type(value)
        if kind is str:
            if value and name not in _NO_TEXT:
                continue  # most of them: text, where text or anything may be
        elif kind is int and 0 <= value <= _MAX_DATE and name not in _NO_DATES:
            continue
        elif kind is list and name in _LISTS and _ONLY_STRINGS.issuperset(map(type, value)):
            dict.__setitem__(claims, name, tuple(value))  # nobody else has them yet
            continue
        claim = _READERS.get(name, freeze)(value)
        if claim is _UNFIT:
            raise UnacceptableClaimsError(
                f"The access token's {name} claim is not what it has to be"
            )
        if claim is not value:
            dict.__setitem__(claims, name, claim)
    if not claims.keys() >= _REQUIRED:
        raise UnacceptableClaimsError("The access token lacks one of the claims exp, sub and sid")
    return claims


def _read_string(value: Any) -> Any:
    return value if isinstance(value, str) else _UNFIT


def _read_date(value: Any) -> Any:
    # `type`, as bool is an int; the bounds also keep out infinity, NaN and what no float can hold.
    return int(value) if type(value) in (int, float) and 0 <= value <= _MAX_DATE else _UNFIT


def _read_object(value: Any) -> Any:
    return freeze(value) if isinstance(value, dict) else _UNFIT


def _read_user_profile(value: Any) -> Any:
    # Agents' and widgets' tokens bear the signature of the same key.
    return value if value is None or value == "user" else _UNFIT


def _read_unfit(_: Any) -> Any:
    return _UNFIT


def _read_absent(value: Any) -> Any:
    return value if value is None else _UNFIT


_UNFIT = object()
_ONLY_STRINGS = frozenset({str})
_LISTS = frozenset({"roles", "permissions", "entitlements", "feature_flags"})
_REQUIRED = {"exp", "sub", "sid"}
_TEXT_READERS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("sub", "sid"), _read_unfit),  # text that is not empty needs no reader
    **dict.fromkeys(("iss", "jti", "org_id", "role"), _read_string),
}
_DATE_READERS = dict.fromkeys(("exp", "iat", "nbf", "auth_time"), _read_date)
_OTHER_READERS: dict[str, Callable[[Any], Any]] = {
    **_DATE_READERS,
    **dict.fromkeys(_LISTS, _read_unfit),
    "act": _read_object,
    "sub_profile": _read_user_profile,
    "sub_type": _read_absent,
}
_READERS = {**_TEXT_READERS, **_OTHER_READERS}
"""What a claim has to be if it is there, and what is made of it; any other may be anything."""

_NO_TEXT = frozenset(_OTHER_READERS)
"""Those for which being text does not settle it."""

_NO_DATES = frozenset(_READERS) - frozenset(_DATE_READERS)
"""Those for which being a date does not."""

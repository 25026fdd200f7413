"""Cookie passwords as seals use them: by id, and in the order in which they count."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.hmac import HMAC

from authkit_asgi.errors import SealError
from authkit_asgi.passwords import MAX_PASSWORDS, MIN_PASSWORD_LENGTH, PASSWORD_ID, CookiePassword

_DEFAULT_ID = "1"  # what every kit writes when it is given a single password
_SHA1 = SHA1()  # noqa: S303  # the format's choice, and no weakness in HMAC


def keyed_newest_first(password: CookiePassword) -> dict[str, HMAC]:
    """Return what derives keys by each password, in the order and for the errors of `newest_first`.

    That is an HMAC keyed with it: to be copied, and never used itself.
    """
    return {one: keyed_with(secret) for one, secret in newest_first(password).items()}


def keyed_with(secret: bytes) -> HMAC:
    """Return what derives keys by one password."""
    return HMAC(secret, _SHA1)


def newest_first(password: CookiePassword) -> dict[str, bytes]:
    """Return the passwords by their ids, the one that seals first.

    Raises:
        SealError: One of them cannot be used.
    """
    if isinstance(password, str):
        return {_DEFAULT_ID: _secret(password)}
    if isinstance(password, Mapping):
        passwords = _order(password)
    else:
        passwords = {str(number): each for number, each in enumerate(password, start=1)}
    if not 1 <= len(passwords) <= MAX_PASSWORDS:
        raise SealError(f"Give at least one password and at most {MAX_PASSWORDS}")
    return {password_id: _secret(each) for password_id, each in passwords.items()}


def _order(passwords: Mapping[str, str]) -> dict[str, str]:
    if not all(PASSWORD_ID.fullmatch(password_id) for password_id in passwords):
        raise SealError("A password id has 1 to 64 letters, digits and underscores")
    if all(password_id.isdigit() for password_id in passwords):
        return dict(sorted(passwords.items(), key=lambda item: int(item[0]), reverse=True))
    return dict(reversed(list(passwords.items())))


def _secret(password: str) -> bytes:
    # A character has one or two units: only a short text has to be measured in them.
    if (
        len(password) < MIN_PASSWORD_LENGTH
        and len(password.encode("utf-16-le", "surrogatepass")) < 2 * MIN_PASSWORD_LENGTH
    ):
        raise SealError(f"A password has at least {MIN_PASSWORD_LENGTH} characters")
    try:
        return password.encode()
    except UnicodeEncodeError:
        pass
    raise SealError("A password must be valid Unicode text")

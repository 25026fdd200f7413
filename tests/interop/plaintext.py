"""What is in a seal, octet for octet."""

from __future__ import annotations

from authkit_asgi.seal import _GRAMMAR, _decrypt, _derive_key
from authkit_asgi.seal_passwords import keyed_newest_first


def plaintext(sealed: str, password: str) -> str:
    """Return the text that was sealed, whose MAC `unseal` checks and this does not."""
    match = _GRAMMAR.fullmatch(sealed.encode())
    assert match is not None
    (keyed,) = keyed_newest_first(password).values()
    key = _derive_key(keyed, match["salt"])
    return _decrypt(match["ciphertext"], key, match["iv"]).decode()

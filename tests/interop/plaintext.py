"""What is in a seal, octet for octet."""

from __future__ import annotations

from authkit_asgi.seal import _GRAMMAR, _decrypt, _derive_key


def plaintext(sealed: str, password: str) -> str:
    """Return the text that was sealed, whose MAC `unseal` checks and this does not."""
    match = _GRAMMAR.fullmatch(sealed.encode())
    assert match is not None
    key = _derive_key(password.encode(), match["salt"])
    return _decrypt(match["ciphertext"], key, match["iv"]).decode()

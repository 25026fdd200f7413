"""A certificate for the https sites of these tests, and what makes the browser trust it."""

from __future__ import annotations

import base64
import hashlib
import ssl
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Certificate:
    """Signed by an authority of its own, whose key is gone with this object.

    The browser is told the hash of the certificate's one key. Its own store of authorities would
    take `certutil` and belongs to the user's account; `ignore_https_errors` would let every
    certificate pass, and with it a site served under the wrong name or key.
    """

    def __init__(self, folder: Path, *names: str) -> None:
        self._authority = trustme.CA()
        issued = self._authority.issue_cert(*names)
        self.path = folder / "certificate-and-key.pem"
        issued.private_key_and_cert_chain_pem.write_to_path(self.path)
        certificate = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
        self._key = certificate.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )

    @property
    def browser_argument(self) -> str:
        """What Chromium is started with; it counts only with a user-data directory."""
        digest = base64.b64encode(hashlib.sha256(self._key).digest()).decode()
        return f"--ignore-certificate-errors-spki-list={digest}"

    def client_context(self) -> ssl.SSLContext:
        """Return the settings of a client that trusts the authority."""
        context = ssl.create_default_context()
        self._authority.configure_trust(context)
        return context

"""Whoever answers in WorkOS's place is told nothing without a certificate that is trusted."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from emulated import sealed, settings

from authkit_asgi import AuthKit, AuthKitConfig, SignedOutReason, WorkOSUnavailableError

pytestmark = pytest.mark.anyio

ADDRESS, ELSEWHERE = ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("127.0.0.2")


@dataclass
class Impostor:
    """A server with a certificate that it has made itself, which writes down what it is asked."""

    certificate: Path
    url: str = ""
    asked: list[bytes] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readline())
        writer.write(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()


def certificate(path: Path, address: ipaddress.IPv4Address) -> Path:
    """Write a certificate, and the key that has signed it, which is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.workos.com")])
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, public, x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return path


@asynccontextmanager
async def impostor(path: Path) -> AsyncIterator[Impostor]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    served = Impostor(path)
    async with await asyncio.start_server(served.answer, "127.0.0.1", 0, ssl=context) as server:
        served.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield served


async def check_unavailable(authkit: AuthKit, cookie: str) -> None:
    """See that neither keys nor new tokens are to be had."""
    loaded = await authkit.load([cookie])
    assert loaded.auth.reason is SignedOutReason.TEMPORARILY_UNAVAILABLE
    with pytest.raises(WorkOSUnavailableError):
        await authkit.api.exchange_refresh_token("refresh_1", None)
    await authkit.aclose()


async def test_server_with_a_certificate_of_its_own_is_told_nothing(emulator, tmp_path):
    cookie, clock = sealed(emulator.sign_in("user_ada")), emulator._state.clock
    async with impostor(certificate(tmp_path / "own.pem", ADDRESS)) as served:
        config = AuthKitConfig(**settings(api_base_url=served.url))
        await check_unavailable(AuthKit(config, clock=clock), cookie)
        assert served.asked == []

        trusting = ssl.create_default_context(cafile=served.certificate)
        factory = partial(httpx.AsyncClient, verify=trusting)
        await check_unavailable(AuthKit(config, http_client_factory=factory, clock=clock), cookie)
        assert [line.split()[0] for line in served.asked] == [b"GET", b"POST"]


async def test_trusted_certificate_of_another_server_counts_for_nothing(
    emulator, tmp_path, monkeypatch
):
    path = certificate(tmp_path / "another.pem", ELSEWHERE)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    async with impostor(path) as served:
        config = AuthKitConfig(**settings(api_base_url=served.url))
        authkit = AuthKit(config, clock=emulator._state.clock)
        await check_unavailable(authkit, sealed(emulator.sign_in("user_ada")))
        assert served.asked == []

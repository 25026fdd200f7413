"""Every `Authorization` header worth a try, and what it comes to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from bearer_site import ISSUERS, authorization
from joserfc.jwk import RSAKey

from authkit_asgi import AuthKit
from authkit_asgi.testing import WorkOSEmulator

Sent = list[tuple[str, str]]

VALID, MISSING, MALFORMED, REFUSED, EXPIRED, UNAVAILABLE = (
    "valid",
    "missing",
    "malformed",
    "refused",
    "expired",
    "unavailable",
)


def claims_of(emulator: WorkOSEmulator, **changes: Any) -> dict[str, Any]:
    """Return the claims of a token of Ada's; a change to `None` leaves the claim out."""
    token = emulator.sign_in("user_ada", "org_acme")["access_token"]
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def token_with(emulator: WorkOSEmulator, **changes: Any) -> str:
    return emulator.mint_access_token(claims_of(emulator, **changes))


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _unsigned(emulator: WorkOSEmulator) -> str:
    return f"{_segment({'alg': 'none', 'typ': 'JWT'})}.{_segment(claims_of(emulator))}."


def _signed_with_the_public_key(emulator: WorkOSEmulator) -> str:
    key = emulator._state.keys.current
    header = {"alg": "HS256", "typ": "JWT", "kid": key.kid}
    signed = f"{_segment(header)}.{_segment(claims_of(emulator))}"
    digest = hmac.digest(key.as_pem(private=False), signed.encode(), hashlib.sha256)
    return f"{signed}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def _of_another_key(emulator: WorkOSEmulator) -> str:
    kid = emulator._state.keys.current.kid
    key = RSAKey.generate_key(2048, {"kid": kid})
    return emulator.mint_access_token(claims_of(emulator), key=key)


def _other_kid(emulator: WorkOSEmulator) -> str:
    return emulator.mint_access_token(claims_of(emulator), header={"kid": "another"})


def _encrypted(emulator: WorkOSEmulator) -> str:
    header = {"alg": "RSA-OAEP", "enc": "A256GCM", "kid": emulator._state.keys.current.kid}
    return ".".join([_segment(header), *("AAAA",) * 4])


def _with_a_null_client(emulator: WorkOSEmulator) -> str:
    return emulator.mint_access_token({**claims_of(emulator), "client_id": None})


TOKENS: dict[str, tuple[Callable[[WorkOSEmulator], str], str]] = {
    "of a client": (token_with, VALID),
    "whose issuer names the client": (
        lambda e: token_with(e, client_id=None, iss=ISSUERS[1]),
        VALID,
    ),
    "expired": (lambda e: token_with(e, exp=int(e._state.clock()) - 100), EXPIRED),
    "not valid yet": (lambda e: token_with(e, nbf=int(e._state.clock()) + 100), REFUSED),
    "of another key": (_of_another_key, REFUSED),
    "of an unknown key": (_other_kid, REFUSED),
    "of another issuer": (lambda e: token_with(e, iss="https://evil.example"), REFUSED),
    "of an issuer alike": (lambda e: token_with(e, iss=f"{ISSUERS[0]}/"), REFUSED),
    "without an issuer": (lambda e: token_with(e, iss=None), REFUSED),
    "of another client": (lambda e: token_with(e, client_id="client_other"), REFUSED),
    "of no client": (_with_a_null_client, REFUSED),
    "that names no client": (lambda e: token_with(e, client_id=None, iss=ISSUERS[0]), REFUSED),
    "without a session": (lambda e: token_with(e, sid=None), REFUSED),
    "of an agent": (lambda e: token_with(e, sub_profile="agent"), REFUSED),
    "unsigned": (_unsigned, REFUSED),
    "signed with the public key": (_signed_with_the_public_key, REFUSED),
    "encrypted": (_encrypted, REFUSED),
    "garbage": (lambda _: "garbage", REFUSED),
    "an API key": (lambda _: "sk_test_1234567890", REFUSED),
}

HEADERS: dict[str, tuple[Callable[[str], Sent], str]] = {
    "none": (lambda _: [], MISSING),
    "small letters": (lambda token: [authorization(token, "bearer")], VALID),
    "capitals": (lambda token: [authorization(token, "BEARER")], VALID),
    "two spaces": (lambda token: [authorization(f" {token}")], VALID),
    "blanks around": (lambda token: [("authorization", f" \tBearer {token}\t ")], VALID),
    "empty": (lambda _: [("authorization", "")], MISSING),
    "basic": (lambda _: [("authorization", "Basic dXNlcjpwYXNz")], MISSING),
    "the token alone": (lambda token: [("authorization", token.replace(".", "-"))], MISSING),
    "a scheme that begins alike": (lambda token: [authorization(token, "Bearers")], MISSING),
    "in a query": (
        lambda token: [("referer", f"https://a.example/?access_token={token}")],
        MISSING,
    ),
    "no token": (lambda _: [("authorization", "Bearer")], MALFORMED),
    "a blank token": (lambda _: [("authorization", "Bearer   ")], MALFORMED),
    "twice": (lambda token: [authorization(token), authorization(token)], MALFORMED),
    "twice, one of them basic": (
        lambda token: [("authorization", "Basic dXNlcjpwYXNz"), authorization(token)],
        MALFORMED,
    ),
    "joined": (lambda token: [authorization(f"{token}, Bearer {token}")], MALFORMED),
    "two tokens": (lambda token: [authorization(f"{token} {token}")], MALFORMED),
    "a tab": (lambda token: [("authorization", f"Bearer\t{token}")], MALFORMED),
    "a control character": (lambda token: [authorization(f"{token}\x01")], MALFORMED),
    "a control character before": (lambda token: [authorization(token, "\x0bBearer")], MALFORMED),
    "quotes": (lambda token: [authorization(f'"{token}"')], MALFORMED),
    "padding inside": (lambda token: [authorization(token.replace(".", "=.", 1))], MALFORMED),
    "beyond ASCII": (lambda token: [authorization(f"{token}é")], MALFORMED),
    "long": (lambda token: [authorization(token + "A" * 16_384)], MALFORMED),
}


def sent(name: str, emulator: WorkOSEmulator) -> tuple[Sent, str]:
    """Return the header of a case and what becomes of it."""
    if name in TOKENS:
        make, verdict = TOKENS[name]
        return [authorization(make(emulator))], verdict
    write, verdict = HEADERS[name]
    return write(token_with(emulator)), verdict


async def signed_out(emulator: WorkOSEmulator, kit: AuthKit) -> Sent:
    """Return the header of a session that ends before its token does."""
    claims = claims_of(emulator)
    await kit.coordinator.end(claims["sid"])
    return [authorization(emulator.mint_access_token(claims))]

"""Key ids as weapons: what they may not reach, and how little a flood of them may cost."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from emulated import shown
from hypothesis import given
from hypothesis import strategies as st
from token_factory import (
    HEADER,
    ISSUER,
    JWKS_URL,
    NOW,
    KeyServer,
    make_token,
    make_verifier,
    patient,
    refusal,
    signing_key,
    with_header,
)

from authkit_asgi.errors import UnknownKeyError
from authkit_asgi.tokens import AccessTokenVerifier

pytestmark = pytest.mark.anyio

INJECTIONS = [
    "../../../../dev/null",
    "..%2f..%2fkey_1",
    "/etc/passwd",
    "C:\\Windows\\win.ini",
    "file:///dev/null",
    "https://evil.example/keys",
    "//evil.example/keys",
    "?kid=key_1",
    "#key_1",
    "key_1' OR '1'='1",
    "x' UNION SELECT 'secret'; --",
    "key_1; rm -rf /",
    "$(id)",
    "`id`",
    "|id",
    "${jndi:ldap://evil.example/a}",
    "{{7*7}}",
    "{0.__class__}",
    "%(kid)s",
    "%n%n%n",
    "*)(uid=*",
    "<script>alert(1)</script>",
    "__proto__",
    "constructor",
    "__class__",
    "None",
    "null",
    "0",
    "key_1\r\nINFO forged",
    "key_1\x00",
    "\x1b[2Jkey_1",
    " key_1",
    "key_1 ",
    "KEY_1",
    "key_1\N{COMBINING ACUTE ACCENT}",
    "\N{FULLWIDTH LATIN SMALL LETTER K}ey_1",
    "\N{RIGHT-TO-LEFT OVERRIDE}1_yek",
    "\N{GRINNING FACE}" * 500,
    "k" * 11_000,
    ".",
    " ",
]


@pytest.mark.parametrize("kid", INJECTIONS, ids=lambda kid: ascii(kid)[:30])
async def test_verify_kid_is_a_name_to_look_up_and_nothing_else(kid, caplog):
    caplog.set_level(logging.DEBUG)
    server = KeyServer()
    error = await refusal(with_header(kid=kid), server=server)
    assert type(error) is UnknownKeyError
    assert set(server.asked) == {JWKS_URL}
    assert [record for record in caplog.records if record.name.startswith("authkit_asgi")] == []
    assert shown(error) == shown(await refusal(with_header(kid="made_up")))


@patient
@given(st.text(min_size=1).filter(lambda kid: kid != "key_1"))
def test_verify_any_other_kid_is_refused_and_asks_one_address(kid):
    server = KeyServer()
    asyncio.run(refusal(with_header(kid=kid), server=server))
    assert set(server.asked) <= {JWKS_URL}


class Turnstile(KeyServer):
    """A key server that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.opened.set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        response = self(request)
        await self.opened.wait()
        return response

    def verifier(self) -> AccessTokenVerifier:
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        return AccessTokenVerifier(
            JWKS_URL, http_client=client, clock=lambda: NOW, issuers=[ISSUER]
        )


def flood(count: int) -> list[str]:
    return [make_token({**HEADER, "kid": f"made_up_{number}"}) for number in range(count)]


async def outcomes(verifier: AccessTokenVerifier, tokens: list[str]) -> set[type]:
    results = await asyncio.gather(*map(verifier.verify, tokens), return_exceptions=True)
    return {type(result) for result in results}


@pytest.mark.parametrize("warm", [True, False])
async def test_verify_flood_of_made_up_kids_asks_twice_at_most(warm):
    server = KeyServer()
    verifier = make_verifier(server)
    if warm:
        await verifier.verify(make_token())
    tokens = flood(1000)
    assert await outcomes(verifier, tokens[:500]) == {UnknownKeyError}
    assert await outcomes(verifier, tokens[500:]) == {UnknownKeyError}
    assert len(server.asked) <= 2
    await verifier.verify(make_token())
    assert len(server.asked) <= 2
    assert len(verifier._known_headers) == 1


async def test_verify_key_that_something_authentic_names_is_looked_for_in_spite_of_made_up_ones():
    server = KeyServer()
    verifier = make_verifier(server)
    assert await outcomes(verifier, flood(1)) == {UnknownKeyError}
    asked = len(server.asked)
    assert await outcomes(verifier, flood(3)) == {UnknownKeyError}
    assert len(server.asked) == asked
    with pytest.raises(UnknownKeyError):
        await verifier.verify(with_header(kid="key_2"), is_vouched=True)
    assert len(server.asked) == asked + 1


async def test_verify_token_of_a_known_key_does_not_wait_for_a_flood_that_hangs():
    server = Turnstile()
    verifier = server.verifier()
    await verifier.verify(make_token())
    server.opened.clear()
    waiting = [asyncio.create_task(verifier.verify(token)) for token in flood(1000)]
    await asyncio.sleep(0)
    for sub in ("user_1", "user_2"):
        token = make_token(claims={**dict(await verifier.verify(make_token())), "sub": sub})
        assert (await verifier.verify(token)).sub == sub
    assert not any(task.done() for task in waiting)
    server.opened.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {UnknownKeyError}
    assert len(server.asked) == 2


async def test_verify_forged_tokens_under_a_known_kid_ask_for_nothing():
    server = KeyServer()
    verifier = make_verifier(server)
    await verifier.verify(make_token())
    forged = [
        make_token({**HEADER, "x": number}, key=signing_key("attacker")) for number in range(100)
    ]
    results = await asyncio.gather(*map(verifier.verify, forged), return_exceptions=True)
    assert not any(isinstance(result, dict) for result in results)
    assert len(server.asked) == 1
    assert len(verifier._known_headers) == 1

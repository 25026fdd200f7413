"""Two genuine session cookies of one user: which counts, and that it stays that one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from asgi_driver import Browser
from asgi_site import SESSION, sealed_session, site
from chunked_site import LARGE, chunked, resize
from emulated import PASSWORD
from jar_browser import JarBrowser
from outdated import ROTATING, WRITERS, sealed_by_older_password

from authkit_asgi.session import unseal_session
from authkit_asgi.testing import WorkOSEmulator

pytestmark = pytest.mark.anyio

SDKS = [name for name in WRITERS if "python" in name]


def browser_with(emulator: WorkOSEmulator, *cookies: tuple[str, str]) -> Browser:
    browser = Browser(site(emulator, **ROTATING))
    (name, first), *others = cookies
    browser.cookies[name] = "; ".join([first, *(f"{name}={value}" for name, value in others)])
    return browser


async def organization(browser: Browser) -> Any:
    return (await browser.get("/who")).json["organization"]


@pytest.mark.parametrize("lifetimes", [(300, 301), (300, 300)], ids=["later end", "same times"])
async def test_of_tokens_issued_in_one_second_the_same_counts_in_every_order(emulator, lifetimes):
    acme, globex = (
        sealed_session(emulator.sign_in("user_ada", f"org_{name}", lifetime=seconds))
        for name, seconds in zip(("acme", "globex"), lifetimes, strict=True)
    )
    first = await organization(browser_with(emulator, (SESSION, acme), (SESSION, globex)))
    second = await organization(browser_with(emulator, (SESSION, globex), (SESSION, acme)))
    assert first == second
    assert lifetimes == (300, 300) or first == "org_globex"


@pytest.mark.parametrize("order", [("acme", "globex"), ("globex", "acme")])
@pytest.mark.parametrize("is_outdated", [*itertools.product([False, True], repeat=2)])
async def test_cookie_of_a_sibling_beside_one_of_the_same_second_is_written_over_once(
    emulator, order: Sequence[str], is_outdated
):
    """No worker can delete it, so it comes with each request."""
    first, second = (
        (sealed_by_older_password if is_old else sealed_session)(
            emulator.sign_in("user_ada", f"org_{name}")
        )
        for name, is_old in zip(order, is_outdated, strict=True)
    )
    browser = JarBrowser(site(emulator, **ROTATING))
    browser.toss(f"{SESSION}={first}; Path=/; Secure", browser.origin)
    browser.toss(f"{SESSION}={second}; Path=/; Domain=example.com; Secure")
    answers = [await browser.get("/who") for _ in range(5)]
    assert len({answer.json["organization"] for answer in answers}) == 1
    assert [bool(answer.set_cookies) for answer in answers[1:]] == [False] * 4
    assert len(browser.named(SESSION)) == 2


@pytest.mark.parametrize("writer", SDKS)
@pytest.mark.parametrize("is_first", [True, False])
async def test_older_session_of_the_sdk_beside_one_of_ours_does_not_count(
    emulator, clock, writer, is_first
):
    legacy = (SESSION, WRITERS[writer](emulator.sign_in("user_ada", "org_globex")))
    clock.now += 1
    ours = (SESSION, sealed_session(emulator.sign_in("user_ada", "org_acme")))
    answer = await browser_with(emulator, *((legacy, ours) if is_first else (ours, legacy))).get(
        "/who"
    )
    assert (answer.json["organization"], answer.set_cookies) == ("org_acme", {})


@pytest.mark.parametrize("writer", SDKS)
async def test_older_session_of_the_sdk_beside_chunks_does_not_count(emulator, clock, writer):
    legacy = WRITERS[writer](emulator.sign_in("user_ada", "org_globex"))
    clock.now += 1
    chunks = chunked(emulator)
    answer = await browser_with(emulator, (SESSION, legacy), *chunks.items()).get("/who")
    assert (answer.json["organization"], answer.set_cookies) == ("org_acme", {})


@pytest.mark.parametrize("writer", SDKS)
async def test_newer_session_of_the_sdk_takes_the_place_of_chunks(emulator, clock, writer):
    chunks = chunked(emulator, size=LARGE)
    clock.now += 1
    resize(emulator, 0)
    answer = emulator.sign_in("user_ada", "org_globex")
    browser = JarBrowser(site(emulator, **ROTATING))
    for name, value in (*chunks.items(), (SESSION, WRITERS[writer](answer))):
        browser.toss(f"{name}={value}; Path=/; Secure", browser.origin)
    assert await organization(browser) == "org_globex"
    assert browser.names(SESSION) == [SESSION]
    written = unseal_session(browser.named(SESSION)[0], PASSWORD)
    assert written.access_token == answer["access_token"]
    assert (await browser.get("/who")).set_cookies == {}


@pytest.mark.parametrize("writer", SDKS)
@pytest.mark.parametrize("is_first", [True, False])
async def test_session_of_the_sdk_beside_the_same_sealed_anew_is_left(emulator, writer, is_first):
    answer = emulator.sign_in("user_ada")
    legacy, ours = (SESSION, WRITERS[writer](answer)), (SESSION, sealed_session(answer))
    browser = browser_with(emulator, *((legacy, ours) if is_first else (ours, legacy)))
    assert (await browser.get("/who")).set_cookies == {}

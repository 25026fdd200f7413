"""The pytest plugin's fixtures, as tests of applications annotate them. mypy and pyright."""

from typing import Any, assert_type

import httpx
import playwright.async_api
from playwright.sync_api import BrowserContext, Page
from starlette.testclient import TestClient

from authkit_asgi.testing import (
    BreakWorkOS,
    EmulatedSession,
    EmulatedUser,
    ExpireSession,
    Outage,
    SignIn,
    WorkOSEmulator,
)


def test_clients(
    sign_in: SignIn,
    expire_session: ExpireSession,
    *,
    client: TestClient,
    plain: httpx.Client,
    asynchronous: httpx.AsyncClient,
    context: BrowserContext,
    page: Page,
) -> None:
    for one in (client, plain, asynchronous, context, page):
        assert_type(sign_in(one, permissions=["data:export"]), EmulatedSession)
        expire_session(one)


def test_arguments(sign_in: SignIn, authkit_emulator: WorkOSEmulator, client: TestClient) -> None:
    session = sign_in(
        client,
        authkit_emulator.add_user(email="ada@example.com"),
        organization=authkit_emulator.add_organization("Acme"),
        role="admin",
        permissions=("a",),
        feature_flags=[],
        entitlements=["b"],
        impersonator="eve@example.com",
        expires_in=-1,
        auth_age=0.5,
    )
    assert_type(session.user, EmulatedUser)
    assert_type(session.organization_id, str | None)
    sign_in(user="org_x", impersonator={"email": "eve@example.com", "reason": None})
    sign_in(client, permission="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    sign_in(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_asynchronous_browser(
    sign_in: SignIn, context: playwright.async_api.BrowserContext
) -> None:
    cookies: list[Any] = sign_in().playwright_cookies()
    await context.add_cookies(cookies)


def test_outage(break_workos: BreakWorkOS) -> None:
    with break_workos("authenticate", status=503, times=1) as outage:
        assert_type(outage, Outage)
    break_workos(reset="after").mend()
    break_workos(reset="never")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

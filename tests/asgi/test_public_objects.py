"""What a debugger's page, a log or a print shows of the package's objects: no secret."""

from __future__ import annotations

import asyncio
import copy
import html
import pickle
import pprint
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from asgi_driver import (
    FETCH,
    NAVIGATION,
    Answer,
    Browser,
    Headers,
    collect,
    http_scope,
    receive_of,
)
from asgi_site import SESSION, begin, query_of, sealed_session, site, visit
from emulated import PASSWORD, chain, service, shown
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import authkit_asgi
from authkit_asgi import AuthKit, AuthKitError, AuthKitMiddleware, auth_routes, get_session
from authkit_asgi.outcomes import refresh_key
from authkit_asgi.seal import seal, unseal
from authkit_asgi.session import unseal_session
from authkit_asgi.testing import HTML_PAGE, WorkOSEmulator

pytestmark = pytest.mark.anyio

_LONG_ENOUGH = 12  # characters; shorter pieces of a secret turn up by chance
API_KEY = "sk_test_emulator"


def pieces_of(*secrets: str) -> set[str]:
    """Return secrets, and the pieces between the dots and stars of tokens and seals."""
    pieces = {piece for secret in secrets for piece in secret.replace("*", ".").split(".")}
    return {piece for piece in {*secrets, *pieces} if len(piece) >= _LONG_ENOUGH}


def check_no_secret(text: str, *secrets: str) -> None:
    assert [one for one in pieces_of(PASSWORD, API_KEY, *secrets) if one in text] == []


SHOWN: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "str": str,
    "format": "{}".format,
    "percent": lambda value: "%s %r" % (value, value),  # noqa: UP031  # as logging does
    "pprint": pprint.pformat,
    "in a container": lambda value: repr([{"value": (value,)}]),
    "a copy": lambda value: repr(copy.copy(value)),
    "as a local": lambda value: "".join(with_locals(value)),
}


def with_locals(value: object) -> list[str]:
    """Return what tools show that print the locals of a frame."""
    try:
        assert value is None
    except AssertionError as error:
        return list(
            traceback.TracebackException.from_exception(error, capture_locals=True).format()
        )
    raise ValueError


async def every_object(emulator: WorkOSEmulator) -> tuple[dict[str, Any], list[str]]:
    """Return one of every kind of object that users or their debuggers meet, and its secrets."""
    authkit = service(emulator, cookie_password={"2": PASSWORD, "1": "x" * 32})
    begun = authkit.authorization_url(return_to="/x", custom_state="mine", login_hint="ada@x.y")
    redirect = await visit(emulator, begun.url.replace("ada%40x.y", "ada%40example.com"))
    code = query_of(redirect)["code"]
    result = await authkit.complete_sign_in(code, begun.state)
    successor = await authkit.refresh(result.session)
    loaded = await authkit.load([result.sealed])
    outcomes = [*authkit.coordinator.recall(refresh_key(result.session.refresh_token))]
    assert outcomes
    connection = authkit_asgi.AuthSession(authkit, {"headers": [], "type": "http"}, loaded)
    await connection.adopt(result)
    pending = authkit.unseal_state(begun.state)
    objects = {
        "config": authkit.config,
        "service": authkit,
        "its attributes": vars(authkit),
        "API": authkit.api,
        "SDK's client": authkit.api.client,
        "middleware": AuthKitMiddleware(Starlette(), authkit=authkit),
        "sign-in begun": begun,
        "pending sign-in": pending,
        "its cookie": begun.cookie,
        "sign-in completed": result,
        "session": result.session,
        "successor": successor,
        "coordinator": authkit.coordinator,
        "its attributes, too": vars(authkit.coordinator),
        "outcomes": outcomes,
        "loaded": loaded,
        "signed in": result.auth,
        "user": result.user,
        "connection": connection,
        "cookies to write": connection._cookies,
        "state": connection._scope["state"],
    }
    secrets = [code, begun.state, pending.code_verifier, result.sealed, successor.sealed]
    for session in (result.session, successor.session):
        secrets += [session.access_token, session.refresh_token or ""]
    return objects, secrets


@pytest.mark.parametrize("way", SHOWN)
async def test_no_object_shows_a_secret(emulator, way):
    objects, secrets = await every_object(emulator)
    for value in objects.values():
        if way == "a copy" and isinstance(value, (AuthKit, AuthKitMiddleware)):
            continue  # holds locks
        check_no_secret(SHOWN[way](value), *secrets)


async def test_objects_that_go_through_pickle_show_no_more_than_before(emulator):
    objects, secrets = await every_object(emulator)
    for kind in ("config", "sign-in completed", "session", "signed in", "sign-in begun"):
        clone = pickle.loads(pickle.dumps(objects[kind]))  # noqa: S301
        assert repr(clone) == repr(objects[kind])
        check_no_secret(repr(clone), *secrets)


def refusals(authkit: AuthKit, emulator: WorkOSEmulator) -> dict[str, tuple[Any, list[str]]]:
    """Return calls that fail, and the secrets each of them was given."""
    state = authkit.authorization_url().state
    answer = emulator.sign_in("user_ada", lifetime=-100)
    session = unseal_session(sealed_session(answer), PASSWORD)
    odd = seal({"codeVerifier": ["a verifier in a list"], "accessToken": 1}, PASSWORD, ttl=600)
    return {
        "a state that was changed": (lambda: authkit.complete_sign_in("a secret code", state[:-3]),
                                     [state, "a secret code"]),
        "a state without sign-in": (lambda: authkit.complete_sign_in("a secret code", odd),
                                    [odd, "a verifier in a list"]),
        "a code of nobody": (lambda: authkit.complete_sign_in("a secret code", state),
                             [state, "a secret code"]),
        "a refresh": (lambda: authkit.refresh(session),
                      [session.access_token, session.refresh_token]),
    }  # fmt: skip


FAULTS: dict[str, dict[str, Any]] = {
    "refused": {"status": 400, "body": {"error": "invalid_grant", "error_description": "an echo"}},
    "our credentials": {"status": 401, "body": {"error": "invalid_client", "echo": API_KEY}},
    "HTML": {"status": 502, "body": HTML_PAGE + API_KEY},
    "half a session": {"status": 200, "body": {"access_token": "a token that does not verify"}},
    "lost": {"reset": "after"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(
    "kind",
    ["a state that was changed", "a state without sign-in", "a code of nobody", "a refresh"],
)
async def test_no_error_shows_a_secret_nor_do_its_causes(emulator, kind, fault):
    authkit = service(emulator)
    call, secrets = refusals(authkit, emulator)[kind]
    emulator.fail("authenticate", times=None, **fault)
    with pytest.raises(AuthKitError) as caught:
        await call()
    error = caught.value
    check_no_secret(shown(error), *secrets)
    check_no_secret("".join(traceback.format_exception(error)), *secrets)
    for clone in (copy.copy(error), pickle.loads(pickle.dumps(error))):  # noqa: S301
        check_no_secret(shown(clone), *secrets)
    assert all("a token that" not in shown(one) for one in chain(error))


async def boom(request: Request) -> Response:
    session = get_session(request)
    raise RuntimeError(f"{session} {session.auth} {session.config}")


async def refresh(request: Request) -> Response:
    await get_session(request).refresh()
    raise AssertionError


async def refresh_in_a_group(request: Request) -> Response:
    async with asyncio.TaskGroup() as group:
        group.create_task(get_session(request).refresh())
    raise AssertionError


async def too_late(request: Request) -> Response:
    await get_session(request).flush()
    await get_session(request).sign_out()
    raise AssertionError


async def not_there(request: Request) -> Response:
    del request.scope["state"]
    raise LookupError(get_session(request))


ENDPOINTS = (boom, refresh, refresh_in_a_group, too_late, not_there)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.__name__)
@pytest.mark.parametrize("headers", [NAVIGATION, FETCH], ids=["a page", "plain text"])
async def test_debug_page_shows_no_secret(emulator, endpoint, headers):
    browser = Browser(site(emulator, [Route("/x", endpoint)]))
    browser.app.debug = True
    answer = emulator.sign_in("user_ada")
    browser.cookies[SESSION] = cookie = sealed_session(answer)
    emulator.fail("authenticate", times=None, status=401, body={"error": API_KEY})
    sent = await sent_before_raising(browser, "/x", headers)
    assert "Error" in sent
    assert endpoint.__name__ in sent
    content = unseal(cookie, PASSWORD)
    check_no_secret(sent, cookie, content["accessToken"], content["refreshToken"])


async def test_debug_page_of_a_hook_that_raises_shows_no_secret(emulator):
    def on_success(request: Request, result: authkit_asgi.SignInResult) -> None:
        raise RuntimeError(f"{result!r} {request!r}")

    app = Starlette(
        debug=True,
        routes=auth_routes(on_success=on_success),
        middleware=[Middleware(AuthKitMiddleware, authkit=service(emulator))],
    )
    browser = Browser(app)
    target = await begin(browser, emulator)
    (verifier,) = browser.cookies.values()
    sent = await sent_before_raising(browser, target, NAVIGATION)
    assert "RuntimeError" in sent
    check_no_secret(sent, verifier, query_of(target)["code"])


async def sent_before_raising(browser: Browser, target: str, headers: Headers) -> str:
    """Return the debug page, which is sent before the exception goes on to the server."""
    answer = Answer()
    scope = http_scope("GET", target, [*headers, *browser._cookie_header()])
    with pytest.raises((Exception, ExceptionGroup)):  # which of them, the page says
        await browser.app(scope, receive_of(), collect(answer))
    assert answer.status == 500
    return html.unescape(answer.text).replace("\xa0", " ")

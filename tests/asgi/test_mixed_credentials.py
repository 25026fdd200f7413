"""One request goes by one credential: guards that go by two refuse it, in whichever order."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_driver import FETCH, NAVIGATION
from bearer_site import authorization, bearer_service
from fastapi import Depends, FastAPI
from mixed_sites import (
    ACME,
    ARGUMENTS,
    GLOBEX,
    WAYS,
    assert_mixed,
    browser_of,
    made,
    page,
    token,
    with_async_functions,
    with_dependencies,
)
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from authkit_asgi import (
    AsyncGuard,
    AuthKitMiddleware,
    Caller,
    ForbiddenError,
    SignedIn,
    get_access_token,
    get_auth,
    guards,
    require,
    require_access_token,
    require_api_key,
    require_caller,
    require_signed_in,
)
from authkit_asgi import fastapi as dependencies
from authkit_asgi.fastapi import CurrentAuth, CurrentCaller, CurrentSession, CurrentUser

pytestmark = pytest.mark.anyio

ORDERS = pytest.mark.parametrize("order", [1, -1], ids=["header first", "cookie first"])


@pytest.mark.parametrize("way", WAYS)
@ORDERS
async def test_token_of_one_organization_adds_nothing_to_the_cookie_of_another(
    emulator, way, order
):
    def chosen(module: Any) -> tuple[Any, ...]:
        by_either = module.require_permission("data:export", bearer=True)
        by_cookie = module.require_organization(path_param="org_id")
        return (by_either, by_cookie)[::order]

    app = way(bearer_service(emulator), chosen)
    acme = token(emulator)
    browser = browser_of(app, emulator, "org_globex")
    assert (await browser.get(GLOBEX, FETCH)).status == 403
    assert_mixed(await browser.get(GLOBEX, [*FETCH, acme]))
    assert (await browser_of(app, emulator).get(GLOBEX, [*FETCH, acme])).status == 401
    assert (await browser_of(app, emulator, "org_acme").get(ACME, FETCH)).status == 200
    person = await browser.get(GLOBEX, [*NAVIGATION, acme])
    assert (person.status, "href" in person.text) == (403, False)
    denied = await browser.websocket(f"{GLOBEX}/ws", [acme])
    assert_mixed(denied)
    closed = await browser.websocket(f"{GLOBEX}/ws", [acme], denial=False)
    assert [message["type"] for message in closed.messages] == ["websocket.close"]
    assert closed.messages[0]["code"] == 1008


@pytest.mark.parametrize("way", [with_async_functions, with_dependencies])
@pytest.mark.parametrize("by_cookie", ARGUMENTS)
@pytest.mark.parametrize("by_either", ARGUMENTS)
@ORDERS
async def test_no_two_guards_go_by_two_credentials(emulator, way, by_cookie, by_either, order):
    enough = {"entitlements": ("audit-log",), "feature_flags": ("new-ui",)}
    permissions = ("data:export",)
    emulator.add_membership("user_ada", "org_acme", role="admin", permissions=permissions, **enough)

    def chosen(module: Any) -> tuple[Any, ...]:
        either = made(module, by_either, bearer=True)
        return (either, made(module, by_cookie, bearer=False))[::order]

    browser = browser_of(way(bearer_service(emulator), chosen), emulator, "org_acme")
    assert (await browser.get(ACME, FETCH)).status == 200
    assert_mixed(await browser.get(ACME, [*FETCH, token(emulator)]))


@pytest.mark.parametrize("name", ["token", "caller", "key", "key with a permission"])
@ORDERS
async def test_cookie_stands_beside_no_token_and_no_key(emulator, name, order):
    key = emulator.add_api_key("org_acme", permissions=("data:read",))
    of_starlette, of_fastapi = {
        "token": (require_access_token, dependencies.require_access_token),
        "caller": (require_caller, dependencies.require_caller),
        "key": (require_api_key(), dependencies.require_api_key()),
        "key with a permission": (
            require_api_key("data:read"),
            dependencies.require_api_key("data:read"),
        ),
    }[name]
    header = authorization(key.value) if "key" in name else token(emulator)
    kit = bearer_service(emulator)
    pairs = {
        with_async_functions: [(of_starlette, require_signed_in)],
        with_dependencies: [
            (of_fastapi, dependencies.require_auth),
            (of_fastapi, dependencies.require_user),
            (of_starlette, require_signed_in),
        ],
    }
    for way, several in pairs.items():
        for pair in several:
            browser = browser_of(way(kit, lambda _, pair=pair: pair[::order]), emulator, "org_acme")
            assert_mixed(await browser.get(ACME, [*FETCH, header]))


@pytest.mark.parametrize("way", WAYS)
async def test_guards_by_one_credential_add_up(emulator, way):
    def by_either(module: Any) -> tuple[Any, ...]:
        permission = module.require_permission("data:export", bearer=True)
        return (permission, module.require_organization(path_param="org_id", bearer=True))

    def by_cookie(module: Any) -> tuple[Any, ...]:
        permission = module.require_permission("data:export")
        return (permission, module.require_organization(path_param="org_id"))

    kit = bearer_service(emulator)
    browser = browser_of(way(kit, by_either), emulator, "org_globex")
    assert (await browser.get(ACME, [*FETCH, token(emulator)])).status == 200
    assert (await browser.get(GLOBEX, [*FETCH, token(emulator)])).status == 403
    assert (await browser.get(ACME, FETCH)).status == 403
    browser = browser_of(way(kit, by_cookie), emulator, "org_acme")
    for header in ([], [token(emulator, "org_globex")], [authorization("garbage")]):
        assert (await browser.get(ACME, [*FETCH, *header])).status == 200


@ORDERS
async def test_aliases_of_fastapi_that_ask_for_somebody_are_guards(emulator, order):
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=bearer_service(emulator))
    for path, by_cookie in {"/user": CurrentUser, "/auth": CurrentAuth}.items():
        kinds = (CurrentCaller, by_cookie)[::order]

        async def endpoint(first: Any, second: Any) -> str:
            return f"{first} {second}"

        endpoint.__annotations__ = dict(zip(("first", "second"), kinds, strict=True))
        app.add_api_route(path, endpoint)
    browser = browser_of(app, emulator, "org_acme")
    for path in ("/user", "/auth"):
        assert (await browser.get(path, FETCH)).status == 200
        assert_mixed(await browser.get(path, [*FETCH, token(emulator)]))


async def test_asking_settles_nothing(emulator):
    async def endpoint(request: Request) -> Response:
        auth, found = get_auth(request), await get_access_token(request)
        return PlainTextResponse(f"{auth.organization_id} {found and found.organization_id}")

    async def optional(session: Any, user: Any) -> str:
        return f"{session.auth.organization_id} {user.id}"

    optional.__annotations__ = {"session": CurrentSession, "user": dependencies.OptionalUser}
    app = FastAPI()
    app.add_middleware(AuthKitMiddleware, authkit=bearer_service(emulator))
    app.router.routes += [
        Route("/token", require(require_access_token)(endpoint)),
        Route("/cookie", require(require_signed_in)(endpoint)),
    ]
    depends = [Depends(dependencies.require_access_token)]
    app.add_api_route("/optional", optional, dependencies=depends)
    browser = browser_of(app, emulator, "org_globex")
    for path in ("/token", "/cookie"):
        assert (await browser.get(path, [*FETCH, token(emulator)])).text == "org_globex org_acme"
    answer = await browser.get("/optional", [*FETCH, token(emulator)])
    assert answer.json == "org_globex user_ada"


def own_plain(connection: HTTPConnection) -> SignedIn:
    auth = get_auth(connection)
    assert isinstance(auth, SignedIn)
    return auth


@AsyncGuard
async def own_of_the_cookie(connection: HTTPConnection) -> SignedIn:
    return own_plain(connection)


@AsyncGuard
async def own_of_the_header(connection: HTTPConnection) -> Caller:
    found = await get_access_token(connection)
    assert found is not None
    return found


@pytest.mark.parametrize("own", [own_plain, own_of_the_cookie])
@ORDERS
async def test_guards_of_ones_own_go_by_what_they_return(emulator, own, order):
    kit = bearer_service(emulator)
    for other in (require_caller, own_of_the_header):
        app = with_async_functions(kit, lambda _, pair=(other, own): pair[::order])
        browser = browser_of(app, emulator, "org_acme")
        assert_mixed(await browser.get(ACME, [*FETCH, token(emulator)]))
    if own is own_of_the_cookie:
        app = with_dependencies(kit, lambda _: (own_of_the_header, own)[::order])
        browser = browser_of(app, emulator, "org_acme")
        assert_mixed(await browser.get(ACME, [*FETCH, token(emulator)]))


async def test_guard_that_denies_settles_nothing(emulator):
    @AsyncGuard
    async def key_or_cookie(connection: HTTPConnection) -> Any:
        try:
            return await require_api_key("data:burn")(connection)
        except ForbiddenError:
            return require_signed_in(connection)

    @AsyncGuard
    async def admin_or_token(connection: HTTPConnection) -> Any:
        try:
            return guards.require_role("admin")(connection)
        except ForbiddenError:
            return await require_access_token(connection)

    @AsyncGuard
    async def token_or_cookie(connection: HTTPConnection) -> Any:
        try:
            return await guards.require_role("owner", bearer=True)(connection)
        except ForbiddenError:
            return require_signed_in(connection)

    key = emulator.add_api_key("org_acme", permissions=("data:read",))
    kit = bearer_service(emulator)
    for guard, header in (
        (key_or_cookie, authorization(key.value)),
        (admin_or_token, token(emulator)),
        (token_or_cookie, token(emulator)),
    ):
        app = with_async_functions(kit, lambda _, guard=guard: (guard,))
        browser = browser_of(app, emulator, "org_globex")
        assert (await browser.get(GLOBEX, [*FETCH, header])).status == 200


@pytest.mark.parametrize("way", [with_async_functions, with_dependencies])
async def test_behind_protect_no_token_and_no_key_counts(emulator, way):
    key = emulator.add_api_key("org_acme")
    kit = bearer_service(emulator)

    def by_token(module: Any) -> tuple[Any, ...]:
        return (module.require_permission("data:export", bearer=True),)

    def by_key(module: Any) -> tuple[Any, ...]:
        made_by = dependencies.require_api_key if module is dependencies else require_api_key
        return (made_by(),)

    for chosen, header in ((by_token, token(emulator)), (by_key, authorization(key.value))):
        app = way(kit, chosen, protect=True, public=(GLOBEX,))
        browser = browser_of(app, emulator, "org_acme")
        assert_mixed(await browser.get(ACME, [*FETCH, header]))
        assert (await browser.get(GLOBEX, [*FETCH, header])).status == 200
        assert (await browser_of(app, emulator).get(ACME, [*FETCH, header])).status == 401


async def test_protect_refuses_what_a_token_has_let_in_before(emulator):
    kit = bearer_service(emulator)
    protected = AuthKitMiddleware(Starlette(routes=[Route("/", page)]), authkit=kit, protect=True)

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        if await get_access_token(connection):
            await require_access_token(connection)
        await protected(scope, receive, send)

    browser = browser_of(AuthKitMiddleware(guarded, authkit=kit), emulator, "org_acme")
    assert (await browser.get("/", FETCH)).status == 200
    assert_mixed(await browser.get("/", [*FETCH, token(emulator)]))

"""The ASGI application: guards the door, logs, applies faults, calls the endpoint."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from authkit_asgi.testing.calls import Call, Endpoint
from authkit_asgi.testing.connections import drop, is_loopback, is_loopback_origin
from authkit_asgi.testing.faults import Fault, wait_for_disconnect, wait_seconds
from authkit_asgi.testing.identifiers import new_identifier
from authkit_asgi.testing.refusal import ErrorShape, Refusal
from authkit_asgi.testing.state import EmulatorState


class EmulatorApplication:
    """Serves the endpoints on loopback names only."""

    def __init__(self, state: EmulatorState, endpoints: Iterable[Endpoint]) -> None:
        self._state = state
        self._endpoints = tuple(endpoints)
        self._empty = Router()

    @property
    def endpoint_names(self) -> frozenset[str]:
        """The names that faults and counts take."""
        return frozenset(endpoint.name for endpoint in self._endpoints if not endpoint.control)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; lifespan is acknowledged, WebSockets are closed."""
        if scope["type"] != "http":
            await self._empty(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        response = await self._answer(request, body, receive, send)
        if response is not None:
            response.headers.setdefault("X-Request-ID", new_identifier("req"))
            await response(scope, receive, send)

    async def _answer(
        self, request: Request, body: bytes, receive: Receive, send: Send
    ) -> Response | None:
        if not is_loopback(request.headers.get("host", "")):
            return PlainTextResponse("The emulator answers to loopback names only.\n", 403)
        found = self._find(request, body)
        if isinstance(found, Response):
            return found
        endpoint, call = found
        if endpoint.control:
            origin = request.headers.get("origin")
            if origin is not None and not is_loopback_origin(origin):
                return PlainTextResponse("Only pages of this machine may do that.\n", 403)
            return self._handle(endpoint, call)
        return await self._answer_logged(endpoint, call, receive, send)

    def _find(self, request: Request, body: bytes) -> tuple[Endpoint, Call] | Response:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        method = "GET" if request.method == "HEAD" else request.method
        methods = set()
        for endpoint in self._endpoints:
            match = endpoint.pattern.fullmatch(path)
            if match is None:
                continue
            if endpoint.method == method:
                return endpoint, Call(request=request, body=body, path=match.groupdict())
            methods |= {"GET", "HEAD"} if endpoint.method == "GET" else {endpoint.method}
        if methods:
            return PlainTextResponse("", 405, headers={"Allow": ", ".join(sorted(methods))})
        # Not entity_not_found, which is for what an endpoint looks up.
        return JSONResponse({"message": "Not Found", "code": "not_found"}, 404)

    async def _answer_logged(
        self, endpoint: Endpoint, call: Call, receive: Receive, send: Send
    ) -> Response | None:
        grant_type = _grant_type(call) if endpoint.name == "authenticate" else None
        number = self._state.journal.open(
            at=self._state.clock(),
            method=call.request.method,
            path=call.request.scope["path"],
            endpoint=endpoint.name,
            grant_type=grant_type,
        )
        fault = self._state.faults.take(endpoint.name, grant_type)
        if fault is None:
            response: Response | None = self._handle(endpoint, call)
        else:
            response = await self._strike(fault, endpoint, call, receive, send)
        if response is not None:
            self._state.journal.close(number, response.status_code)
        return response

    async def _strike(
        self, fault: Fault, endpoint: Endpoint, call: Call, receive: Receive, send: Send
    ) -> Response | None:
        released = self._state.faults.watch()
        await wait_seconds(fault.delay, released)
        if fault.hang:
            await wait_for_disconnect(receive, released)
        if fault.hang or fault.reset == "before":
            await drop(receive, send)
            return None
        if fault.replaces_answer:
            return fault.response(self._shape(endpoint))
        response = self._handle(endpoint, call)
        if fault.reset == "after":
            await drop(receive, send)
            return None
        response.headers.update(fault.headers)
        return response

    def _handle(self, endpoint: Endpoint, call: Call) -> Response:
        with self._state.lock:
            try:
                if endpoint.api_key:
                    self._check_api_key(call.request)
                return endpoint.handler(call)
            except Refusal as refusal:
                return JSONResponse(refusal.as_json(self._shape(endpoint)), refusal.status)

    def _check_api_key(self, request: Request) -> None:
        expected = f"Bearer {self._state.settings.api_key}".encode()
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, expected):
            raise Refusal(401, "unauthorized", "The API key is missing or wrong.")

    def _shape(self, endpoint: Endpoint) -> ErrorShape:
        """Only ``authenticate`` is an OAuth endpoint; the rest of the API has one shape."""
        return self._state.settings.error_shape if endpoint.name == "authenticate" else "workos"


def _grant_type(call: Call) -> str | None:
    try:
        grant_type = call.fields().get("grant_type")
    except Refusal:
        return None
    return grant_type if isinstance(grant_type, str) else None

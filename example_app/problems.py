"""Errors: a page for people, a problem document (RFC 9457) for programs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from authkit_asgi import DenialError
from example_app.source_lines import name_of
from example_app.templating import render

_NO_MEMBERS: Mapping[str, object] = MappingProxyType({})
_TITLES = {
    401: "Sign in to go on",
    403: "This is not for you",
    404: "There is nothing here",
    503: "Signing in is taking a break",
}
_TEXTS = {
    401: "You are not signed in, or no longer.",
    404: "The address may be mistyped, or the page may have moved.",
    503: "The sign-in service cannot be reached, so nobody can tell who you are. "
    "You have not been signed out.",
}


def install(app: FastAPI) -> None:
    """Let `app` answer errors this way."""
    app.exception_handler(HTTPException)(_on_http_exception)
    app.exception_handler(RequestValidationError)(_on_invalid_request)


async def _on_http_exception(request: Request, error: HTTPException) -> Response:
    if error.status_code < HTTPStatus.BAD_REQUEST:
        # The package sends people to sign in by an exception, too.
        return await http_exception_handler(request, error)
    headers = dict(error.headers or {})
    if isinstance(error, DenialError):
        members = {"code": error.code, **error.problem()}
        return answer(request, error.status_code, error.detail, headers, members)
    return answer(request, error.status_code, error.detail, headers)


async def _on_invalid_request(request: Request, _error: RequestValidationError) -> Response:
    # What was sent is not repeated in the answer.
    return answer(request, 422, "Something that is needed is missing or malformed.", {})


def answer(
    request: Request,
    status: int,
    detail: str,
    headers: dict[str, str],
    members: Mapping[str, object] = _NO_MEMBERS,
) -> Response:
    """Answer with a page for browsers, which ask for HTML, and with a problem document else."""
    title = HTTPStatus(status).phrase
    if "text/html" not in request.headers.get("accept", ""):
        problem = {"type": "about:blank", "title": title, "status": status, "detail": detail}
        problem.update(members)
        return JSONResponse(problem, status, headers, media_type="application/problem+json")
    return render(
        request,
        "problem.html",
        status=status,
        headers=headers,
        code=status,
        title=_TITLES.get(status, title),
        text=_TEXTS.get(status, detail),
        retry_after=headers.get("Retry-After"),
        address=_address(request),
        endpoint=name_of(request.scope.get("endpoint")),
        login_url=f"/login?{urlencode({'return_to': _address(request)})}",
    )


def _address(request: Request) -> str:
    query = request.url.query
    return f"{request.url.path}?{query}" if query else request.url.path

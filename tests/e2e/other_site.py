"""A site of somebody else's, whose pages lead to the application in every way there is.

The address leads on in `to`: `/link?to=…`, `/get-form?to=…`, `/post-form?to=…`, `/picture?to=…`,
`/frame?to=…`; `/empty` is for scripts. Its pages may be kept by the browser.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from urllib.parse import parse_qsl, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route


def _link(to: str) -> str:
    return f'<a href="{escape(to)}">Go on</a>'


def _get_form(to: str) -> str:
    parts = urlsplit(to)
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in parse_qsl(parts.query)
    )
    action = escape(parts._replace(query="").geturl())
    return f'<form action="{action}">{fields}<button>Go on</button></form>'


def _post_form(to: str) -> str:
    return f'<form method="post" action="{escape(to)}"><button>Go on</button></form>'


def _picture(to: str) -> str:
    return f'<img src="{escape(to)}" alt="">'


def _frame(to: str) -> str:
    return f'<iframe src="{escape(to)}" title="The application"></iframe>'


def _empty(to: str) -> str:
    del to
    return ""


def _route(path: str, content: Callable[[str], str]) -> Route:
    async def page(request: Request) -> Response:
        body = content(request.query_params.get("to", ""))
        return HTMLResponse(
            '<!doctype html><html lang="en"><title>Another site</title>'
            f'<link rel="icon" href="data:,"><h1>Another site</h1>{body}</html>'
        )

    return Route(path, page)


app = Starlette(
    routes=[
        _route("/link", _link),
        _route("/get-form", _get_form),
        _route("/post-form", _post_form),
        _route("/picture", _picture),
        _route("/frame", _frame),
        _route("/empty", _empty),
    ]
)

"""A request that has been read, and the endpoint it goes to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from authkit_asgi.testing.refusal import invalid_request

Handler: TypeAlias = Callable[["Call"], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request with its whole body and the parameters of its path."""

    request: Request
    body: bytes
    path: Mapping[str, str]

    @property
    def query(self) -> Mapping[str, str]:
        """The query parameters."""
        return self.request.query_params

    def form(self) -> dict[str, str]:
        """Return the fields of an urlencoded body."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def fields(self) -> dict[str, Any]:
        """Return the body's fields, whether it is JSON or urlencoded; `Refusal` if neither."""
        if "x-www-form-urlencoded" in self.request.headers.get("content-type", ""):
            return dict(self.form())
        try:
            fields = json.loads(self.body or b"{}")
        except (ValueError, RecursionError) as exc:
            raise invalid_request("The body is not valid JSON.") from exc
        if not isinstance(fields, dict):
            raise invalid_request("The body must be a JSON object.")
        return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a method and a path lead.

    Args:
        name: What faults and the request log call it.
        method: The one HTTP method.
        path: Its path; ``{name}`` stands for one segment.
        handler: A plain function; it is called with the state locked.
        api_key: Whether the request must carry the API key.
        control: Whether it is the emulator's own: neither logged nor struck by faults.
    """

    name: str
    method: str
    path: str
    handler: Handler
    api_key: bool = False
    control: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.sub(
            r"\{(\w+)\}",
            r"(?P<\1>[^/]+)",
            re.escape(self.path).replace(r"\{", "{").replace(r"\}", "}"),
        )
        object.__setattr__(self, "pattern", re.compile(pattern))

"""What makes a guard is called before it is handed on: `require_role("admin")`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

_Factory = TypeVar("_Factory", bound=Callable[..., object])


class CallItFirst:
    """No type of a request's parameter: FastAPI refuses what asks for one, and names this class."""


def called_first(factory: _Factory) -> _Factory:
    """Have `Depends(require_recent_auth)`, without parentheses, fail where it is written.

    FastAPI would fill in the parameters from the query, take the guard for the result, and let
    everybody in.
    """
    signature = inspect.signature(factory)
    mark = inspect.Parameter(
        "parentheses", inspect.Parameter.KEYWORD_ONLY, annotation=CallItFirst, default=None
    )
    marked = signature.replace(parameters=[*signature.parameters.values(), mark])
    factory.__signature__ = marked  # type: ignore[attr-defined]
    return factory

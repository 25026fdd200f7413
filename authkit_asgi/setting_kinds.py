"""What types the settings have to be of, whoever gives them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

_KINDS: dict[str, Any] = {
    "CookiePassword": str | Sequence | Mapping,
    "Sequence[str]": Collection,  # no iterator: it would be empty once it has been checked
    "Sequence[str] | None": Collection | None,
    "str | None": str | None,
    "float": float | int,
    "float | None": float | int | None,
    "int": int,
    "bool": bool,
}


def type_problems(config: Any) -> Iterator[str]:
    """Yield which fields of a dataclass of settings are not of the type they are declared with."""
    for setting in fields(config):
        value = getattr(config, setting.name)
        kind = _KINDS.get(str(setting.type), str)
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, kind):
            yield f"{setting.name} has the wrong type: {setting.type} is needed"
        elif str(setting.type).startswith("Sequence[str]") and not all(
            isinstance(item, str) for item in value or ()
        ):
            yield f"{setting.name} has an item that is not text"

"""Requests each of which differs from all before: who remembered them would run out of memory."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from emulated import OTHER_PASSWORD, PASSWORD

from authkit_asgi.seal import seal

Headers = list[tuple[str, str]]
Request = tuple[str, str, Headers]

SESSION = "wos-session"
STATUS = {"sign-outs": 303, "verifier cookies": 303, "made-up callbacks": 400}
_USER = {"object": "user", "id": "user_ada", "email": "ada@example.com"}


def status_of(kind: str) -> int:
    """Return what `/who` or another page answers to a kind of request."""
    return STATUS.get(kind, 200)


def unsigned_token(number: int, **header: str) -> str:
    """Return a token that is no token of WorkOS's."""
    payload = {"sub": _USER["id"], "sid": f"session_{number}", "exp": 1, "iat": 0}
    parts = ({"alg": "RS256", **header}, payload, "no signature")
    return ".".join(_base64url(json.dumps(part)) for part in parts)


def _base64url(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def sealed_cookie(
    access_token: str, refresh_token: str | None, password: str = PASSWORD
) -> Headers:
    content = {"accessToken": access_token, "refreshToken": refresh_token, "user": _USER}
    return [("cookie", f"{SESSION}={seal(content, password)}")]


def garbage(number: int) -> Request:
    return "GET", "/who", [("cookie", f"{SESSION}=garbage-{number:0200}")]


def forged_seal(number: int) -> Request:
    return "GET", "/who", sealed_cookie(unsigned_token(number), f"r{number}", OTHER_PASSWORD)


def revoked_token(number: int) -> Request:
    return "GET", "/who", sealed_cookie(unsigned_token(number), f"r{number}")


def unknown_key(number: int) -> Request:
    return "GET", "/who", sealed_cookie(unsigned_token(number, kid=f"key_{number}"), None)


def verifier_cookies(number: int) -> Request:
    names = (f"wos-auth-verifier-{50 * number + index:08x}" for index in range(50))
    return "GET", "/login", [("cookie", "; ".join(f"{name}=Fe26.2*{number}" for name in names))]


def callback(number: int) -> Request:
    return "GET", f"/callback?code=code_{number}&state=state_{number}", []


def sign_out(number: int) -> Request:
    return "POST", "/logout", sealed_cookie(unsigned_token(number), f"r{number}")


KINDS: dict[str, Callable[[int], Request]] = {
    "garbage cookies": garbage,
    "forged seals": forged_seal,
    "revoked refresh tokens": revoked_token,
    "unknown keys": unknown_key,
    "verifier cookies": verifier_cookies,
    "made-up callbacks": callback,
    "sign-outs": sign_out,
}


def entries(part: Any) -> int:
    """Count what all containers hold that are within reach of a part of the package."""
    return sum(len(each) for _, each in _containers(part))


def containers(part: Any) -> dict[str, int]:
    """Return how much each container holds that is within reach, by the class that has it."""
    sizes: dict[str, int] = {}
    for name, each in _containers(part):
        sizes[name] = sizes.get(name, 0) + len(each)
    return sizes


def _containers(part: Any) -> Iterator[tuple[str, Any]]:
    seen: dict[int, Any] = {}
    waiting = [("", part)]
    while waiting:
        name, each = waiting.pop()
        if id(each) in seen or isinstance(each, type):
            continue
        seen[id(each)] = each
        if isinstance(each, dict):
            yield name, each
            waiting += [(f"{name}[]", one) for one in (*each, *each.values())]
        elif isinstance(each, list | tuple | set | frozenset | deque):
            yield name, each
            waiting += [(f"{name}[]", one) for one in each]
        elif type(each).__module__.startswith("authkit_asgi."):
            waiting += _attributes(each)


def _attributes(part: Any) -> list[tuple[str, Any]]:
    slots = (name for kind in type(part).__mro__ for name in getattr(kind, "__slots__", ()))
    slotted = {name: getattr(part, name, None) for name in slots if name != "__weakref__"}
    found = {**slotted, **getattr(part, "__dict__", {})}
    return [(f"{type(part).__name__}.{name}", value) for name, value in found.items()]

"""What the package may log: this list. A new line in it needs tests with hostile text, as here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import authkit_asgi

PACKAGE = Path(authkit_asgi.__file__).parent
# File and template, and what others can write into its arguments.
EXPECTED = {
    (
        "size_warning.py",
        "Large: a session cookie of %s bytes, 4096 of which browsers store in one: %s. See %s",
    ): "WorkOS: names of claims, shortened and quoted",
    (
        "size_warning.py",
        "Too large: no cookie holds a session of %s bytes; soon an error page: %s. See %s",
    ): "WorkOS: names of claims, shortened and quoted",
    (
        "eager_auth.py",
        "Large: eager_auth leaves out access tokens of more bytes than a cookie holds",
    ): "no arguments",
    ("api.py", "The HTTP client failed: %s"): "nothing: a class's name",
    ("hooks.py", "A refresh hook failed"): "the application: an exception of its own hook",
    ("jwks.py", "JWKS fetch failed; next try after %g s. %s"): "the key server: repr, shortened",
    ("jwks.py", "JWKS fetch works again"): "no arguments",
    ("middleware.py", "%s: %s"): "nothing: a session too large, in words of ours",
    ("middleware.py", "Loading a session failed with %s"): "nothing: a class's name",
    ("routes.py", "A sign-in was not completed (%s): %s"): "nothing: errors speak words of ours",
    ("pause.py", "Paused: no %s for %s s, %s failures"): "nothing: words of ours, and numbers",
    (
        "redis_connection.py",
        "Degraded: Redis cannot be used (%s), so %s",
    ): "nothing: a class's name, and words of ours",
    ("redis_connection.py", "Restored: Redis can be used again"): "no arguments",
    (
        "redis_listener.py",
        "Degraded: what other workers end is heard late (%s)",
    ): "nothing: a class's name",
    (
        "redis_listener.py",
        "Degraded: listening to other workers has failed (%s)",
    ): "nothing: a class's name",
    ("redis_listener.py", "Restored: what other workers end is heard at once"): "no arguments",
    ("steady_telemetry.py", "Telemetry failed with %s"): "nothing: a class's name",
    ("webhooks.py", "A webhook was refused: %s"): "nothing: words of ours",
    (
        "exchange.py",
        "Denied: refresh of session %r of user %r (%s)",
    ): "WorkOS: repr of ids it has issued, and a word of [a-z0-9_]",
    ("exchange.py", "Refreshed session %r of user %r"): "WorkOS: repr of ids it has issued",
    (
        "exchange.py",
        "Unavailable: refresh of session %r of user %r (%s): %s",
    ): "WorkOS: repr of ids it has issued; errors speak words of ours",
    (
        "store_calls.py",
        "The session store failed with %s",
    ): "nothing: a class's name, of the application's own store",
    (
        "stores.py",
        "Full: the in-memory session store drops its oldest; max_sessions is %s",
    ): "nothing: a number",
    (
        "session_contents.py",
        "session_transform is passed over: %s",
    ): "nothing: words of ours, or the class's name of the application's own exception",
}
METHODS = {"debug", "info", "warning", "warn", "error", "exception", "critical", "fatal", "log"}
FORBIDDEN = {"print", "warn", "warn_explicit", "print_exc", "print_exception", "basicConfig"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            function = node.func
            yield getattr(function, "attr", getattr(function, "id", "")), node


def is_of_a_logger(call: ast.Call) -> bool:
    owner = getattr(call.func, "value", None)
    return isinstance(owner, ast.Name) and owner.id in {"logger", "_logger", "logging"}


def files() -> list[Path]:
    return [path for path in PACKAGE.rglob("*.py") if path.name != "cli.py"]


def test_every_log_call_is_one_whose_arguments_have_been_thought_through():
    found = set()
    for path in files():
        for name, call in calls(path):
            if name in METHODS and is_of_a_logger(call):
                template = call.args[1 if name == "log" else 0]
                # Put together by %: an f-string could not be told from what was written into it.
                assert isinstance(template, ast.Constant), ast.unparse(call)
                assert not call.keywords, ast.unparse(call)  # no exc_info, whose text is not ours
                found.add((path.name, template.value))
    assert found == EXPECTED.keys()


def test_nothing_is_said_but_through_the_loggers():
    for path in files():
        said = [ast.unparse(call) for name, call in calls(path) if name in FORBIDDEN]
        assert said == [], path

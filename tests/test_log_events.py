"""Each record has a stable name, which docs/observability.md explains."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path

import pytest
from emulated import sealed
from test_log_calls import EXPECTED, METHODS, PACKAGE, calls, files, is_of_a_logger

from authkit_asgi.log_events import EVENTS, named_logger

PAGE = (Path(__file__).parents[1] / "docs/observability.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(authkit\.[a-z_.]+)` \| ([A-Z]+(?: or [A-Z]+)?) \|", re.MULTILINE)
EXAMPLE = re.search(r"```python\n(# logs\.py\n.*?)```", PAGE, re.DOTALL)


def test_every_template_has_a_name_and_every_name_a_template():
    assert set(EVENTS) == {template for _, template in EXPECTED}


def test_names_differ_and_are_made_alike():
    assert len(set(EVENTS.values())) == len(EVENTS)
    assert all(re.fullmatch(r"authkit(\.[a-z_]+){2}", name) for name in EVENTS.values())


def test_page_explains_every_name_with_the_level_of_its_call():
    levels: dict[str, set[str]] = {}
    for path in files():
        for name, call in calls(path):
            if name in METHODS and is_of_a_logger(call):
                template = call.args[1 if name == "log" else 0]
                assert isinstance(template, ast.Constant)
                level = {"exception": "ERROR", "log": "INFO or WARNING"}.get(name, name.upper())
                levels.setdefault(EVENTS[str(template.value)], set()).add(level)
    assert {event: {level} for event, level in ROW.findall(PAGE)} == levels
    assert len(ROW.findall(PAGE)) == len(EVENTS)


def test_every_module_that_logs_names_its_records():
    logging_modules = {name.removesuffix(".py") for name, _ in EXPECTED}
    makers = {
        path.stem
        for path in PACKAGE.rglob("*.py")
        if any(
            ast.unparse(call) == "named_logger(__name__)"
            for name, call in calls(path)
            if name == "named_logger"
        )
    }
    assert makers == logging_modules


@pytest.mark.anyio
async def test_record_has_its_name_and_keeps_its_message(authkit, emulator, clock, caplog):
    caplog.set_level(logging.INFO, "authkit_asgi")
    answer = emulator.sign_in("user_ada")
    clock.now += 301
    assert (await authkit.load([sealed(answer)])).auth.user is not None
    again = sealed(emulator.sign_in("user_bob"))
    emulator.fail("authenticate", status=400, body={"error": "invalid_grant"})
    clock.now += 301
    assert (await authkit.load([again])).auth.user is None
    assert [(record.event_name, record.getMessage().split()[0]) for record in caplog.records] == [
        ("authkit.refresh.succeeded", "Refreshed"),
        ("authkit.refresh.denied", "Denied:"),
    ]


def test_record_of_somebody_else_through_one_of_the_loggers_passes(caplog):
    logger = named_logger("authkit_asgi.jwks")
    assert named_logger("authkit_asgi.jwks").filters == logger.filters
    assert len(logger.filters) == 1
    logger.warning("something that nobody foresaw")
    (record,) = caplog.records
    assert record.event_name == "authkit.other"


def test_example_of_the_page_filters_and_formats(capsys):
    assert EXAMPLE is not None
    logger = logging.getLogger("authkit_asgi")
    before = list(logger.handlers)
    try:
        exec(compile(EXAMPLE[1], "logs.py", "exec"), {})  # noqa: S102  # the page's own code
        named_logger("authkit_asgi.jwks").warning("JWKS fetch works again")
        named_logger("authkit_asgi.routes").warning("A sign-in was not completed (%s): %s", 1, 2)
        logger.warning("unnamed")
    finally:
        for handler in [one for one in logger.handlers if one not in before]:
            logger.removeHandler(handler)
    assert capsys.readouterr().err.splitlines() == [
        "WARNING authkit.jwks.restored JWKS fetch works again",
        "WARNING - unnamed",
    ]

"""The reference is complete: every setting, reason, option and public name is in it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import pydoc
import re

from doc_pages import PAGES, ROOT, Page

import authkit_asgi
import authkit_asgi.fastapi
import authkit_asgi.redis
import authkit_asgi.testing
from authkit_asgi import AuthKitConfig, AuthKitMiddleware, SignedOutReason
from authkit_asgi.cli import _parser

REFERENCE = "\n".join(
    page.read_text(encoding="utf-8") for page in PAGES if page.parent.name == "reference"
)
DESCRIBED = re.findall(r"^::: ([\w.]+)$", REFERENCE, re.MULTILINE)
_ENTRY = re.compile(r"^::: ([\w.]+)$((?:\n    .*)*)", re.MULTILINE)


def test_settings_table_lists_every_setting() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", Page("reference/settings.md").text, re.MULTILINE)
    assert listed == [field.name for field in dataclasses.fields(AuthKitConfig)]


def test_every_other_keyword_of_the_middleware_is_beside_the_settings() -> None:
    _, _, beside = Page("reference/settings.md").text.partition("## Beside the settings")
    parameters = inspect.signature(AuthKitMiddleware).parameters.keys() - {"app", "settings"}
    assert {name for name in parameters if f"`{name}=" not in beside} == set()


def test_reasons_are_told_by_what_to_do_about_them() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", Page("troubleshooting.md").text, re.MULTILINE)
    assert listed[: len(SignedOutReason)] == [reason.value for reason in SignedOutReason]


def test_every_public_name_is_described_once() -> None:
    emulator = ast.parse(inspect.getsource(authkit_asgi.testing)).body
    names = {
        *(f"authkit_asgi.{name}" for name in authkit_asgi.__all__),
        *(f"authkit_asgi.fastapi.{name}" for name in authkit_asgi.fastapi.__all__),
        *(f"authkit_asgi.redis.{name}" for name in authkit_asgi.redis.__all__),
        *(
            f"authkit_asgi.testing.{alias.asname}"
            for node in emulator
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        ),
    }
    assert names - set(DESCRIBED) == set()
    assert len(DESCRIBED) == len(set(DESCRIBED))


def test_inherited_methods_are_described_with_the_class_that_has_them() -> None:
    described = dict(_ENTRY.findall(REFERENCE))
    classes = {name: pydoc.locate(name) for name in described}
    left_out = [
        (name, method)
        for name, kind in classes.items()
        if isinstance(kind, type) and "inherited_members: true" not in described[name]
        for base in kind.__mro__[1:]
        if base.__module__.startswith("authkit_asgi") and base not in classes.values()
        for method, function in vars(base).items()
        if inspect.isfunction(function) and function.__name__ == method and method[0] != "_"
    ]
    assert left_out == []


def test_every_command_and_option_is_described() -> None:
    (commands,) = (
        action.choices for action in _parser()._actions if hasattr(action.choices, "items")
    )
    for name, parser in commands.items():
        _, _, section = Page("reference/command-line.md").text.partition(f"\n## {name}\n")
        assert section, name
        if (ROOT / f"docs/{name}.md").exists():  # a page of its own
            section += Page(f"{name}.md").text
        for option in parser._option_string_actions:
            assert option in {"-h", "--help"} or f"`{option}`" in section


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / ".mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"([\w/-]+\.md)$", navigation, re.MULTILINE)
    pages = [str(page.relative_to(ROOT / "docs")) for page in PAGES if page.parent != ROOT]
    assert sorted(listed) == sorted(pages)

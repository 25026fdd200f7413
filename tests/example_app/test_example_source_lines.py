from __future__ import annotations

import inspect
import json
import re
from html import unescape
from pathlib import Path

import pytest
from example_browser import Browser
from starlette.applications import Starlette

import example_app
from example_app import organizations, pages
from example_app.source_lines import name_of, source_lines

_FOLDER = Path(example_app.__file__).parent
_NAMES = sorted(
    {
        name
        for template in (_FOLDER / "templates").glob("*.html")
        for names in re.findall(r'show_code\("[^"]+", (\["[^]]+\])\)', template.read_text())
        for name in json.loads(names)
    }
)
_SHOWN = re.compile(
    r'aria-label="(example_app/\S+), lines (\d+) to (\d+)"><code>(.*?)</code></pre>', re.DOTALL
)


def test_names_are_found_in_the_templates() -> None:
    assert {"pages.home", "static/front-end.js", "api.export"} <= set(_NAMES)


@pytest.mark.parametrize("name", _NAMES)
def test_every_name_in_a_template_has_lines(name: str) -> None:
    lines = source_lines(name)
    file = (_FOLDER.parent / lines.path).read_text().splitlines()
    assert lines.text.splitlines() == file[lines.first - 1 : lines.last]


def test_lines_of_a_function_begin_with_its_decorators_and_end_with_it() -> None:
    lines = source_lines("pages.home")
    assert lines.path == "example_app/pages.py"
    assert lines.text.startswith('@router.get("/")\nasync def home(')
    assert lines.text.endswith('return render(request, "home.html")')
    assert lines.text == inspect.getsource(pages.home).rstrip()


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("pages.nobody", AttributeError),
        ("nothing.home", ModuleNotFoundError),
        ("static/nothing.js", FileNotFoundError),
    ],
)
def test_a_name_of_nothing_is_an_error(name: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        source_lines(name)


def test_only_functions_of_this_application_have_names() -> None:
    assert name_of(organizations.list_organizations) == "organizations.list_organizations"
    assert name_of(inspect.getsource) is None
    assert name_of(Starlette()) is None
    assert name_of(None) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", {"example_app/pages.py", "example_app/main.py"}),
        ("/dashboard", {"example_app/organizations.py", "example_app/static/dashboard.js"}),
        ("/devices", {"example_app/devices.py"}),
        ("/admin", {"example_app/pages.py"}),
        ("/guarded/recent", {"example_app/guarded.py"}),
        ("/front-end", {"example_app/static/front-end.js", "example_app/main.py"}),
        ("/nowhere", {"example_app/problems.py"}),
    ],
)
def test_every_page_shows_the_lines_that_make_it(
    browser: Browser, path: str, expected: set[str]
) -> None:
    browser.sign_in("ada@example.com")
    page = browser.visit(path)
    shown = _SHOWN.findall(page.text)
    assert expected <= {file for file, *_ in shown}
    for file, first, last, text in shown:
        lines = (_FOLDER.parent / file).read_text().splitlines()
        assert unescape(text).splitlines() == lines[int(first) - 1 : int(last)]


def test_a_refusal_shows_the_lines_that_ask_for_the_role(browser: Browser) -> None:
    browser.sign_in("soren@example.com")
    shown = _SHOWN.findall(browser.visit("/admin").text)
    assert any('require_role("admin")' in unescape(text) for *_, text in shown)


def test_an_unknown_static_file_shows_no_lines_of_others(browser: Browser) -> None:
    shown = _SHOWN.findall(browser.visit("/static/nothing.css").text)
    assert {file for file, *_ in shown} == {"example_app/problems.py"}

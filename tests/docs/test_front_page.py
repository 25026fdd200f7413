"""README.md is true: its example signs in, its links lead somewhere, its proofs are there."""

from __future__ import annotations

import re
import sys

import pytest
from doc_pages import ROOT, Page
from starlette.testclient import TestClient

from authkit_asgi.testing import WorkOSEmulator

sys.path.append(str(ROOT / "tests"))

from named_tests import exists

README = Page("README.md")


@pytest.mark.parametrize("name", ["README.md", "index.md"])
def test_example_signs_in(
    name: str, authkit_env, walk_through, authkit_emulator: WorkOSEmulator
) -> None:
    authkit_emulator.add_user(email="ada@example.com", first_name="Ada")
    app = Page(name).run().app
    with TestClient(app, base_url="http://localhost:8000", follow_redirects=False) as client:
        assert client.get("/me").status_code == 401
        sent = client.get("/me", headers={"accept": "text/html"})
        assert (sent.status_code, sent.headers["location"]) == (303, "/login?return_to=%2Fme")
        assert walk_through(client, "/me").json() == {"hello": "Ada"}


def test_example_is_short_and_the_page_is_one_that_people_read() -> None:
    example = [line for line in README.file("main.py").splitlines() if line.strip()]
    assert len(example) <= 15
    assert len(README.text.splitlines()) <= 250


def headings(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and mkdocs make them."""
    found = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in found)
    return {re.sub(r"[- ]+", "-", one).strip("-") for one in words}


def test_links_lead_to_files_and_headings() -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", README.text)
    assert len(links) > 30
    for path, anchor in links:
        target = ROOT / path
        assert target.is_file(), path
        assert not anchor or anchor in headings(target.read_text(encoding="utf-8")), anchor


def test_proofs_of_the_comparison_are_there() -> None:
    _, _, comparison = README.text.partition("## Beside its peers")
    table, _, _ = comparison.partition("\n## ")
    rows = [row for row in table.splitlines() if row.startswith("| ")][2:]
    numbers = {int(number) for row in rows for number in re.findall(r"\((\d+)\)", row)}
    sources = dict(re.findall(r"^(\d+)\. (.+)$", table, re.MULTILINE))
    assert numbers == {int(number) for number in sources}
    tests = re.findall(r"`(tests/[^`]+)`", table)
    assert len(tests) == 6
    assert [test for test in tests if not exists(test)] == []

"""The pictures are those that their texts say, and can be read in light and dark."""

from __future__ import annotations

import runpy
import xml.etree.ElementTree as ET
from types import SimpleNamespace

import pytest
from doc_pages import PAGES, ROOT

FOLDER = ROOT / "docs/pictures"
TEXTS = sorted(FOLDER.glob("*.txt"))


@pytest.fixture(scope="module")
def draw() -> SimpleNamespace:
    return SimpleNamespace(**runpy.run_path(str(FOLDER / "draw.py")))


@pytest.mark.parametrize("text", TEXTS, ids=[text.stem for text in TEXTS])
def test_picture_is_what_its_text_says(draw: SimpleNamespace, text) -> None:
    picture = text.with_suffix(".svg").read_text(encoding="utf-8")
    assert picture == draw.draw(draw.read(text.read_text(encoding="utf-8")))
    root = ET.fromstring(picture)  # noqa: S314  # ours
    told = " ".join("".join(root.itertext()).split())
    for line in text.read_text(encoding="utf-8").splitlines():
        assert line.partition(": ")[2] in told
    assert "prefers-color-scheme: dark" in picture
    assert "http" not in picture.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_every_picture_is_on_a_page() -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [one.name for one in FOLDER.glob("*.svg") if one.name not in pages] == []


def test_line_that_is_none_is_named(draw: SimpleNamespace) -> None:
    with pytest.raises(ValueError, match="nobody knows"):
        draw.read("title A\nnobody knows")

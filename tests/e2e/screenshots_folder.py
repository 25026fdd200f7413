"""Where the pictures of the pages go."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

_FOLDER = Path(__file__).parent / "screenshots"


class Screenshot:
    """Takes pictures of whole pages, for people to look at."""

    def __init__(self) -> None:
        _FOLDER.mkdir(exist_ok=True)

    def __call__(self, page: Page, name: str) -> None:
        page.screenshot(path=_FOLDER / f"{name}.png", full_page=True)

"""What axe-core finds on a page, as people see it on a phone and on a desk, by day and by night."""

from __future__ import annotations

import json
from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

PHONE = (390, 844)
DESK = (1280, 800)
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

# All of its rules but the experimental ones and those of level AAA; the size of targets (WCAG 2.2)
# is one that it leaves out unless it is asked.
_OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def expect_accessible(page: Page) -> None:
    """Expect no violation and no scrolling sideways, in either size and in either scheme."""
    page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    page.evaluate(AXE_SCRIPT)
    found = []
    for width, height in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in _SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found += [f"{width} {scheme}: {one}" for one in _violations(page)]
        if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            found.append(f"{width}: the page scrolls sideways")
    assert not found, f"{page.url}:\n" + "\n".join(found)


def _violations(page: Page) -> list[str]:
    results: dict[str, Any] = page.evaluate(f"axe.run({json.dumps(_OPTIONS)})")
    assert results["passes"], "axe-core has looked at nothing"
    return [
        f"{violation['id']}: {node['html']}\n{node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]

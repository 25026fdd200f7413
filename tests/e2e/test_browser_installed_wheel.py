"""The example application beside an installed wheel, with nothing of the source tree in reach."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from browser_steps import sign_in, sign_out
from playwright.sync_api import Page, expect

_ROOT = Path(__file__).parents[2]
_TIMEOUT_SECONDS = 60  # an overloaded machine takes that long to end a server

# Not the environment's own interpreter, which would find the source tree by itself.
_PYTHON = sys._base_executable  # type: ignore[attr-defined]
_PLACES = """
import json, sys, authkit_asgi, example_app
print(json.dumps([authkit_asgi.__file__, example_app.__file__, sys.path]))
"""


class Installed:
    """A folder with the wheel, installed, and a copy of the example application."""

    def __init__(self, folder: Path) -> None:
        self.site = folder / "site"
        self.folder = folder / "application"
        build = ("hatchling", "build", "--target", "wheel", "--directory", str(folder))
        subprocess.run([sys.executable, "-m", *build], cwd=_ROOT, check=True)
        (wheel,) = folder.glob("*.whl")
        install = ("pip", "install", "--quiet", "--no-index", "--no-deps", "--target")
        subprocess.run([sys.executable, "-m", *install, self.site, wheel], check=True)
        without_caches = shutil.ignore_patterns("__pycache__")
        example = self.folder / "example_app"
        shutil.copytree(_ROOT / "example_app", example, ignore=without_caches)

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment in which only the wheel and what it depends on can be imported."""
        clean = {name: v for name, v in os.environ.items() if not name.startswith("WORKOS_")}
        # What lies in a folder of PYTHONPATH can be imported, but its .pth files are not read.
        path = os.pathsep.join((str(self.site), sysconfig.get_path("purelib")))
        return {**clean, "PYTHONPATH": path}

    @contextlib.contextmanager
    def run_demo(self) -> Iterator[str]:
        """Run the demo and yield its address."""
        command = ("-m", "example_app.demo", "--port", "0", "--emulator-port", "0")
        with subprocess.Popen(
            [_PYTHON, *command],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                said = iter(process.stdout.readline, "")
                yield next(line.split()[1] for line in said if line.startswith("Open "))
            finally:
                process.terminate()
                try:
                    process.wait(_TIMEOUT_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return Installed(tmp_path_factory.mktemp("installed"))


def test_nothing_is_imported_from_the_source_tree(installed: Installed) -> None:
    asked = subprocess.run(
        [_PYTHON, "-c", _PLACES],
        cwd=installed.folder,
        env=installed.variables,
        stdout=subprocess.PIPE,
        check=True,
    )
    package, example, path = json.loads(asked.stdout)
    assert Path(package).is_relative_to(installed.site)
    assert Path(example).is_relative_to(installed.folder)
    assert str(_ROOT) not in path


def test_the_demo_finds_its_templates_its_files_and_its_code(
    installed: Installed, new_page: Callable[..., Page]
) -> None:
    with installed.run_demo() as address:
        page = new_page(base_url=address)
        refused: list[str] = []
        page.on(
            "response",
            lambda response: refused.append(response.url) if response.status >= 400 else None,
        )
        sign_in(page)
        expect(page.locator("#greeting")).to_have_text("Hello, Ada Lovelace!")
        assert page.evaluate("[...document.styleSheets].map((sheet) => sheet.href)") == [
            f"{address}/static/style.css"
        ]
        page.get_by_text("The code of the switcher").click()
        code = page.get_by_role("group", name="example_app/pages.py")
        expect(code).to_contain_text("async def switch_organization(")
        page.get_by_role("link", name="Devices").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your devices")
        sign_out(page)
        assert refused == []

"""The sdist: what it takes to build, test and change the package, and nothing else."""

from __future__ import annotations

import subprocess
import tarfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[2]
FOLDERS = ("authkit_asgi", "docs", "example_app", "tests")
FILES = {
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md"),
    *(".gitignore", ".mkdocs.yml", "PKG-INFO", "pyproject.toml"),
}


def names_in(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        paths = [PurePosixPath(member.name) for member in archive.getmembers() if member.isfile()]
    return {str(path.relative_to(path.parts[0])) for path in paths}


def not_ignored() -> set[str]:
    """Return the files of the folders that git does not ignore."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_sdist_holds_all_files_of_the_project_and_nothing_that_git_ignores(sdist):
    assert names_in(sdist) == not_ignored() | FILES

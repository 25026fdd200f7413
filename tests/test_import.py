"""`import authkit_asgi`: no I/O but that of importing modules, and no optional dependency."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys

IMPORTING = (".py", ".pyc", ".so", ".zip", "METADATA")  # modules, and their versions

seen = []

def watch(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if isinstance(path, (str, bytes)) and (flags or 0) & 3:
            seen.append(f"write {path!r}")
        elif isinstance(path, str) and not path.endswith(IMPORTING):
            seen.append(f"read {path!r}")
    elif event.split(".")[0] in {"socket", "subprocess", "urllib", "http", "sqlite3", "shutil"}:
        seen.append(f"{event} {arguments!r}")
    elif event in {"os.mkdir", "os.remove", "os.rename", "os.putenv", "os.unsetenv", "os.system"}:
        seen.append(f"{event} {arguments!r}")

import ssl  # asks OpenSSL where its certificates would be; a matter of the standard library
sys.addaudithook(watch)
import authkit_asgi
loaded = {name.partition(".")[0] for name in sys.modules}
print(json.dumps({"seen": seen, "loaded": sorted(loaded), "names": authkit_asgi.__all__}))
"""


@pytest.fixture(scope="module")
def report():
    result = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "WORKOS_COOKIE_MAX_AGE": "not read at import"},
    )
    assert result.stderr == ""
    return json.loads(result.stdout)


def test_import_does_no_io(report):
    assert report["seen"] == []


def test_import_loads_no_optional_dependency(report):
    assert {"authkit_asgi", "starlette", "workos"} <= set(report["loaded"])
    optional = {"fastapi", "redis", "uvicorn", "pytest", "jinja2", "opentelemetry", "dotenv"}
    assert not optional & set(report["loaded"])


def test_all_names_are_there_and_sorted_into_one_list(report):
    import authkit_asgi  # noqa: PLC0415

    assert len(set(report["names"])) == len(report["names"])
    assert all(hasattr(authkit_asgi, name) for name in report["names"])
    assert callable(authkit_asgi.AuthKit)

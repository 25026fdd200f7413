"""Each entry in the tables of breakages fits the code as it is; `make breakages` tries them."""

from __future__ import annotations

import ast
import contextlib
import socket
import time
from pathlib import Path

import pytest
import try_breakages
from breakages import ROOT, Breakage, read_breakages
from named_tests import exists
from test_security_check_lists import TEXTS, named
from test_security_table import ROWS
from try_breakages import NotFinishedError, copy_to, main, run_tests, unnoticed

BREAKAGES = read_breakages()
SOUND = Breakage(
    requirement="none",
    what="a word in a message is changed, which nothing relies on",
    file="authkit_asgi/seal.py",
    find="This is not a seal: it",
    replace="This is no seal: it",
    tests=("tests/seal/test_seal_hostile.py::test_unseal_of_an_overlong_seal_refuses_it_unread",),
    table="",
)


@pytest.mark.parametrize("breakage", BREAKAGES, ids=lambda each: f"{each.table}: {each.what}")
def test_breakage_fits_the_code_and_names_tests(breakage, tmp_path):
    broken = tmp_path / breakage.file
    broken.parent.mkdir(parents=True, exist_ok=True)
    broken.write_bytes((ROOT / breakage.file).read_bytes())
    breakage.apply(tmp_path)
    if broken.suffix == ".py":
        ast.parse(broken.read_text(encoding="utf-8"))
    assert breakage.tests
    assert [test for test in breakage.tests if not exists(test)] == []


def test_every_promise_that_is_kept_is_broken_once():
    kept = {number for number, _, tests in ROWS if "::" in tests}
    assert kept - {each.requirement for each in BREAKAGES} == set()


@pytest.mark.parametrize("page", TEXTS)
def test_every_test_of_a_check_list_fails_for_some_breakage(page):
    failing = {test for each in BREAKAGES for test in each.tests}
    assert set(named(page)) - failing == set()


def test_breakages_of_a_table_differ():
    changes = [
        (each.table, each.requirement, each.file, each.find, each.replace) for each in BREAKAGES
    ]
    assert len(set(changes)) == len(changes)


def test_breakage_that_the_code_has_outgrown_is_an_error(tmp_path):
    (tmp_path / "authkit_asgi").mkdir()
    (tmp_path / SOUND.file).write_text("something else", encoding="utf-8")
    with pytest.raises(ValueError, match="has changed"):
        SOUND.apply(tmp_path)


def test_runner_tells_green_from_red_and_mends_the_code(tmp_path):
    root = copy_to(tmp_path)
    assert unnoticed(root, SOUND) == list(SOUND.tests)
    assert (root / SOUND.file).read_bytes() == (ROOT / SOUND.file).read_bytes()
    noticed = next(each for each in BREAKAGES if each.requirement == "R25")
    assert unnoticed(root, noticed) == []


HANGING = """
import pathlib, subprocess, sys, time

SERVER = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); "
SERVER += "print(s.getsockname()[1], flush=True); time.sleep(600)"


def test_that_hangs():
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    port = server.stdout.readline()
    pathlib.Path("port").write_text(port)
    time.sleep(600)
"""


def port_of_hanging_test(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a test that starts a server and hangs; return the server's port."""
    (root / "tests").mkdir()
    (root / "tests/test_hanging.py").write_text(HANGING, encoding="utf-8")
    seconds = 2
    while not (root / "port").exists():
        seconds *= 2  # until the machine gets as far as that
        monkeypatch.setattr(try_breakages, "SECONDS", seconds)
        with pytest.raises(NotFinishedError):
            run_tests(root, ["tests/test_hanging.py"])
    return int((root / "port").read_text(encoding="utf-8"))


def test_runner_ends_what_hanging_tests_have_started(tmp_path, monkeypatch):
    port = port_of_hanging_test(tmp_path, monkeypatch)
    deadline = time.monotonic() + 30
    with contextlib.suppress(ConnectionRefusedError):
        while True:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            assert time.monotonic() < deadline, "the server goes on"
            time.sleep(0.02)


def test_runner_takes_tests_that_do_not_end_for_no_proof(monkeypatch, capsys):
    monkeypatch.setattr(try_breakages, "SECONDS", 0.01)
    monkeypatch.setattr(try_breakages, "read_breakages", lambda: [SOUND])
    assert main([]) == 1
    (verdict, *_), *_, last = map(str.split, capsys.readouterr().out.splitlines())
    assert verdict == "NOT"
    assert last[:2] == ["1", "runs"]

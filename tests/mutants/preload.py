"""Imported by the process from which mutmut forks one for each mutant, to import the tests once.

What a test's module makes while it is imported is made without the mutant.
"""

from __future__ import annotations

import gc
import importlib
import sys
from importlib.metadata import entry_points
from pathlib import Path

from hypothesis import settings

TESTS = Path(__file__).parents[1]

for plugin in entry_points(group="pytest11"):
    plugin.load()
importlib.import_module("anyio._backends._asyncio")
sys.path.insert(0, str(TESTS))
importlib.import_module("conftest")
settings.load_profile("mutants")  # the tests' own settings are made from it
for path in sorted(TESTS.rglob("test_*.py")):
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    importlib.import_module(path.stem)
gc.freeze()  # what is there by now is not searched by each of the processes

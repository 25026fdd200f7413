from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "coordination"))

from kit_bridge import Bridge, run_bridge


@pytest.fixture(scope="session")
def bridge() -> Iterator[Bridge]:
    with run_bridge() as running:
        yield running

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kit_bridge import Bridge, run_bridge


@pytest.fixture(scope="session")
def bridge() -> Iterator[Bridge]:
    with run_bridge() as running:
        yield running

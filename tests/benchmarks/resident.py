"""The memory of the machine that a process has."""

from __future__ import annotations

import gc
import os
from pathlib import Path


def resident(process: int | None = None) -> float:
    """Return the megabytes that a process has of the machine's memory; by default this one."""
    if process is None:
        gc.collect()
    statm = Path(f"/proc/{process or 'self'}/statm").read_text(encoding="ascii")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

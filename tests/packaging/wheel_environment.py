"""An environment that holds nothing but the wheel and what it needs."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PATIENCE_SECONDS = 300  # until a test gives up; nothing waits for so long


@dataclass(frozen=True)
class Environment:
    """The wheel, installed into an environment, and an empty folder to work in."""

    root: Path
    folder: Path

    def run(self, *command: str) -> str:
        """Run a command of the environment; return what it prints, or fail with it."""
        program, *arguments = command
        done = subprocess.run(
            [self.root / "bin" / program, *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

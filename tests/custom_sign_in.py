"""The examples of docs/custom-sign-in.md as modules."""

from __future__ import annotations

import re
import types
from pathlib import Path
from typing import Any

TEXT = (Path(__file__).parent.parent / "docs/custom-sign-in.md").read_text(encoding="utf-8")


def example(name: str) -> Any:
    """Run the example that begins with this file name, and return its module."""
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    (code,) = (block for block in blocks if block.startswith(f"# {name}\n"))
    module = types.ModuleType("example_of_custom_sign_in")
    exec(compile(code, name, "exec"), vars(module))  # noqa: S102  # ours
    return module

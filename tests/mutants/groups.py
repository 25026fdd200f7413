"""The modules that are mutated, each with the tests about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_NEEDED = (
    "pyproject.toml",
    "authkit_asgi/**/*.py",
    "tests/mutants/preload.*",
    "tests/vectors/*.json",
)
_HELPERS = ("tests/*.py", "tests/asgi/*.py")


@dataclass(frozen=True)
class Group:
    """Modules about one thing, and tests that all of them share.

    The tests are few: those of everything else would kill few mutants more, and slowly.
    """

    modules: tuple[str, ...]
    tests: tuple[str, ...]

    def files(self) -> set[Path]:
        """Return what a folder needs in which these modules are tested."""
        needed = {path for pattern in (*_NEEDED, *self.tests) for path in ROOT.glob(pattern)}
        helpers = {path for pattern in _HELPERS for path in ROOT.glob(pattern)}
        return needed | {path for path in helpers if not path.name.startswith("test_")}


GROUPS = (
    Group(
        ("seal", "seal_passwords"),
        ("tests/seal/*.py", "tests/test_kit_vectors.py"),
    ),
    Group(
        ("claim_readers", "tokens"),
        ("tests/tokens/*.py",),
    ),
    Group(
        ("cookies",),
        ("tests/test_*cookie*.py", "tests/test_kit_vectors.py"),
    ),
    Group(
        ("pkce",),
        (
            "tests/test_kit_vectors.py",
            "tests/test_pkce*.py",
            "tests/test_return_path_vectors.py",
            "tests/test_safe_return_path*.py",
        ),
    ),
    Group(
        ("session", "session_contents"),
        (
            "tests/asgi/test_smaller_sessions.py",
            "tests/asgi/test_transform_faults.py",
            "tests/test_kit_vectors.py",
            "tests/test_session*.py",
            "tests/test_user_not_loaded.py",
        ),
    ),
    Group(
        ("exchange",),
        (
            "tests/asgi/test_stored_late.py",
            "tests/asgi/test_stored_overtaken.py",
            "tests/asgi/test_stored_races.py",
            "tests/asgi/test_stored_revoked.py",
            "tests/test_*renewal*.py",
            "tests/test_expired_arrivals.py",
            "tests/test_hooks.py",
            "tests/test_service_new_key.py",
            "tests/test_service_refresh.py",
        ),
    ),
    Group(
        ("outcomes", "refresh", "single_flight"),
        (
            "tests/test_outcomes.py",
            "tests/test_refresh.py",
            "tests/test_refresh_notes.py",
            "tests/test_refresh_tasks.py",
            "tests/test_single_flight.py",
        ),
    ),
    Group(
        ("denials", "guards"),
        (
            "tests/asgi/test_bearer_guards.py",
            "tests/asgi/test_denial_handlers.py",
            "tests/asgi/test_forbidden_page.py",
            "tests/asgi/test_guard*.py",
            "tests/asgi/test_mixed_credentials.py",
            "tests/asgi/test_recent_sign_in.py",
            "tests/asgi/test_require.py",
            "tests/asgi/test_websocket.py",
        ),
    ),
)

"""The emulators under contract, each running on loopback with the same people in it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

from contract_client import ADA, BOB, CY, Emulator

from authkit_asgi.testing import WorkOSEmulator

INTEROP = Path(__file__).parent.parent / "interop"
ORGANIZATIONS = ("Acme", "Globex", "Initech")
MEMBERS = (
    (ADA, "Acme", "admin"),
    (ADA, "Globex", "member"),
    (ADA, "Initech", "member"),
    (CY, "Globex", "member"),
)
EVE = {"email": "eve@example.com", "reason": "a support case"}


@contextlib.contextmanager
def run_ours(folder: Path) -> Iterator[Emulator]:
    del folder  # it writes nothing
    emulator = WorkOSEmulator()
    people = (
        emulator.add_user(
            email=ADA, first_name="Ada", last_name="Lovelace", metadata={"team": "engines"}
        ),
        emulator.add_user(email=BOB),
        emulator.add_user(email=CY),
    )
    users = {user.email: user.id for user in people}
    organizations = {name: emulator.add_organization(name).id for name in ORGANIZATIONS}
    for email, name, role in MEMBERS:
        permissions = ("data:export",) if role == "admin" else ()
        emulator.add_membership(
            users[email], organizations[name], role=role, permissions=permissions
        )
    with emulator.serve() as url:
        yield Emulator(
            name="ours",
            url=url,
            client_id=emulator.client_id,
            api_key=emulator.api_key,
            users=users,
            organizations=organizations,
            impersonation_code=lambda: emulator.impersonate(users[BOB], **EVE),
        )


@contextlib.contextmanager
def run_official(folder: Path) -> Iterator[Emulator]:
    """Run WorkOS's own, which starts with Ada and Bob and the first two memberships."""
    sys.path.append(str(INTEROP))
    from official_emulator import run_official_emulator  # noqa: PLC0415  # needs Node.js

    with run_official_emulator(folder) as official:
        official.call("POST", "/user_management/users", email=CY)
        official.call("POST", "/organizations", name="Initech")
        for email, name, role in MEMBERS[2:]:
            official.call(
                "POST",
                "/user_management/organization_memberships",
                user_id=official.user_id(email),
                organization_id=official.organization_id(name),
                role_slug=role,
            )
        yield Emulator(
            name="official",
            url=official.address.url,
            client_id=official.address.client_id,
            api_key=official.address.api_key,
            users={email: official.user_id(email) for email in (ADA, BOB, CY)},
            organizations={name: official.organization_id(name) for name in ORGANIZATIONS},
            impersonation_code=None,
        )


RUNNERS = {"ours": run_ours, "official": run_official}

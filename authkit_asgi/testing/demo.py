"""The people and organizations of the demo; their ids are the same at every start."""

from __future__ import annotations

from authkit_asgi.testing.directory import Directory

_ACME = "org_01DEMOACME0000000000000000"
_GLOBEX = "org_01DEMOGLOBEX00000000000000"
_VAULT = "org_01DEMOVAULT000000000000000"
_ADA = "user_01DEMOADA00000000000000000"
_SOREN = "user_01DEMOSOREN000000000000000"
_YUKI = "user_01DEMOYUKI0000000000000000"
_MARIA = "user_01DEMOMARIA000000000000000"

_VIEW = ("reports:view",)
_EXPORT = ("reports:view", "data:export")
_ALL = ("reports:view", "data:export", "members:manage")


def seed(directory: Directory) -> None:
    """Add an administrator of several organizations, two members, and somebody without any."""
    directory.add_organization("Acme", organization_id=_ACME)
    directory.add_organization("Globex", organization_id=_GLOBEX)
    directory.add_organization("Vault Bank", organization_id=_VAULT, sso_required=True)

    directory.add_user(
        user_id=_ADA,
        email="ada@example.com",
        first_name="Ada",
        last_name="Lovelace",
        locale="en-GB",
        metadata={"team": "engines"},
    )
    directory.add_user(
        user_id=_SOREN,
        email="soren@example.com",
        first_name="Søren",
        last_name="Ångström-Müller",
        authentication_method="GoogleOAuth",
    )
    directory.add_user(
        user_id=_YUKI,
        email="yuki@example.com",
        first_name="ゆき",
        last_name="田中",
        locale="ja-JP",
        authentication_method="Passkey",
    )
    # No last name and no organization: both happen, and both break applications.
    directory.add_user(user_id=_MARIA, email="maria@example.com", first_name="María")

    directory.add_membership(
        _ADA, _ACME, role="admin", permissions=_ALL, entitlements=("audit-log",)
    )
    directory.add_membership(_ADA, _GLOBEX, role="member", permissions=_VIEW)
    directory.add_membership(_ADA, _VAULT, role="member", permissions=_VIEW)
    directory.add_membership(
        _SOREN, _ACME, role="member", permissions=_VIEW, feature_flags=("new-dashboard",)
    )
    directory.add_membership(_YUKI, _GLOBEX, role="editor", permissions=_EXPORT)

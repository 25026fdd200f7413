"""Refreshes at the token endpoint: rotation, replay, switching organizations."""

from __future__ import annotations

from emulator_client import START, Clock, EmulatorClient, claims_of

from authkit_asgi.testing import WorkOSEmulator

ADA = {"user_id": "user_ada"}


def test_refresh_rotates_the_token_and_keeps_the_session(
    client: EmulatorClient, clock: Clock
) -> None:
    first = client.sign_in(form=ADA)
    clock.now += 200
    second = client.refresh(first["refresh_token"]).json()
    third = client.refresh(second["refresh_token"]).json()
    tokens = {answer["refresh_token"] for answer in (first, second, third)}
    assert len(tokens) == 3
    before, after = claims_of(first), claims_of(third)
    assert after["sid"] == before["sid"]
    assert after["jti"] != before["jti"]
    assert after["auth_time"] == before["auth_time"] == START
    assert after["iat"] == clock.now
    assert third["organization_id"] == "org_acme"
    assert third["authentication_method"] == "Password"


def test_refresh_token_is_good_once(client: EmulatorClient) -> None:
    first = client.sign_in(form=ADA)
    second = client.refresh(first["refresh_token"]).json()
    replay = client.refresh(first["refresh_token"])
    assert replay.status_code == 400
    assert replay.json()["error"] == "invalid_grant"
    assert client.refresh(second["refresh_token"]).status_code == 200


def test_refresh_token_that_is_unknown_is_refused(client: EmulatorClient) -> None:
    assert client.refresh("ref_unknown").json()["error"] == "invalid_grant"


def test_refresh_replay_within_the_window_gets_the_same_pair(
    client: EmulatorClient, emulator: WorkOSEmulator, clock: Clock
) -> None:
    emulator.configure(replay_window=30)
    token = client.sign_in(form=ADA)["refresh_token"]
    answer = client.refresh(token).json()
    clock.now += 29
    assert client.refresh(token).json() == answer
    assert client.refresh(token, organization_id="org_globex").status_code == 400
    clock.now += 1
    assert client.refresh(token).status_code == 400


def test_refresh_replay_revokes_the_session_when_asked_for(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.configure(reuse_revokes_session=True)
    token = client.sign_in(form=ADA)["refresh_token"]
    successor = client.refresh(token).json()["refresh_token"]
    assert client.refresh(token).status_code == 400
    assert client.refresh(successor).json()["error"] == "invalid_grant"


def test_refresh_changes_sid_when_asked_for(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.configure(rotate_session_id=True)
    first = client.sign_in(form=ADA)
    second = client.refresh(first["refresh_token"]).json()
    assert claims_of(first)["sid"] != claims_of(second)["sid"]


def test_refresh_omits_the_method_when_asked_for(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.configure(omit_method_on_refresh=True)
    first = client.sign_in(form=ADA)
    assert "authentication_method" not in client.refresh(first["refresh_token"]).json()


def test_refresh_of_a_removed_user_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    token = client.sign_in(form=ADA)["refresh_token"]
    emulator.remove_user("user_ada")
    assert client.refresh(token).json()["error"] == "invalid_grant"


def test_refresh_after_the_membership_ended_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    token = client.sign_in(form=ADA)["refresh_token"]
    emulator.remove_membership("user_ada", "org_acme")
    assert client.refresh(token).json()["error"] == "invalid_grant"


def test_refresh_switches_the_organization(client: EmulatorClient) -> None:
    first = client.sign_in(form=ADA)
    second = client.refresh(first["refresh_token"], organization_id="org_globex").json()
    assert claims_of(second)["org_id"] == second["organization_id"] == "org_globex"
    third = client.refresh(second["refresh_token"]).json()
    assert third["organization_id"] == "org_globex"


def test_refresh_into_a_foreign_organization_is_refused_and_keeps_the_token(
    client: EmulatorClient,
) -> None:
    token = client.sign_in(form={"user_id": "user_bob"})["refresh_token"]
    for organization in ("org_acme", "org_unknown"):
        refused = client.refresh(token, organization_id=organization)
        assert refused.status_code == 400
        assert refused.json()["error"] == "invalid_grant"
    assert client.refresh(token).status_code == 200


def test_refresh_into_an_organization_with_sso_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    bank = emulator.add_organization("Bank", organization_id="org_bank", sso_required=True)
    emulator.add_membership("user_ada", bank)
    token = client.sign_in(form=ADA)["refresh_token"]
    response = client.refresh(token, organization_id="org_bank")
    assert response.status_code == 403
    body = response.json()
    assert body.pop("pending_authentication_token")
    assert body == {
        "code": "sso_required",
        "message": "User must authenticate using one of the matching connections.",
        "email": "ada@example.com",
        "connection_ids": ["conn_bank"],
    }
    entered = client.sign_in(form=ADA, organization_id="org_bank")
    assert client.refresh(entered["refresh_token"], organization_id="org_bank").status_code == 200


def test_refresh_into_an_organization_with_mfa_is_refused(
    client: EmulatorClient, emulator: WorkOSEmulator
) -> None:
    emulator.add_membership("user_ada", emulator.add_organization("Bank", mfa_required=True))
    bank = next(o for o in emulator._state.directory.organizations.values() if o.name == "Bank")
    token = client.sign_in(form=ADA)["refresh_token"]
    response = client.refresh(token, organization_id=bank.id)
    assert response.status_code == 403
    assert response.json()["code"] == "mfa_enrollment"
    assert response.json()["user"]["id"] == "user_ada"

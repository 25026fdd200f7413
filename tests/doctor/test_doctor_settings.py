"""Faults of the settings, a line each, and what browsers make of the cookies."""

from __future__ import annotations

import pytest
from examined import config, environment, examined, found

from authkit_asgi.doctor.setting_checks import check_addresses, check_cookies


def cookie_findings(**changes):
    return {finding.check: finding for finding in check_cookies(config(**changes))}


def test_each_fault_of_the_settings_is_a_line_with_the_name_and_what_to_do():
    broken = {
        "WORKOS_CLIENT_ID": "",
        "WORKOS_COOKIE_PASSWORD": "too short",
        "WORKOS_COOKIE_MAX_AGE": "for ever",
        "WORKOS_COOKIE_DOMAIN": "example.org",
        "WORKOS_COOKIE_NAME": "__Host-session",
    }
    report = examined(environment(**broken))
    faults = [each for each in report.findings if each.check == "settings"]
    assert len(faults) == 5
    assert {each.status for each in faults} == {"fault"}
    for name in broken:
        assert any(each.message.startswith(name) for each in faults), name
    assert "too short" not in report.as_text()
    assert "WORKOS_CLIENT_ID (client_id) is missing: copy it" in report.as_text()
    assert report.exit_status == 1


def test_nothing_is_asked_of_workos_while_the_settings_are_at_fault(emulator, environ):
    report = examined({**environ, "WORKOS_REDIRECT_URI": ""})
    assert found(report, "api.reached").status == "skipped"
    assert emulator.requests == ()


def test_cookie_is_described_as_browsers_get_it():
    found_now = cookie_findings()
    assert found_now.keys() == {"cookie.attributes"}
    assert found_now["cookie.attributes"].message == (
        "wos-session; Path=/; HttpOnly; Secure; SameSite=Lax; of this host alone; 400 days"
    )
    shared = cookie_findings(
        cookie_domain="example.com", cookie_same_site="strict", cookie_max_age=3600 * 12
    )
    assert shared["cookie.attributes"].message == (
        "wos-session; Path=/; HttpOnly; Secure; SameSite=Strict; Domain=example.com; 0.5 days"
    )


def test_cookie_of_an_http_address_is_not_secure():
    found_now = cookie_findings(redirect_uri="http://localhost:8000/callback")
    assert "; Secure" not in found_now["cookie.attributes"].message
    assert found_now.keys() == {"cookie.attributes"}


def test_secure_cookie_of_an_http_address_is_a_warning():
    found_now = cookie_findings(
        redirect_uri="http://localhost:8000/callback",
        cookie_same_site="none",
        trusted_origins=["http://localhost:3000"],
    )
    assert found_now.keys() == {"cookie.attributes", "cookie.secure"}
    assert "; Secure; SameSite=None" in found_now["cookie.attributes"].message
    assert found_now["cookie.secure"].status == "warning"
    assert "https" in found_now["cookie.secure"].advice


def test_cookie_for_other_sites_without_trusted_origins_is_a_warning():
    finding = cookie_findings(cookie_same_site="none")["cookie.same_site"]
    assert finding.status == "warning"
    assert "trusted_origins" in finding.advice


def test_cookie_that_outlives_what_browsers_grant_is_a_warning():
    assert "cookie.age" not in cookie_findings(cookie_max_age=34_560_000)
    finding = cookie_findings(cookie_max_age=34_560_001)["cookie.age"]
    assert finding.status == "warning"
    assert "34560000" in finding.advice


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, []),
        ({"redirect_uri": "http://localhost:8000/callback"}, ["WORKOS_REDIRECT_URI"]),
        ({"redirect_uri": "https://[::1]/callback"}, ["WORKOS_REDIRECT_URI"]),
        ({"api_base_url": "http://127.0.0.1:8010"}, ["WORKOS_BASE_URL"]),
    ],
)
def test_address_of_this_machine_is_a_warning(changes, names):
    findings = list(check_addresses(config(**changes)))
    assert [finding.message.split()[0] for finding in findings] == names
    assert all(finding.status == "warning" for finding in findings)
    assert all("deployment" in finding.advice for finding in findings)

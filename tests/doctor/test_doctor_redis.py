"""What the doctor says of a real Redis, in order and spoilt, and that it leaves nothing there."""

from __future__ import annotations

import socket
import threading

import pytest
from examined import examined, found

from authkit_asgi.doctor import redis_checks

DESCRIBED = ["redis.version", "redis.eviction", "redis.persistence"]
CHECKS = ["redis.reached", *DESCRIBED, "redis.commands", "redis.pubsub"]


def findings(url):
    """Return what is said of Redis, and of nothing else that costs time."""
    report = examined({}, redis_url=url)
    assert "hidden" not in report.as_text() + report.as_json()
    return {each.check: each for each in report.findings if each.check.startswith("redis.")}


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(redis_checks, "_SECONDS", 0.3)


def test_redis_in_order_has_nothing_against_it(own_server):
    own_server.admin.config_set("appendonly", "yes")
    found_now = findings(own_server.url)
    assert list(found_now) == CHECKS
    assert {each.status for each in found_now.values()} == {"ok"}
    assert f"Redis at 127.0.0.1:{own_server.port} answers" in found_now["redis.reached"].message
    assert 0 < found_now["redis.reached"].seconds < 60
    version = own_server.admin.info()["redis_version"]
    assert version in found_now["redis.version"].message or "Valkey" in str(found_now)


def test_nothing_is_left_in_redis_and_nobody_connected(own_server):
    own_server.admin.set("theirs", "1")
    findings(own_server.url)
    assert own_server.contents() == {"theirs": b"1"}
    own_server.check_all_have_left()


@pytest.mark.parametrize(
    ("policy", "limit", "status", "words"),
    [
        ("noeviction", "100mb", "ok", "nothing is dropped"),
        ("allkeys-lru", "0", "ok", "no limit is set"),
        ("allkeys-lru", "100mb", "warning", "drops sessions"),
        ("volatile-ttl", "100mb", "warning", "drops sessions"),
    ],
)
def test_policy_that_drops_sessions_is_a_warning(own_server, policy, limit, status, words):
    own_server.admin.config_set("maxmemory-policy", policy)
    own_server.admin.config_set("maxmemory", limit)
    finding = findings(own_server.url)["redis.eviction"]
    assert finding.status == status
    assert f"maxmemory-policy is {policy}" in finding.message
    assert words in finding.message
    assert ("noeviction" in finding.advice) is (status == "warning")


@pytest.mark.parametrize(
    ("appendonly", "status", "words"),
    [("yes", "ok", "a restart loses nothing"), ("no", "warning", "a restart loses sessions")],
)
def test_redis_that_forgets_when_restarted_is_a_warning(own_server, appendonly, status, words):
    own_server.admin.config_set("appendonly", appendonly)
    finding = findings(own_server.url)["redis.persistence"]
    assert finding.status == status
    assert words in finding.message
    assert ("appendonly yes" in finding.advice) is (status == "warning")


def test_persistence_that_is_not_told_is_passed_over():
    finding = redis_checks._persistence({"redis_version": "7.2.4"})
    assert finding.status == "skipped"
    assert "appendonly" in finding.message


@pytest.mark.parametrize(
    ("info", "status", "message"),
    [
        ({"redis_version": "6.2.0"}, "ok", "Redis 6.2.0"),
        ({"redis_version": "10.0.1"}, "ok", "Redis 10.0.1"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.0"}, "ok", "Valkey 9.1.0"),
        ({"redis_version": "6.0.16"}, "fault", "Redis 6.0.16 is too old"),
        ({}, "fault", "Redis  is too old"),
    ],
)
def test_version_older_than_6_2_is_a_fault(info, status, message):
    finding = redis_checks._version(info)
    assert (finding.status, finding.message) == (status, message)


def test_policy_that_is_not_told_is_passed_over():
    finding = redis_checks._eviction({"redis_version": "7.2.4", "maxmemory": 0})
    assert finding.status == "skipped"
    assert "noeviction" in finding.message


def test_redis_that_is_not_there_is_a_fault():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    found_now = findings(f"redis://:hidden@127.0.0.1:{port}/0")
    assert found_now.keys() == {"redis.reached"}
    assert found_now["redis.reached"].status == "fault"
    assert "cannot be reached (Connection refused)" in found_now["redis.reached"].message


def test_wrong_password_is_a_fault_that_does_not_show_it(own_server):
    finding = findings(f"redis://ada:hidden@127.0.0.1:{own_server.port}/0")["redis.reached"]
    assert finding.status == "fault"
    assert "refuses the user name or the password" in finding.message


def test_redis_that_hangs_is_given_up(own_server, impatient):
    own_server.stop()
    try:
        finding = findings(own_server.url)["redis.reached"]
    finally:
        own_server.go_on()
    assert finding.status == "fault"
    assert "does not answer within 0.3 s" in finding.message


def test_server_that_is_no_redis_is_a_fault():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            finding = findings(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")["redis.reached"]
        finally:
            thread.join()
    assert finding.status == "fault"


def test_replica_that_takes_no_writes_is_a_fault(own_server):
    own_server.admin.replicaof("127.0.0.1", "1")
    found_now = findings(own_server.url)
    assert found_now["redis.reached"].status == "ok"
    assert found_now["redis.commands"].status == "fault"
    assert "Redis refuses (" in found_now["redis.commands"].message


def test_user_without_rights_is_told_what_is_missing(own_server):
    own_server.admin.acl_setuser("ada", enabled=True, passwords=["+hidden"], commands=["+ping"])
    found_now = findings(f"redis://ada:hidden@127.0.0.1:{own_server.port}/0")
    statuses = {check: each.status for check, each in found_now.items()}
    assert statuses == {
        "redis.reached": "ok",
        "redis.version": "skipped",
        "redis.commands": "fault",
        "redis.pubsub": "warning",
    }
    assert "refuses (NoPermissionError)" in found_now["redis.commands"].message
    assert "authkit:*" in found_now["redis.commands"].advice
    assert "authkit:*" in found_now["redis.pubsub"].advice


def test_value_that_is_not_what_was_written_is_a_fault(own_server, monkeypatch):
    monkeypatch.setattr(redis_checks, "_WRITE", "return redis.call('SET', KEYS[1], 'x', 'EX', 5)")
    finding = findings(own_server.url)["redis.commands"]
    assert finding.status == "fault"
    assert "primary" in finding.advice
    monkeypatch.setattr(redis_checks, "_WRITE", "return redis.call('SET', KEYS[1], ARGV[1])")
    assert findings(own_server.url)["redis.commands"].status == "fault"


def test_error_of_no_known_kind_is_named_by_its_first_word(own_server):
    own_server.admin.config_set("min-replicas-to-write", "1")
    finding = findings(own_server.url)["redis.commands"]
    assert "Redis refuses (NOREPLICAS)" in finding.message


def test_address_that_is_none_is_a_fault():
    finding = findings("http://:hidden@localhost")["redis.reached"]
    assert finding.status == "fault"
    assert "redis://localhost:6379/0" in finding.message


def test_without_an_address_redis_is_passed_over():
    finding = found(examined({}), "redis.reached")
    assert finding.status == "skipped"
    assert "--redis" in finding.message


def test_without_the_package_redis_the_line_says_how_to_install_it(monkeypatch):
    import builtins  # noqa: PLC0415
    import sys  # noqa: PLC0415

    real_import = builtins.__import__

    def without_redis(name, *rest, **more):
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError(name=name)
        return real_import(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "authkit_asgi.doctor.redis_checks")
    monkeypatch.setattr(builtins, "__import__", without_redis)
    finding = found(examined({}, redis_url="redis://localhost"), "redis.reached")
    assert finding.status == "fault"
    assert finding.advice == "pip install 'authkit-asgi[redis]'"


def test_settings_and_redis_are_both_examined(environ, own_server):
    report = examined(environ, redis_url=own_server.url)
    assert found(report, "redis.pubsub").status == "ok"
    assert found(report, "api.key").status == "ok"

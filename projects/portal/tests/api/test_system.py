import pytest
from django.db import connection

from projects.jobs.services import beat
from projects.portal.api import system


def test_ping_says_pong(client, db):
    answer = client.get("/api/v2.0/ping")
    assert (answer.content, answer["Content-Type"]) == (b"Pong", "text/plain")


def test_the_version_of_the_api_needs_no_login(client, db):
    assert client.get("/api/version").json() == {"version": "v2.0"}


def test_health_names_the_parts(client, db, store):
    beat()
    body = client.get("/api/v2.0/health").json()
    assert body["status"] == "healthy"
    assert {part["name"]: part["status"] for part in body["components"]} == {
        "core": "healthy",
        "database": "healthy",
        "registry": "healthy",
        "jobservice": "healthy",
    }


def test_a_worker_that_was_not_heard_of_makes_the_whole_sick(client, db, store):
    body = client.get("/api/v2.0/health").json()
    assert body["status"] == "unhealthy"
    assert [part["name"] for part in body["components"] if part["status"] == "unhealthy"] == ["jobservice"]


def test_a_sick_part_makes_the_whole_sick_and_does_not_say_why(client, db, monkeypatch):
    def broken():
        raise OSError("/secret/path is gone")

    beat()
    monkeypatch.setattr(system, "_ask_storage", broken)
    answer = client.get("/api/v2.0/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "unhealthy")
    assert b"secret" not in answer.content


def test_redis_is_asked_where_it_is_used(client, db, settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
    parts = {part["name"]: part["status"] for part in client.get("/api/v2.0/health").json()["components"]}
    assert parts["redis"] == "unhealthy"


def test_system_info_tells_anonymous_how_to_log_in_and_no_more(api):
    assert api.get("/systeminfo", "anonymous").json() == {
        "auth_mode": "db_auth",
        "primary_auth_mode": False,
        "self_registration": False,
        "banner_message": "",
        "oidc_provider_name": "",
    }


def test_system_info_tells_the_rest_to_who_has_logged_in(api):
    info = api.client("sam").get("/api/v2.0/systeminfo", headers={"host": "harbor.example:8443"}).json()
    assert info["registry_url"] == "harbor.example:8443"
    assert info["external_url"] == "http://harbor.example:8443"
    assert info["harbor_version"].startswith("v2.")
    assert (info["has_ca_root"], info["read_only"]) == (False, False)
    assert info["project_creation_restriction"] == "everyone"
    assert info["registry_storage_provider_name"] == "filesystem"
    assert info["current_time"].endswith("Z")


def test_the_certificate_is_anybodys(client, db, settings, tmp_path):
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    settings.HARBORWEB = {**settings.HARBORWEB, "TLS_CA": tmp_path / "ca.crt"}
    answer = client.get("/api/v2.0/systeminfo/getcert")
    assert answer.content.startswith(b"-----BEGIN")
    assert answer["Content-Disposition"] == "attachment; filename=ca.crt"


@pytest.mark.parametrize("setting", [None, "missing"])
def test_without_a_certificate_the_answer_is_harbors_404(client, db, settings, tmp_path, setting):
    settings.HARBORWEB = {**settings.HARBORWEB, "TLS_CA": setting and tmp_path / setting}
    answer = client.get("/api/v2.0/systeminfo/getcert")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "NOT_FOUND"


def test_volumes_tell_the_admin_of_the_disk(api):
    (disk,) = api.get("/systeminfo/volumes", "admin").json()["storage"]
    assert 0 < disk["free"] <= disk["total"]


def test_an_address_that_is_none_is_answered_in_the_same_envelope(client, db):
    answer = client.get("/api/v2.0/nonsense")
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["code"] == "NOT_FOUND"


def test_the_database_is_really_asked(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        system._ask_database()
    assert connection.is_usable()

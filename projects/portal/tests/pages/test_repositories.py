from pathlib import Path

import pytest

from projects.portal.tests.artifacts import push_image
from projects.web.tests.reading import text
from registry.models import Manifest, Repository, Tag


def names(response):
    return [repository.name for repository in response.context["page"].rows]


def test_repositories_are_listed_with_what_is_in_them(pages, cast, content):
    row = pages.get("repositories", cast.public.pk, who="anonymous").context["page"].rows[0]
    # The image, the index, the chart and the plain image; neither the index's children nor the image's SBOM.
    assert (row.name, row.artifact_count) == ("open/team/app", 4)
    assert row.storage > 16384


def test_repositories_are_narrowed_and_sorted(pages, cast, store):
    push_image("open/b")
    push_image("open/a", seed="2")
    push_image("open/a", seed="3")
    Repository.objects.filter(name="open/b").update(pull_count=7)
    pk = cast.public.pk
    assert names(pages.get("repositories", pk)) == ["open/a", "open/b"]
    assert names(pages.get("repositories", pk, sort="-updated")) == ["open/a", "open/b"]
    assert names(pages.get("repositories", pk, sort="-pulls")) == ["open/b", "open/a"]
    assert names(pages.get("repositories", pk, sort="artifacts")) == ["open/b", "open/a"]
    assert names(pages.get("repositories", pk, sort="size")) == ["open/b", "open/a"]
    assert names(pages.get("repositories", pk, q="B")) == ["open/b"]
    assert names(pages.get("repositories", pk, q="open/a")) == ["open/a"]
    # "open" is in every full name, but in no name within the project.
    assert names(pages.get("repositories", pk, q="open")) == []


def test_an_empty_project_teaches_how_to_push(pages, cast):
    response = text(pages.get("repositories", cast.public.pk, who="dev"))
    assert "Nothing has been pushed yet" in response
    for line in (
        "docker push testserver/open/REPOSITORY:TAG",
        "podman push --tls-verify=false IMAGE:TAG testserver/open/REPOSITORY:TAG",
        "helm push --plain-http CHART-VERSION.tgz oci://testserver/open",
        "oras push --plain-http testserver/open/REPOSITORY:TAG",
        "skopeo copy --dest-tls-verify=false docker://SOURCE:TAG docker://testserver/open/REPOSITORY:TAG",
    ):
        assert line in response


@pytest.mark.parametrize("who", ["anonymous", "gus"])
def test_who_may_not_push_is_not_shown_how(pages, cast, who):
    page = text(pages.get("repositories", cast.public.pk, who=who))
    assert "Nothing has been pushed yet" in page
    assert "Only developers, maintainers and project admins may push to repositories." in page
    assert "Push command" not in page
    assert "docker push" not in page


def test_over_tls_no_client_is_told_to_leave_it(pages, cast):
    secure = pages.client("dev").get(f"/harbor/projects/{cast.public.pk}/repositories", secure=True)
    assert "podman push IMAGE:TAG testserver/open" in text(secure)
    assert "tls-verify" not in text(secure)


def test_the_certificate_is_offered_where_there_is_one(pages, cast, settings, tmp_path: Path):
    assert "Registry certificate" not in text(pages.get("repositories", cast.public.pk))
    authority = tmp_path / "ca.crt"
    authority.touch()
    settings.HARBORWEB = {**settings.HARBORWEB, "TLS_CA": authority}
    response = pages.get("repositories", cast.public.pk, who="anonymous")
    assert "Registry certificate" in text(response)
    assert 'href="/api/v2.0/systeminfo/getcert"' in response.content.decode()
    for directory in ("docker", "containers", "containerd"):
        assert f"/etc/{directory}/certs.d/testserver/ca.crt" in text(response)


def test_a_repository_leads_to_its_artifacts_also_by_harbors_way_to_write_its_name(pages, cast, content):
    base = f"/harbor/projects/{cast.public.pk}/repositories"
    client = pages.client("dev")
    for name in ("team/app", "team%2Fapp", "team%252Fapp", "open%2Fteam%2Fapp"):
        assert (
            client.get(f"{base}/{name}", follow=True).redirect_chain[-1][0]
            == f"{base}/team/app/artifacts-tab"
        )
    assert client.get(f"{base}/team%2Fapp/artifacts-tab?publicAndNotLogged=yes").status_code == 200
    assert client.get(f"{base}/team").status_code == 404


def test_the_description_is_shown_and_changed(pages, cast, app):
    assert "Nobody has described" in text(pages.get("info", cast.public.pk, "team/app", who="lim"))
    edited = pages.post(
        "edit_description", cast.public.pk, "team/app", who="dev", description="See https://example.com <b>"
    )
    assert edited.url.endswith("/repositories/team/app/info-tab")
    response = pages.get("info", cast.public.pk, "team/app", who="lim").content.decode()
    assert '<a href="https://example.com" rel="nofollow">' in response
    assert "&lt;b&gt;" in response


def test_repositories_are_deleted_after_asking_with_all_that_is_in_them(pages, cast, app):
    asked = pages.post("delete_repositories", cast.public.pk, who="mara", repository=app.pk)
    assert "Delete team/app?" in text(asked)
    assert "4 artifacts" in text(asked)
    assert Manifest.objects.filter(repository=app).exists()
    done = pages.post("delete_repositories", cast.public.pk, who="mara", repository=app.pk, confirmed="yes")
    assert done.url == f"/harbor/projects/{cast.public.pk}/repositories"
    assert not Manifest.objects.filter(repository=app).exists()
    assert not Tag.objects.filter(repository=app).exists()
    assert names(pages.get("repositories", cast.public.pk)) == []
    assert pages.get("artifacts", cast.public.pk, "team/app").status_code == 404


def test_a_repository_of_another_project_is_out_of_reach(pages, cast, content):
    other = Repository.objects.get(name="secret/team/app")
    pages.post("delete_repositories", cast.public.pk, repository=[other.pk, "x"], confirmed="yes")
    assert Manifest.objects.filter(repository=other).exists()
    assert "What you chose is gone already." in text(pages.get("repositories", cast.public.pk, who="petra"))


def test_choosing_no_repository_is_said(pages, cast):
    pages.post("delete_repositories", cast.public.pk)
    assert "Choose the repositories to delete." in text(
        pages.get("repositories", cast.public.pk, who="petra")
    )


def test_what_was_deleted_can_be_pushed_again(pages, cast, app):
    pages.post("delete_repositories", cast.public.pk, repository=app.pk, confirmed="yes")
    push_image("open/team/app", "again")
    assert names(pages.get("repositories", cast.public.pk)) == ["open/team/app"]

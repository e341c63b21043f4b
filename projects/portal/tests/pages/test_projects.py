import pytest

from projects.models import Member, Project, Role
from projects.portal.tests.artifacts import push_blob, push_image, push_index
from projects.services import create_project
from projects.web.tests.reading import text
from registry.models import Blob, Manifest, Repository


def names(response):
    return [project.name for project in response.context["page"].rows]


def test_the_list_holds_what_each_may_know_of_with_its_role(pages, cast):
    assert names(pages.get("projects", who="anonymous")) == ["open"]
    assert names(pages.get("projects", who="sam")) == ["open"]
    assert names(pages.get("projects", who="gus")) == ["open", "secret"]
    assert "Guest" in text(pages.get("projects", who="gus"))
    assert "System admin" in text(pages.get("projects", who="admin"))


def test_the_list_is_narrowed_by_name_and_access_level_and_sorted(pages, cast):
    assert names(pages.get("projects", q="ECR")) == ["secret"]
    assert names(pages.get("projects", access="public")) == ["open"]
    assert names(pages.get("projects", access="private")) == ["secret"]
    assert names(pages.get("projects", sort="-name")) == ["secret", "open"]
    assert names(pages.get("projects", sort="created")) == ["open", "secret"]
    assert names(pages.get("projects", sort="password", access="nonsense")) == ["open", "secret"]
    assert "No project fits the filter" in text(pages.get("projects", q="zzz"))


def test_the_list_counts_repositories_that_something_was_pushed_to(pages, cast, store):
    push_image("secret/a")
    push_image("secret/b/c")
    response = pages.get("projects", sort="-repositories")
    assert names(response) == ["secret", "open"]
    assert [project.repository_count for project in response.context["page"].rows] == [2, 0]


def test_htmx_gets_the_list_alone_from_the_same_address(pages, cast):
    whole, part = pages.get("projects"), pages.get("projects", htmx=True)
    assert "<!DOCTYPE html>" in whole.content.decode()
    assert "<html" not in part.content.decode()
    assert 'id="list"' in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_who_has_not_logged_in_reads_but_makes_no_project(pages, cast):
    assert "New project" not in text(pages.get("projects", who="anonymous"))
    assert pages.get("new_project", who="anonymous").status_code == 302
    assert pages.post("new_project", who="anonymous", name="mine").status_code == 302
    assert not Project.objects.filter(namespace__name="mine").exists()


def test_a_new_project_belongs_to_who_made_it(pages, cast):
    response = pages.post("new_project", who="sam", name="mine", public="on")
    project = Project.objects.get(namespace__name="mine")
    assert response.url == f"/harbor/projects/{project.pk}/repositories"
    assert project.public
    assert Member.objects.get(project=project).role == Role.PROJECT_ADMIN
    assert "Project mine is ready." in text(pages.client("sam").get(response.url))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "This field is required."),
        ("Up per", "A project's name has 1 to 255 lower-case letters"),
        ("open", "The project name open is taken."),
    ],
)
def test_a_name_that_cannot_be_is_said_beside_the_field(pages, cast, name, message):
    response = pages.post("new_project", name=name)
    assert response.status_code == 422
    assert message in response.context["form"].errors["name"][0]
    assert 'aria-invalid="true"' in response.content.decode()


def test_the_summary_tells_how_much_and_who(pages, cast, content):
    response = pages.get("summary", cast.public.pk, who="gus")
    assert response.context["repository_count"] == 1
    assert response.context["storage"] > 0
    assert response.context["roles"][0] == ("Project admin", 1)
    assert "team/app" in text(response)
    assert "Members" not in text(pages.get("summary", cast.public.pk, who="sam"))


def used(pages, cast):
    """Bytes of the project, and of each of its repositories."""
    listed = pages.get("repositories", cast.public.pk).context["page"].rows
    return pages.get("summary", cast.public.pk).context["storage"], [each.storage for each in listed]


def test_storage_is_that_of_the_manifests_and_of_all_that_they_name(pages, cast, store):
    image = push_image("open/a", "1")
    push_blob("open/a", b"named by nothing", "text/plain")
    manifest = Manifest.objects.get(digest=image["digest"])
    assert manifest.total_size == image["size"] + sum(Blob.objects.values_list("size", flat=True)) - 16
    assert used(pages, cast) == (manifest.total_size, [manifest.total_size])
    index = push_index("open/a", "2", children=[image])
    assert used(pages, cast)[0] == manifest.total_size + index["size"]


def test_what_repositories_share_counts_once(pages, cast, store):
    push_image("open/a")
    once, _ = used(pages, cast)
    push_image("open/b")
    assert used(pages, cast) == (once, [once, once])


def test_what_is_deleted_counts_no_longer_but_for_what_others_name(pages, cast, store):
    first, second = push_image("open/a", "1"), push_image("open/a", "2", seed="2")
    pages.post("delete_artifacts", cast.public.pk, "a", digest=first["digest"], confirmed="yes")
    left = Manifest.objects.get(digest=second["digest"]).total_size
    assert used(pages, cast) == (left, [left])


def test_push_commands_are_for_those_who_may_push(pages, cast):
    assert "docker push testserver/open/REPOSITORY:TAG" in text(
        pages.get("summary", cast.public.pk, who="dev")
    )
    assert "docker push" not in text(pages.get("summary", cast.public.pk, who="gus"))


def test_an_empty_project_is_deleted_after_asking(pages, cast):
    project = create_project(actor=cast["petra"].actor, name="gone")
    assert "Delete project gone?" in text(pages.get("delete_project", project.pk, who="petra"))
    pages.post("delete_project", project.pk)
    assert Project.objects.filter(pk=project.pk).exists()
    response = pages.post("delete_project", project.pk, confirmed="yes")
    assert response.url == "/harbor/projects"
    assert not Project.objects.filter(pk=project.pk).exists()


def test_a_project_goes_after_its_last_repository(pages, cast, content):
    repositories = Repository.objects.filter(namespace=cast.public.namespace)
    chosen = list(repositories.values_list("pk", flat=True))
    pages.post("delete_repositories", cast.public.pk, repository=chosen, confirmed="yes")
    response = pages.post("delete_project", cast.public.pk, confirmed="yes")
    assert response.url == "/harbor/projects"
    assert not Project.objects.filter(pk=cast.public.pk).exists()


def test_a_project_with_repositories_stays(pages, cast, content):
    response = pages.get("delete_project", cast.public.pk, who="petra")
    assert "It still has repositories." in text(response)
    assert 'class="btn danger"' not in response.content.decode()
    assert pages.post("delete_project", cast.public.pk, confirmed="yes").status_code == 412


def test_a_project_admin_switches_sparse_indexes_and_access(pages, cast):
    saved = pages.post("configuration", cast.private.pk, public="on", allow_sparse_indexes="on")
    assert saved.url == f"/harbor/projects/{cast.private.pk}/configs"
    project = Project.objects.select_related("namespace").get(pk=cast.private.pk)
    assert (project.public, project.namespace.allow_sparse_indexes) == (True, True)
    assert pages.get("configuration", project.pk, who="petra").content.decode().count(" checked") == 2
    pages.post("configuration", project.pk)
    project = Project.objects.select_related("namespace").get(pk=cast.private.pk)
    assert (project.public, project.namespace.allow_sparse_indexes) == (False, False)


def test_a_member_sees_the_configuration_but_cannot_change_it(pages, cast):
    shown = pages.get("configuration", cast.public.pk, who="dev")
    assert shown.content.decode().count(" disabled") == 2
    assert "Only project admins may change the configuration." in text(shown)

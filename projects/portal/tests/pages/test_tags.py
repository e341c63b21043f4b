from projects.portal.tests.artifacts import push_image
from projects.web.tests.reading import text
from registry.models import Manifest, Tag

NAME = "team/app"


def tags(descriptor):
    found = Tag.objects.filter(repository__name=f"open/{NAME}", manifest__digest=descriptor["digest"])
    return set(found.values_list("name", flat=True))


def address(cast, descriptor):
    return cast.public.pk, NAME, descriptor["digest"]


def test_a_tag_is_added(pages, cast, content):
    response = pages.post("add_tag", *address(cast, content.plain), who="dev", name="v3")
    assert response.url.endswith(f"/artifacts-tab/artifacts/{content.plain['digest']}")
    assert tags(content.plain) == {"v3"}
    assert "is now tagged v3." in text(pages.client("dev").get(response.url))


def test_a_tag_that_cannot_be_is_said_beside_the_field(pages, cast, content):
    refusals = (
        ("1.0", "names another artifact"),
        ("-x", "invalid tag"),
        ("", "required"),
        ("a b", "invalid"),
    )
    for name, message in refusals:
        response = pages.post("add_tag", *address(cast, content.plain), htmx=True, name=name)
        assert response.status_code == 422, name
        assert message in response.context["form"].errors["name"].as_text().lower()
    assert tags(content.plain) == set()


def test_adding_a_tag_that_is_there_changes_nothing(pages, cast, content):
    assert pages.post("add_tag", *address(cast, content.image), name="1.0").status_code == 302
    assert tags(content.image) == {"1.0", "latest"}


def test_tags_are_removed_after_asking_and_the_artifact_stays(pages, cast, content):
    asked = pages.post("remove_tags", *address(cast, content.image), who="mara", tag=["1.0"])
    assert "Remove tag 1.0?" in text(asked)
    assert "It keeps 1 other tag." in text(asked)
    asked = pages.post("remove_tags", *address(cast, content.image), who="mara", tag=["1.0", "latest"])
    assert "can then only be pulled by its digest" in text(asked)
    assert tags(content.image) == {"1.0", "latest"}
    pages.post(
        "remove_tags", *address(cast, content.image), who="mara", tag=["1.0", "latest"], confirmed="yes"
    )
    assert tags(content.image) == set()
    assert Manifest.objects.filter(digest=content.image["digest"], repository__name=f"open/{NAME}").exists()


def test_a_tag_of_another_artifact_is_out_of_reach(pages, cast, content):
    pages.post("remove_tags", *address(cast, content.plain), tag=["latest", "nothing"], confirmed="yes")
    assert tags(content.image) == {"1.0", "latest"}
    assert "What you chose is gone already." in text(
        pages.get("artifact", *address(cast, content.plain), who="petra")
    )


def test_choosing_no_tag_is_said(pages, cast, content):
    pages.post("remove_tags", *address(cast, content.image))
    assert "Choose the tags to remove." in text(
        pages.get("artifact", *address(cast, content.image), who="petra")
    )


def test_tags_are_listed_in_pages_sorted_and_narrowed(pages, cast, store):
    descriptor = push_image(f"open/{NAME}", *(f"v{number:02}" for number in range(40)))

    def names(**query):
        page = pages.get("artifact", *address(cast, descriptor), **query).context["page"]
        return [tag.name for tag in page.rows], page

    first, page = names(sort="name")
    assert first == [f"v{number:02}" for number in range(15)]
    second, page = names(sort="name", at=page.following)
    assert second == [f"v{number:02}" for number in range(15, 30)]
    assert (page.first, page.end, page.total) == (16, 30, 40)
    assert names(q="V3", sort="-name")[0] == [f"v{number}" for number in range(39, 29, -1)]

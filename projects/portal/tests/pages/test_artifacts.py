from datetime import timedelta

from django.db.models import F

from projects.portal import queries
from projects.portal.tests.artifacts import push_accessory, push_chart, push_image, push_index, push_manifest
from projects.web.tests.reading import text
from registry import media_types
from registry.models import Manifest, Namespace, Tag

NAME = "team/app"


def digests(response):
    return [row["manifest"].digest for row in response.context["rows"]]


def listed(pages, cast, **query):
    return digests(pages.get("artifacts", cast.public.pk, NAME, **query))


def here():
    return set(Manifest.objects.filter(repository__name=f"open/{NAME}").values_list("digest", flat=True))


def test_children_and_accessories_are_folded_into_what_they_belong_to(pages, cast, content):
    expected = {each["digest"] for each in (content.image, content.index, content.chart, content.plain)}
    assert set(listed(pages, cast)) == expected
    response = pages.get("artifacts", cast.public.pk, NAME, who="anonymous")
    assert response.context["page"].total == 4
    assert "2 inside" in text(response)


def test_a_child_with_a_tag_of_its_own_is_listed_too(pages, cast, store):
    child = push_image(f"open/{NAME}", "amd64")
    index = push_index(f"open/{NAME}", "multi", children=[child])
    assert set(listed(pages, cast)) == {child["digest"], index["digest"]}


def test_what_refers_to_something_that_is_not_here_is_listed(pages, cast, store):
    absent = {"mediaType": media_types.OCI_MANIFEST, "digest": f"sha256:{7:064x}", "size": 7}
    accessory = push_accessory(f"open/{NAME}", absent)
    assert listed(pages, cast) == [accessory["digest"]]


def test_the_newest_come_first_unless_another_order_is_asked_for(pages, cast, content):
    ages = [content.image, content.chart, content.index, content.plain]
    for age, each in enumerate(ages):
        Manifest.objects.filter(digest=each["digest"]).update(pushed_at=F("pushed_at") - timedelta(hours=age))
    expected = [each["digest"] for each in ages]
    assert listed(pages, cast) == expected
    assert listed(pages, cast, sort="pushed") == expected[::-1]
    by_size = pages.get("artifacts", cast.public.pk, NAME, sort="size").context["rows"]
    sizes = [row["manifest"].total_size for row in by_size]
    assert sizes == sorted(sizes)
    Manifest.objects.filter(digest=content.chart["digest"]).update(pulled_at=F("pushed_at"))
    assert listed(pages, cast, sort="-pulled")[0] == content.chart["digest"]


def test_the_list_is_narrowed_by_tag_digest_type_and_whether_it_is_tagged(pages, cast, content):
    assert listed(pages, cast, q="LATE") == [content.image["digest"]]
    assert listed(pages, cast, q=content.chart["digest"]) == [content.chart["digest"]]
    assert listed(pages, cast, q=content.plain["digest"].partition(":")[2][:12]) == [content.plain["digest"]]
    assert listed(pages, cast, kind="INDEX") == [content.index["digest"]]
    assert listed(pages, cast, tagged="no") == [content.plain["digest"]]
    assert len(listed(pages, cast, tagged="yes")) == 3
    assert len(listed(pages, cast, kind="NONSENSE", tagged="maybe")) == 4
    empty = pages.get("artifacts", cast.public.pk, NAME, q="nothing")
    assert "No artifact fits the filter" in text(empty)


def test_an_index_unfolds_in_place_and_on_a_page_of_its_own(pages, cast, content):
    opened = pages.get("artifacts", cast.public.pk, NAME, open=content.index["digest"])
    assert text(opened).count("linux/arm64") == 1
    assert 'aria-expanded="true"' in opened.content.decode()
    page = pages.get("depth", cast.public.pk, NAME, content.index["digest"])
    assert [child.platform for child in page.context["children"].shown] == ["linux/amd64", "linux/arm64"]
    nested = pages.get("depth", cast.public.pk, NAME, f"{content.chart['digest']}-{content.index['digest']}")
    assert nested.context["index"].digest == content.index["digest"]


def test_a_sparse_index_says_what_is_not_here(pages, cast, store):
    Namespace.objects.filter(name="open").update(allow_sparse_indexes=True)
    absent = {"mediaType": media_types.OCI_MANIFEST, "digest": f"sha256:{7:064x}", "size": 7}
    index = push_index(f"open/{NAME}", "sparse", children=[push_image(f"open/{NAME}"), absent])
    page = pages.get("depth", cast.public.pk, NAME, index["digest"])
    assert "sha256:00000000 – not in this repository" in text(page)
    assert "not in this repository" in text(
        pages.get("artifacts", cast.public.pk, NAME, open=index["digest"])
    )


def test_an_index_of_thousands_shows_the_first_and_how_many_there_are(pages, cast, store):
    Namespace.objects.filter(name="open").update(allow_sparse_indexes=True)
    absent = [
        {"mediaType": media_types.OCI_MANIFEST, "digest": f"sha256:{number:064x}", "size": 7}
        for number in range(5_000)
    ]
    index = push_index(f"open/{NAME}", "huge", children=[push_image(f"open/{NAME}"), *absent])
    for page in (
        pages.get("depth", cast.public.pk, NAME, index["digest"]),
        pages.get("artifacts", cast.public.pk, NAME, open=index["digest"]),
        pages.get("artifact", cast.public.pk, NAME, index["digest"], tab="children"),
    ):
        assert text(page).count("linux/amd64") == 1
        assert text(page).count("not in this repository") == 199
        assert "… and 4,801 more, in the whole manifest" in text(page)


def test_each_row_has_the_commands_that_pull_it(pages, cast, content):
    response = text(pages.get("artifacts", cast.public.pk, NAME))
    repository = f"testserver/open/{NAME}"
    assert f"docker pull {repository}:latest" in response
    assert f"nerdctl --insecure-registry pull {repository}:multi" in response
    assert f"podman pull --tls-verify=false {repository}@{content.plain['digest']}" in response
    assert f"helm pull oci://{repository} --version 2.4.0 --plain-http" in response


def test_helm_is_told_where_the_chart_s_name_is_appended(pages, cast, store):
    for name in ("charts/web", "web"):
        push_chart(f"open/{name}", "2.4.0")
    nested = text(pages.get("artifacts", cast.public.pk, "charts/web"))
    assert "helm push --plain-http CHART-VERSION.tgz oci://testserver/open/charts " in nested
    flat = text(pages.get("artifacts", cast.public.pk, "web"))
    assert "helm push --plain-http CHART-VERSION.tgz oci://testserver/open " in flat


def test_eight_tags_stand_in_a_row_and_the_rest_is_a_number(pages, cast, store):
    push_image(f"open/{NAME}", *(f"v{number}" for number in range(20)))
    row = pages.get("artifacts", cast.public.pk, NAME).context["rows"][0]["artifact"]
    assert (len(row.tags), row.tag_count, row.more_tags) == (8, 20, 12)
    assert "12 more" in text(pages.get("artifacts", cast.public.pk, NAME))


def test_of_many_annotations_the_first_are_shown_and_how_many_there_are(pages, cast, store):
    notes = {f"note-{number:03}": "x" for number in range(301)} | {"note-000": "y" * 501}
    push_image(f"open/{NAME}", annotations=notes)
    response = text(pages.get("artifacts", cast.public.pk, NAME))
    assert f" {'y' * 500}… " in response
    assert "note-019" in response
    assert "note-020" not in response
    assert "… and 281 more, in the whole manifest" in response


def test_what_a_client_wrote_is_text_and_no_markup(pages, cast, store):
    hostile = "<script>alert(1)</script>"
    push_image(f"open/{NAME}", annotations={hostile: hostile, "other": "x"})
    body = pages.get("artifacts", cast.public.pk, NAME).content.decode()
    assert hostile not in body
    assert "&lt;script&gt;" in body


def test_only_of_an_image_the_platform_is_unknown_where_none_is_told(pages, cast, store):
    push_image(f"open/{NAME}", "image")
    push_chart(f"open/{NAME}", "chart")
    push_index(f"open/{NAME}", "index")
    Manifest.objects.update(platform="")
    assert text(pages.get("artifacts", cast.public.pk, NAME)).count("unknown") == 1


def test_old_addresses_lead_to_where_things_are_now(pages, cast, content):
    base = f"/harbor/projects/{cast.public.pk}/repositories/{NAME}"
    digest, index = content.image["digest"], content.index["digest"]
    client = pages.client("anonymous")
    where = f"{base}/artifacts-tab/artifacts/{digest}"
    assert client.get(where).status_code == 200
    assert client.get(f"{base}/artifacts/{digest}").url == where
    assert client.get(f"{base}/artifacts-tab/?q=a+b").url == f"{base}/artifacts-tab?q=a+b"
    twice = (
        f"/harbor/projects/{cast.public.pk}/repositories/team%252Fapp/artifacts-tab?publicAndNotLogged=yes"
    )
    assert client.get(twice).url == f"{base}/artifacts-tab?publicAndNotLogged=yes"
    assert client.get(f"/harbor/projects/{'9' * 5000}/repositories/app/artifacts/{digest}").status_code == 404
    assert client.get(f"{base}/artifacts-tab/depth/{index}/artifacts/{digest}").url == where
    assert client.get(f"{base}/artifacts-tab/artifacts/latest").status_code == 200
    assert client.get(f"{base}/artifacts-tab/artifacts/{digest[:-1]}").status_code == 404


def test_the_confirmation_says_all_that_goes_and_then_it_goes(pages, cast, content):
    chosen = [content.image["digest"], content.index["digest"]]
    asked = pages.post("delete_artifacts", cast.public.pk, NAME, digest=chosen)
    # With the image its SBOM, with the index its two children.
    assert "This deletes 5 artifacts and 3 tags for good." in text(asked)
    assert "is attached to it" in text(asked)
    assert "is only in this index" in text(asked)
    assert len(here()) == 7
    done = pages.post("delete_artifacts", cast.public.pk, NAME, digest=chosen, confirmed="yes")
    assert done.url.endswith("/team/app/artifacts-tab")
    assert here() == {content.chart["digest"], content.plain["digest"]}
    assert set(Tag.objects.filter(repository__name=f"open/{NAME}").values_list("name", flat=True)) == {
        "2.4.0"
    }
    assert "Deleted 2 artifacts." in text(pages.get("artifacts", cast.public.pk, NAME, who="petra"))


def test_the_confirmation_counts_only_bytes_that_nothing_else_uses(pages, cast, store):
    first, second = (push_image(f"open/{NAME}", seed=seed) for seed in "12")

    def plan(*chosen):
        digests = [each["digest"] for each in chosen]
        return pages.post("delete_artifacts", cast.public.pk, NAME, digest=digests).context["plan"]

    one, both = plan(first), plan(first, second)
    assert both.freed == one.freed * 2 + 16384  # the layer that they share

    before = queries.storage_used(cast.public)
    digests = [first["digest"], second["digest"]]
    pages.post("delete_artifacts", cast.public.pk, NAME, digest=digests, confirmed="yes")
    assert before - queries.storage_used(cast.public) == both.freed


def test_a_child_that_has_a_tag_or_another_index_stays(pages, cast, store):
    name = f"open/{NAME}"
    tagged, shared, alone = push_image(name, "keep"), push_image(name, seed="2"), push_image(name, seed="3")
    index = push_index(name, "a", children=[tagged, shared, alone])
    other = push_index(name, "b", children=[shared])
    pages.post("delete_artifacts", cast.public.pk, NAME, digest=index["digest"], confirmed="yes")
    assert here() == {tagged["digest"], shared["digest"], other["digest"]}


def test_indexes_in_indexes_go_to_the_bottom(pages, cast, store):
    name = f"open/{NAME}"
    inner = push_index(name, seed="2")
    outer = push_index(name, "outer", children=[inner])
    asked = pages.post("delete_artifacts", cast.public.pk, NAME, digest=outer["digest"])
    assert len(asked.context["plan"].entries) == 4
    pages.post("delete_artifacts", cast.public.pk, NAME, digest=outer["digest"], confirmed="yes")
    assert here() == set()


def test_a_child_is_not_deleted_while_its_index_stays_but_goes_together_with_it(pages, cast, store):
    name = f"open/{NAME}"
    child = push_image(name, "child")
    index = push_index(name, "multi", children=[child])
    asked = pages.post("delete_artifacts", cast.public.pk, NAME, digest=child["digest"])
    assert "Not while it is part of an index." in text(asked)
    assert 'class="btn danger"' not in asked.content.decode()
    refused = pages.post("delete_artifacts", cast.public.pk, NAME, digest=child["digest"], confirmed="yes")
    assert refused.status_code == 422
    assert "Not while it is part of an index." in text(refused)
    alone = push_image(name, "alone", seed="2")
    both = [alone["digest"], child["digest"]]
    pages.post("delete_artifacts", cast.public.pk, NAME, digest=both, confirmed="yes")
    assert alone["digest"] in here()  # all or none
    chosen = [*both, index["digest"]]
    pages.post("delete_artifacts", cast.public.pk, NAME, digest=chosen, confirmed="yes")
    assert here() == set()


def test_what_is_not_in_this_repository_is_out_of_reach(pages, cast, content):
    other = push_image("secret/other", seed="9")
    pages.post(
        "delete_artifacts", cast.public.pk, NAME, digest=[other["digest"], "sha256:x"], confirmed="yes"
    )
    assert Manifest.objects.filter(digest=other["digest"]).exists()
    assert "What you chose is gone already." in text(
        pages.get("artifacts", cast.public.pk, NAME, who="petra")
    )


def test_the_dialog_gets_the_question_alone(pages, cast, content):
    asked = pages.post("delete_artifacts", cast.public.pk, NAME, htmx=True, digest=content.plain["digest"])
    assert "<html" not in asked.content.decode()
    assert "csrfmiddlewaretoken" in asked.content.decode()
    nothing = pages.post("delete_artifacts", cast.public.pk, NAME, htmx=True)
    assert nothing["HX-Redirect"].endswith("/artifacts-tab")
    assert "Choose the artifacts to delete." in text(
        pages.get("artifacts", cast.public.pk, NAME, who="petra")
    )


def test_what_another_tab_has_deleted_is_said_to_be_gone(pages, cast, content):
    chosen = {"digest": content.plain["digest"], "confirmed": "yes"}
    for words in ("Deleted artifact", "What you chose is gone already."):
        pages.post("delete_artifacts", cast.public.pk, NAME, **chosen)
        assert words in text(pages.get("artifacts", cast.public.pk, NAME, who="petra"))


def test_a_manifest_with_nothing_in_it_still_has_its_row(pages, cast, store):
    push_manifest(
        f"open/{NAME}", {"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []}, "none"
    )
    assert "INDEX" in text(pages.get("artifacts", cast.public.pk, NAME))

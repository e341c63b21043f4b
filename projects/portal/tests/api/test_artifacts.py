import json

import pytest

from projects.portal import details
from projects.portal.api.artifacts import _extra_attrs
from projects.portal.tests.artifacts import push_accessory, push_blob, push_image, push_manifest
from registry.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from registry.models import Manifest, ManifestBlob, Namespace, Repository, Tag
from registry.storage.configured import storage

APP = "/projects/open/repositories/team%252Fapp"
ARTIFACTS = f"{APP}/artifacts"


def digests(api, **query):
    return set(api.names(ARTIFACTS, key="digest", **query))


def test_the_list_leaves_out_what_belongs_to_others(api, content):
    # Neither the index's untagged children nor the image's SBOM.
    listed = {content.image["digest"], content.index["digest"], content.chart["digest"]}
    assert digests(api) == listed
    everything = digests(api, q="base=*", page_size=100)
    assert everything > listed
    assert content.sbom["digest"] in everything
    assert len(everything) == 6


def test_an_image_has_harbors_fields(api, content):
    row = api.get(f"{ARTIFACTS}/latest", with_accessory="true").json()
    manifest = Manifest.objects.get(repository__name="open/team/app", digest=content.image["digest"])
    assert row.pop("push_time").endswith("Z")
    (accessory,) = row.pop("accessories")
    tags = row.pop("tags")
    attrs = row.pop("extra_attrs")
    assert row == {
        "id": manifest.pk,
        "type": "IMAGE",
        "media_type": "application/vnd.oci.image.config.v1+json",
        "manifest_media_type": "application/vnd.oci.image.manifest.v1+json",
        "artifact_type": "application/vnd.oci.image.config.v1+json",
        "project_id": api.cast.public.pk,
        "repository_id": manifest.repository_id,
        "repository_name": "open/team/app",
        "digest": content.image["digest"],
        "size": manifest.total_size,
        "pull_time": "0001-01-01T00:00:00.000Z",
        "references": None,
        "labels": None,
        "addition_links": {
            "build_history": {
                "href": f"/api/v2.0/projects/open/repositories/team%252Fapp/artifacts/{manifest.digest}"
                "/additions/build_history",
                "absolute": False,
            }
        },
    }
    assert {tag["name"] for tag in tags} == {"1.0", "latest"}
    assert set(attrs) == {"architecture", "author", "config", "created", "os"}
    assert (attrs["os"], attrs["architecture"]) == ("linux", "amd64")
    assert attrs["config"]["Cmd"] == ["nginx", "-g", "daemon off;"]
    assert accessory["digest"] == content.sbom["digest"]


def test_the_author_may_stand_in_a_label(api, content):
    assert api.get(f"{ARTIFACTS}/1.0").json()["extra_attrs"]["author"] == "Dev <dev@example.com>"
    image = Manifest(kind="IMAGE")
    labels = {"config": {"Labels": {"maintainer": "m@example.com"}}}
    assert _extra_attrs(image, labels)["author"] == "m@example.com"
    assert _extra_attrs(image, {"config": None})["author"] == ""


def test_an_index_names_its_children_and_their_platforms(api, content):
    row = api.get(f"{ARTIFACTS}/multi").json()
    assert (row["type"], row["media_type"]) == ("INDEX", "application/vnd.oci.image.index.v1+json")
    assert "extra_attrs" not in row
    platforms = {each["platform"]["architecture"]: each for each in row["references"]}
    assert set(platforms) == {"amd64", "arm64"}
    child = Manifest.objects.get(repository__name="open/team/app", digest=platforms["arm64"]["child_digest"])
    assert (platforms["arm64"]["child_id"], platforms["arm64"]["parent_id"]) == (child.pk, row["id"])


def test_a_child_that_is_not_here_has_no_id(api, content):
    index = Manifest.objects.get(repository__name="open/team/app", digest=content.index["digest"])
    index.children.filter(child__platform="linux/arm64").delete()
    references = api.get(f"{ARTIFACTS}/multi").json()["references"]
    assert sorted("child_id" in each for each in references) == [False, True]


def test_a_chart_tells_all_of_its_config_and_its_annotations(api, content):
    row = api.get(f"{ARTIFACTS}/{content.chart['digest']}").json()
    assert row["type"] == "CHART"
    assert row["extra_attrs"]["appVersion"] == "7"
    assert row["annotations"]["org.opencontainers.image.title"] == "shop"
    assert row["tags"] is None
    assert "addition_links" not in row


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tags=*", {"image", "index"}),
        ("tags=nil", {"chart"}),
        ("tags%3Dnil", {"chart"}),
        ("tags=1.0", {"image"}),
        ("tags=~ul", {"index"}),
        ("Tags=nope", set()),
        ("type=CHART", {"chart"}),
        ("type={CHART INDEX}", {"chart", "index"}),
        ("media_type=application/vnd.oci.image.index.v1+json".replace("+", "%2B"), {"index"}),
        ("media_type=~helm", {"chart"}),
        ("media_type={application/vnd.cncf.helm.config.v1%2Bjson x}", {"chart"}),
        ("artifact_type=~image.config", {"image"}),
        ("manifest_media_type=~image.manifest,tags=*", {"image"}),
        ("push_time=[2001-01-01T00:00:00~],type=IMAGE", {"image"}),
        ("pull_time=[2001-01-01T00:00:00~]", set()),
        ("size=[~10]", set()),
    ],
)
def test_the_list_is_narrowed(api, content, query, found):
    assert digests(api, q=query) == {getattr(content, name)["digest"] for name in found}


def test_the_list_is_narrowed_by_digest_and_sorted(api, content):
    assert digests(api, q=f"digest={content.chart['digest']}") == {content.chart["digest"]}
    sizes = api.names(ARTIFACTS, key="size", sort="-size")
    assert sizes == sorted(sizes, reverse=True)
    newest = api.names(ARTIFACTS, key="digest")
    assert newest == [content.chart["digest"], content.index["digest"], content.image["digest"]]


def test_what_was_not_asked_for_is_null(api, content):
    row = next(row for row in api.get(ARTIFACTS).json() if row["type"] == "IMAGE")
    assert row["accessories"] is None
    assert len(row["tags"]) == 2
    row = next(row for row in api.get(ARTIFACTS, with_tag="false").json() if row["type"] == "IMAGE")
    assert row["tags"] is None


def test_tags_have_harbors_fields_and_are_narrowed_and_sorted(api, content):
    tags = f"{ARTIFACTS}/latest/tags"
    row = api.get(tags, q="name=1.0").json()[0]
    tag = Tag.objects.get(repository__name="open/team/app", name="1.0")
    assert row.pop("push_time").endswith("Z")
    assert row == {
        "id": tag.pk,
        "repository_id": tag.repository_id,
        "artifact_id": tag.manifest_id,
        "name": "1.0",
        "pull_time": "0001-01-01T00:00:00.000Z",
        "immutable": False,
    }
    assert api.names(tags, sort="-name") == ["latest", "1.0"]
    assert api.names(tags, q="name=~la") == ["latest"]
    answer = api.get(tags, page_size=1)
    assert (len(answer.json()), answer["X-Total-Count"]) == (1, "2")


@pytest.mark.parametrize(
    ("artifact_type", "kind"),
    [
        ("application/spdx+json", "sbom.harbor"),
        ("application/vnd.cncf.notary.signature", "signature.notation"),
        ("application/vnd.dev.cosign.artifact.sig.v1+json", "signature.cosign"),
        ("application/vnd.acme.notes", "subject.accessory"),
    ],
)
def test_accessories_have_harbors_fields_and_types(api, store, artifact_type, kind):
    image = push_image("open/team/app", "1.0")
    pushed = push_accessory("open/team/app", image, artifact_type)
    row = api.get(f"{ARTIFACTS}/1.0/accessories").json()[0]
    assert row.pop("creation_time").endswith("Z")
    assert row.pop("size") > 0
    subject = Manifest.objects.get(digest=image["digest"])
    accessory = Manifest.objects.get(digest=pushed["digest"])
    assert row == {
        "id": accessory.pk,
        "artifact_id": accessory.pk,
        "subject_artifact_id": subject.pk,
        "subject_artifact_digest": subject.digest,
        "subject_artifact_repo": "open/team/app",
        "digest": accessory.digest,
        "type": kind,
        "icon": "",
    }


def test_the_build_history_is_the_configs(api, content):
    steps = api.get(f"{ARTIFACTS}/1.0/additions/build_history").json()
    assert len(steps) == 4
    assert steps[1] == {"created": "2026-10-06T08:00:01Z", "created_by": "ENV SEED", "empty_layer": True}


def test_an_addition_that_an_artifact_has_not_is_refused(api, content):
    answer = api.get(f"{ARTIFACTS}/{content.chart['digest']}/additions/build_history")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "addition build_history isn't supported for CHART"
    assert api.get(f"{ARTIFACTS}/1.0/additions/readme.md").status_code == 400
    assert api.get(f"{ARTIFACTS}/1.0/additions/nonsense").status_code == 422


def test_a_config_that_the_disk_lost_takes_nothing_else_away(api, content, caplog):
    config = ManifestBlob.objects.filter(manifest__digest=content.image["digest"], kind="config")[0]
    storage().delete(config.link.blob.storage_key)
    assert len(digests(api)) == 3
    assert "extra_attrs" not in api.get(f"{ARTIFACTS}/1.0").json()
    assert api.get(f"{ARTIFACTS}/1.0/additions/build_history").json() == []
    assert "cannot read the config" in caplog.text


def test_a_config_that_is_too_large_is_not_read(api, content, monkeypatch):
    monkeypatch.setattr(details, "MAX_CONFIG", 10)
    assert "extra_attrs" not in api.get(f"{ARTIFACTS}/1.0").json()


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b'"\\ud800"'])
def test_a_config_that_no_json_could_hold_takes_nothing_else_away(api, content, value):
    config = push_blob(
        "open/team/app",
        b'{"os": "linux", "config": {"x": %s}, "history": [{"created_by": "x"}]}' % value,
        OCI_CONFIG,
    )
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": []}
    push_manifest("open/team/app", document, "odd")
    assert len(digests(api)) == 4
    assert api.get(f"{ARTIFACTS}/odd").status_code == 200
    assert api.get(f"{ARTIFACTS}/odd/additions/build_history").status_code == 200


def test_what_is_large_is_told_of_one_artifact_and_left_out_of_a_list(api, content):
    config = push_blob(
        "open/team/app", json.dumps({"os": "linux", "pad": "x" * 200_000}).encode(), OCI_CONFIG
    )
    image = push_manifest(
        "open/team/app",
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config,
            "layers": [],
            "annotations": {"a": "x" * 200_000},
        },
        "large",
    )
    listed = {row["digest"]: row for row in api.get(ARTIFACTS).json()}
    assert listed[image["digest"]].keys() & {"extra_attrs", "annotations"} == set()
    assert listed[content.image["digest"]]["extra_attrs"]["os"] == "linux"
    alone = api.get(f"{ARTIFACTS}/large").json()
    assert alone["extra_attrs"]["os"] == "linux"
    assert len(alone["annotations"]["a"]) == 200_000


def test_an_index_that_is_large_is_told_alone_with_all_its_children(api, content):
    Namespace.objects.update(allow_sparse_indexes=True)
    absent = [
        {"mediaType": OCI_MANIFEST, "digest": f"sha256:{number:064x}", "size": 7} for number in range(2000)
    ]
    push_manifest("open/team/app", {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": absent}, "wide")
    listed = {row["type"]: row for row in api.get(ARTIFACTS, q="tags=wide").json()}
    assert len(listed["INDEX"]["references"]) == 2000  # alone on its page
    among_others = [row for row in api.get(ARTIFACTS).json() if row["type"] == "INDEX"]
    assert sorted(len(row["references"] or []) for row in among_others) == [0, 2]


def test_10_000_artifacts_and_5_000_tags_on_one_are_as_quick_as_a_few(
    api, content, django_assert_num_queries
):
    repository = Repository.objects.get(name="open/team/app")
    Manifest.objects.bulk_create(
        (
            Manifest(
                repository=repository,
                digest=f"sha256:{number:064x}",
                media_type="application/vnd.oci.image.manifest.v1+json",
                kind="IMAGE",
                payload=b"{}",
                size=2,
                total_size=2,
                pushed_at=repository.created_at,
            )
            for number in range(10_000)
        ),
        batch_size=2000,
    )
    manifest = Manifest.objects.get(repository=repository, digest=content.image["digest"])
    Tag.objects.bulk_create(
        Tag(repository=repository, name=f"t{number}", manifest=manifest, pushed_at=repository.created_at)
        for number in range(5000)
    )
    client = api.client("dev")
    # Session, user, project, role, repository, the page, annotations, tags, accessories, configs, the count.
    with django_assert_num_queries(11):
        answer = client.get(f"/api/v2.0{ARTIFACTS}?page=50&page_size=100&with_accessory=true")
    assert len(answer.json()) == 100
    assert answer["X-Total-Count"] == "10003"
    # Children of indexes are two queries, however many there are.
    with django_assert_num_queries(11):
        answer = client.get(f"/api/v2.0{ARTIFACTS}?q=tags=~m&page_size=100")
    assert [row["type"] for row in answer.json()] == ["INDEX"]
    with django_assert_num_queries(8):
        answer = client.get(f"/api/v2.0{ARTIFACTS}/latest/tags?sort=name&page=50&page_size=100")
    assert len(answer.json()) == 100
    assert answer["X-Total-Count"] == "5002"

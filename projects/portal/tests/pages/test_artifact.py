import json

import pytest

from projects.portal.tests.artifacts import GZIP_LAYER, push_blob, push_image, push_manifest
from projects.web.tests.reading import text
from registry import media_types
from registry.digests import Digest
from registry.models import Blob
from registry.storage.configured import storage

NAME = "team/app"


def show(pages, cast, descriptor, **query):
    return pages.get("artifact", cast.public.pk, NAME, descriptor["digest"], who="anonymous", **query)


def test_the_overview_tells_what_the_config_says(pages, cast, content):
    shown = text(show(pages, cast, content.image))
    for words in (
        content.image["digest"],
        "linux/amd64",
        "7 Oct 2026, 10:00 UTC",
        "Dev <dev@example.com>",
        "nginx -g daemon off;",
        "80/tcp",
        "SEED=1",
        "maintainer=dev@example.com",
        "org.opencontainers.image.source https://example.com",
        "docker pull testserver/open/team/app:",
    ):
        assert words in shown


def test_a_chart_tells_its_metadata(pages, cast, content):
    shown = text(show(pages, cast, content.chart))
    assert "A small shop" in shown
    assert "helm pull oci://testserver/open/team/app --version 2.4.0" in shown
    assert "Build history" not in shown


def test_only_tabs_with_something_in_them_are_there(pages, cast, content):
    def tabs(descriptor):
        return [key for key, _ in show(pages, cast, descriptor).context["parts"]]

    assert tabs(content.image) == ["tags", "layers", "history", "accessories", "manifest"]
    assert tabs(content.plain) == ["tags", "layers", "history", "manifest"]
    assert tabs(content.index) == ["tags", "children", "manifest"]
    assert tabs(content.chart) == ["tags", "layers", "manifest"]


def test_the_build_history_names_the_layer_of_each_step(pages, cast, content):
    steps = show(pages, cast, content.image, tab="history").context["history"]
    assert [step.command for step in steps] == [
        "ADD file:0a1b in /",
        "ENV SEED",
        "RUN /bin/sh -c apt-get install -y nginx # buildkit",
        'CMD ["nginx"]',
    ]
    assert [step.layer and step.layer.size for step in steps] == [16384, None, 7168, None]


def test_layers_accessories_and_children_have_their_tabs(pages, cast, content):
    assert [layer.size for layer in show(pages, cast, content.image, tab="layers").context["layers"]] == [
        16384,
        7168,
    ]
    accessories = show(pages, cast, content.image, tab="accessories")
    assert [row.manifest.digest for row in accessories.context["accessories"]] == [content.sbom["digest"]]
    assert "SBOM" in text(accessories)
    assert "linux/arm64" in text(show(pages, cast, content.index, tab="children"))


def test_the_manifest_is_shown_as_it_is(pages, cast, content):
    response = show(pages, cast, content.image, tab="manifest")
    assert json.loads(response.context["raw"])["mediaType"] == media_types.OCI_MANIFEST


def test_a_tab_comes_alone_when_htmx_asks(pages, cast, content):
    response = show(pages, cast, content.image, tab="layers", htmx=True)
    assert "<html" not in response.content.decode()
    assert "Overview" not in text(response)
    assert show(pages, cast, content.image, tab="nonsense").context["part"] == "tags"


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 5000,
        b'{"config": [], "history": {"a": 1}, "created": 7}',
        b'{"config": {"Entrypoint": 1, "Env": {"A": 1}, "ExposedPorts": 4, "Labels": ["x"]}, "history": [1, null, {}]}',
        b'{"created": "yesterday", "author": {"a": 1}, "history": [{"created": [], "created_by": {}}]}',
    ],
)
def test_a_config_that_makes_no_sense_breaks_no_page(pages, cast, store, config):
    name = f"open/{NAME}"
    descriptor = push_manifest(
        name,
        {
            "schemaVersion": 2,
            "mediaType": media_types.OCI_MANIFEST,
            "config": push_blob(name, config, media_types.OCI_CONFIG),
            "layers": [push_blob(name, b"layer", GZIP_LAYER)],
        },
    )
    for tab in ("tags", "layers", "history", "manifest"):
        assert show(pages, cast, descriptor, tab=tab).status_code == 200


def test_a_config_that_the_storage_lost_breaks_no_page(pages, cast, store):
    descriptor = push_image(f"open/{NAME}")
    for key in Blob.objects.values_list("storage_key", flat=True):
        storage().delete(key)
    assert show(pages, cast, descriptor).status_code == 200


def test_the_manifest_is_downloaded_as_it_was_pushed(pages, cast, content):
    response = pages.get("raw_manifest", cast.public.pk, NAME, content.image["digest"], who="anonymous")
    assert Digest.of(response.content) == content.image["digest"]
    assert response["Content-Type"] == "application/json"
    assert response["Content-Disposition"].startswith('attachment; filename="sha256-')


def test_what_is_megabytes_long_does_not_make_the_page_so(pages, cast, store):
    descriptor = push_image(
        f"open/{NAME}", annotations={"long": "x" * 1_000_000, **{str(n): "y" for n in range(50)}}
    )
    listed = pages.get("artifacts", cast.public.pk, NAME)
    assert len(listed.content) < 40_000
    assert "51" in text(listed)
    shown = show(pages, cast, descriptor, tab="manifest")
    assert "too much to show here" in text(shown)
    assert len(shown.content) < 40_000

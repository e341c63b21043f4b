import json
import re

import pytest

from projects.portal.artifacts import MAX_CONFIG
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


def test_odd_values_of_a_config_are_shown_as_the_json_they_were(pages, cast, store):
    settings = {
        "Env": [{"a": 1}, None, True, "PLAIN=1"],
        "Labels": {"flag": False},
        "Cmd": ["run", None],
        "WorkingDir": {"b": None},
    }
    history = [{"created_by": ["RUN", True]}]
    descriptor = push_with_config(json.dumps({"config": settings, "history": history}).encode())
    shown = text(show(pages, cast, descriptor, tab="history"))
    for words in (
        '{"a": 1} null true PLAIN=1',
        "flag=false",
        "Command run null",
        'Working directory {"b": null}',
        '["RUN", true]',
    ):
        assert words in shown


def test_the_first_ten_of_a_list_are_shown_and_the_rest_is_folded_away(pages, cast, store):
    variables = [f"V{number:02}=" for number in range(12)]
    page = show(pages, cast, push_with_config(json.dumps({"config": {"Env": variables}}).encode()))
    shown, _, folded = page.content.decode().partition('<details class="rest">')
    assert [each in shown for each in variables] == [True] * 10 + [False] * 2
    assert [each in folded for each in variables] == [False] * 10 + [True] * 2
    few = show(pages, cast, push_with_config(json.dumps({"config": {"Env": variables[:10]}}).encode()))
    assert 'class="rest"' not in few.content.decode()


def test_a_value_as_deep_as_json_may_be_breaks_no_page(pages, cast, store):
    for depth in range(800, 1000, 4):
        deep = b"[" * depth + b"]" * depth
        assert show(pages, cast, push_with_config(b'{"config": {"Env": [' + deep + b"]}}")).status_code == 200


def test_a_chart_tells_its_metadata(pages, cast, content):
    shown = text(show(pages, cast, content.chart))
    assert "A small shop" in shown
    assert "App version 7" in shown
    assert "Platform" not in shown
    assert "helm pull oci://testserver/open/team/app --version 2.4.0" in shown
    assert "Build history" not in shown


def test_only_tabs_with_something_in_them_are_there(pages, cast, content):
    def tabs(descriptor):
        return [key for key, _ in show(pages, cast, descriptor).context["parts"]]

    assert tabs(content.image) == ["tags", "layers", "history", "accessories", "manifest"]
    assert tabs(content.plain) == ["tags", "layers", "history", "manifest"]
    assert tabs(content.index) == ["tags", "children", "manifest"]
    assert tabs(content.chart) == ["tags", "layers", "manifest"]


def test_the_heading_shows_three_tags_and_counts_the_rest(pages, cast, store):
    many = push_image(f"open/{NAME}", *(f"v{number}" for number in range(60)))
    assert re.search(r"IMAGE v\d+ v\d+ v\d+ 57 more Platform", text(show(pages, cast, many)))
    few = push_image(f"open/{NAME}", "a", "b", "c", seed="2")
    assert "more" not in text(show(pages, cast, few))


def test_the_build_history_names_the_layer_of_each_step(pages, cast, content):
    steps = show(pages, cast, content.image, tab="history").context["history"].shown
    assert [step.command for step in steps] == [
        "ADD file:0a1b in /",
        "ENV SEED",
        "RUN /bin/sh -c apt-get install -y nginx # buildkit",
        'CMD ["nginx"]',
    ]
    assert [step.layer and step.layer.size for step in steps] == [16384, None, 7168, None]


def test_layers_accessories_and_children_have_their_tabs(pages, cast, content):
    layers = show(pages, cast, content.image, tab="layers").context["layers"]
    assert [layer.size for layer in layers.shown] == [16384, 7168]
    accessories = show(pages, cast, content.image, tab="accessories")
    assert [row.manifest.digest for row in accessories.context["accessories"]] == [content.sbom["digest"]]
    assert "SBOM" in text(accessories)
    assert "linux/arm64" in text(show(pages, cast, content.index, tab="children"))


def test_many_accessories_come_in_pages(pages, cast, store, django_assert_max_num_queries):
    image = push_image(f"open/{NAME}")
    for number in range(20):
        push_with_config(b"{}", subject=image, annotations={"number": str(number)})
    with django_assert_max_num_queries(20):
        first = show(pages, cast, image, tab="accessories")
    assert len(first.context["accessories"]) == 15
    assert "1–15 of 20" in text(first)
    second = pages.get(
        "artifact",
        cast.public.pk,
        NAME,
        image["digest"],
        tab="accessories",
        at=first.context["page"].following,
    )
    assert len(second.context["accessories"]) == 5


def test_the_manifest_is_shown_as_it_is(pages, cast, content):
    response = show(pages, cast, content.image, tab="manifest")
    assert json.loads(response.context["raw"])["mediaType"] == media_types.OCI_MANIFEST


def test_a_tab_comes_alone_when_htmx_asks(pages, cast, content):
    response = show(pages, cast, content.image, tab="layers", htmx=True)
    assert "<html" not in response.content.decode()
    assert "Overview" not in text(response)
    assert show(pages, cast, content.image, tab="nonsense").context["part"] == "tags"


def push_with_config(config, layers=1, **extra):
    """Stores an image with this config and the same layer so many times."""
    name = f"open/{NAME}"
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "config": push_blob(name, config, media_types.OCI_CONFIG),
        "layers": [push_blob(name, b"layer", GZIP_LAYER)] * layers,
        **extra,
    }
    return push_manifest(name, document)


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
    descriptor = push_with_config(config)
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
    push_image("open/small")
    listed = pages.get("artifacts", cast.public.pk, NAME)
    assert len(listed.content) < 40_000
    assert "annotations of" not in listed.content.decode()
    assert "see artifact" in text(listed)  # its own page has them
    assert "see artifact" not in text(pages.get("artifacts", cast.public.pk, "small"))
    shown = show(pages, cast, descriptor, tab="manifest")
    assert "too much to show here" in text(shown)
    assert len(shown.content) < 40_000


def test_a_config_of_megabytes_makes_no_page_of_megabytes(pages, cast, store, django_assert_num_queries):
    labels = {f"label-{number:05}": "x" * 30 for number in range(30_000)}
    history = [{"created_by": f"RUN step {number}", "empty_layer": True} for number in range(30_000)]
    config = json.dumps({"config": {"Labels": labels}, "history": history}).encode()
    assert 3_000_000 < len(config) <= MAX_CONFIG
    descriptor = push_with_config(config)
    with django_assert_num_queries(7):
        page = show(pages, cast, descriptor, tab="history")
    assert len(page.content) < 100_000
    assert text(page).count("… and 29,800 more, in the whole config") == 2
    assert "label-00199" in text(page)
    assert "label-00200" not in text(page)
    assert "RUN step 199" in text(page)
    assert "RUN step 200" not in text(page)
    whole = pages.get("raw_config", cast.public.pk, NAME, descriptor["digest"], who="anonymous")
    assert whole.content == config
    small = push_with_config(b'{"history": [{}]}')
    with django_assert_num_queries(7):
        show(pages, cast, small, tab="history")


def test_a_config_that_is_too_long_to_be_read_is_said_to_be(pages, cast, store):
    padding = " " * (MAX_CONFIG + 1024 * 1024 - 2)
    shown = text(show(pages, cast, push_with_config(f"{{{padding}}}".encode())))
    assert "The config is 5 MiB long: too much to show its settings and build history here." in shown
    assert "The config is" not in text(show(pages, cast, push_with_config(b"{}", layers=2)))


def test_long_texts_of_a_config_are_cut(pages, cast, store):
    long = "x" * 1_000_000
    settings = {"Labels": {"a": long}, "Env": [long], "WorkingDir": long}
    config = json.dumps({"author": long, "config": settings, "history": [{"created_by": long}]}).encode()
    assert len(show(pages, cast, push_with_config(config), tab="history").content) < 40_000


def test_a_manifest_of_megabytes_makes_no_page_of_megabytes(pages, cast, store):
    annotations = {f"note-{number:05}": "x" for number in range(10_000)}
    descriptor = push_with_config(b"{}", layers=10_000, annotations=annotations)
    page = show(pages, cast, descriptor, tab="layers")
    assert len(page.content) < 100_000
    assert text(page).count("… and 9,800 more, in the whole manifest") == 2


def test_an_artifact_without_a_config_has_none_to_download(pages, cast, content):
    index = content.index["digest"]
    assert pages.get("raw_config", cast.public.pk, NAME, index, who="anonymous").status_code == 404
    assert "Download config" not in text(show(pages, cast, content.index, tab="manifest"))
    assert "Download config" in text(show(pages, cast, content.image, tab="manifest"))

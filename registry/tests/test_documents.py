"""What is a manifest and what is not, with messages that name what is wrong and where."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry import media_types
from registry.errors import RegistryError
from registry.services import documents
from registry.tests import content

CONFIG = content.config()
IMAGE = json.loads(content.image(CONFIG, b"one", b"two"))
INDEX = json.loads(content.index(content.image(CONFIG)))


def parse(document: Any, content_type: str = "") -> documents.Document:
    return documents.parse(document if isinstance(document, bytes) else content.dump(document), content_type)


def refusal(document: Any, content_type: str = "") -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        parse(document, content_type)
    assert caught.value.code == "MANIFEST_INVALID"
    return caught.value


def test_an_image_is_read():
    document = parse(IMAGE, "application/vnd.oci.image.manifest.v1+json; charset=utf-8")
    assert document.media_type == media_types.OCI_MANIFEST
    assert document.config_media_type == media_types.OCI_CONFIG
    assert [layer.size for layer in document.layers] == [3, 3]
    assert document.kind == "IMAGE"


def test_docker_manifests_and_lists_are_read():
    image = IMAGE | {"mediaType": media_types.DOCKER_MANIFEST}
    assert parse(image).media_type == media_types.DOCKER_MANIFEST
    child = INDEX["manifests"][0] | {"mediaType": media_types.DOCKER_MANIFEST, "platform": {"os": "linux"}}
    document = parse(INDEX | {"mediaType": media_types.DOCKER_LIST, "manifests": [child]})
    assert document.is_index
    assert document.children[0].platform == "linux"


def test_what_is_no_manifest_in_an_index_is_a_blob_as_buildkit_writes_its_cache():
    cache = content.descriptor("application/vnd.buildkit.cacheconfig.v0", b"{}")
    layer = content.descriptor(content.LAYER, b"layer")
    document = parse(INDEX | {"manifests": [layer, cache]})
    assert [blob.media_type for blob in document.blobs] == [layer["mediaType"], cache["mediaType"]]
    assert not document.children


def test_unknown_fields_and_types_are_accepted():
    unknown = content.descriptor("x-custom/anything", b"config", custom={"deep": [1]})
    document = parse(IMAGE | {"config": unknown, "org.example": [None, 1.5, {}]})
    assert document.config is not None
    assert document.config.media_type == "x-custom/anything"


def test_a_manifest_without_media_type_is_what_its_content_type_says():
    bare = {name: value for name, value in IMAGE.items() if name != "mediaType"}
    assert parse(bare, "Application/Vnd.OCI.Image.Manifest.v1+JSON").media_type == media_types.OCI_MANIFEST
    assert "came without Content-Type" in refusal(bare).message


def test_null_lists_are_empty_as_go_writes_them():
    assert parse(IMAGE | {"layers": None, "annotations": None, "subject": None}).layers == []
    assert parse(INDEX | {"manifests": None}).children == []


@pytest.mark.parametrize("media_type", sorted(media_types.DOCKER_SCHEMA1))
def test_schema1_is_refused_by_name(media_type):
    assert refusal(b"whatever", media_type).message == "schema1 unsupported"
    assert refusal({"schemaVersion": 1, "fsLayers": []}).message == "schema1 unsupported"
    assert refusal({"schemaVersion": 2, "mediaType": media_type}).message == "schema1 unsupported"


def test_a_size_limit_of_exactly_four_mebibytes():
    room = documents.MAX_SIZE - len(content.dump(IMAGE | {"annotations": {"a": ""}}))
    largest = content.dump(IMAGE | {"annotations": {"a": "x" * room}})
    assert len(largest) == documents.MAX_SIZE
    parse(largest)
    error = refusal(largest + b" ")
    assert error.status == 413


DIGEST = "sha256:" + "0" * 64
LAYERS = [{"mediaType": "a/b", "digest": DIGEST, "size": 1}]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b"[]", "must be a JSON object, not a list"),
        (b'"text"', 'must be a JSON object, not "text"'),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"schemaVersion": NaN}', "NaN is no number"),
        (b'{"schemaVersion": ' + b"9" * 5000 + b"}", "thousands of digits"),
        (b'{"schemaVersion": 2, "schemaVersion": 2}', '"schemaVersion" occurs twice'),
        (b'{"unknown": {"b": 1, "b": 2}}', '"b" occurs twice'),
        ({}, "schemaVersion must be 2, not null"),
        (IMAGE | {"schemaVersion": "2"}, 'schemaVersion must be 2, not "2"'),
        (IMAGE | {"schemaVersion": True}, "schemaVersion must be 2, not true"),
        (IMAGE | {"mediaType": 7}, "mediaType must be a string, not 7"),
        (IMAGE | {"mediaType": "text/html"}, '"text/html" is not one of'),
        (IMAGE | {"config": None}, "config is missing"),
        (IMAGE | {"config": []}, "config must be an object, not a list"),
        (IMAGE | {"layers": {}}, "layers must be a list, not an object"),
        (IMAGE | {"layers": [None]}, "layers[0] must be an object, not null"),
        (IMAGE | {"manifests": []}, "must not have the field 'manifests'"),
        (INDEX | {"layers": []}, "must not have the field 'layers'"),
        (INDEX | {"config": {}}, "must not have the field 'config'"),
        (INDEX | {"manifests": "x"}, "manifests must be a list"),
        (IMAGE | {"layers": [*LAYERS, {}]}, "layers[1].mediaType is missing"),
        (IMAGE | {"layers": [LAYERS[0] | {"digest": None}]}, "layers[0].digest must be a string"),
        (IMAGE | {"layers": [LAYERS[0] | {"digest": "sha256:bad"}]}, "layers[0].digest: invalid digest"),
        (IMAGE | {"layers": [LAYERS[0] | {"digest": DIGEST.upper()}]}, "layers[0].digest: invalid digest"),
        (
            IMAGE | {"layers": [LAYERS[0] | {"size": -1}]},
            "layers[0].size must be a whole number of bytes, not -1",
        ),
        (IMAGE | {"layers": [LAYERS[0] | {"size": 2**63}]}, "layers[0].size must be a whole number"),
        (IMAGE | {"layers": [LAYERS[0] | {"size": 1.0}]}, "layers[0].size must be a whole number"),
        (IMAGE | {"layers": [LAYERS[0] | {"size": True}]}, "layers[0].size must be a whole number"),
        (IMAGE | {"layers": [LAYERS[0] | {"size": "1"}]}, "layers[0].size must be a whole number"),
        (IMAGE | {"layers": [LAYERS[0] | {"urls": ["https://x", 1]}]}, "layers[0].urls[1] must be a string"),
        (IMAGE | {"layers": [LAYERS[0] | {"platform": []}]}, "layers[0].platform must be an object"),
        (
            IMAGE | {"layers": [LAYERS[0] | {"annotations": {"a": 1}}]},
            'layers[0].annotations["a"] must be a string',
        ),
        (IMAGE | {"layers": [LAYERS[0] | {"data": "?"}]}, "layers[0].data is not base64"),
        (IMAGE | {"layers": [LAYERS[0] | {"data": "YQ=="}]}, "layers[0].data is not the content"),
        (IMAGE | {"annotations": []}, "annotations must be an object"),
        (IMAGE | {"annotations": {"a": None}}, 'annotations["a"] must be a string, not null'),
        (IMAGE | {"annotations": {"a": "\0"}}, "holds a NUL character"),
        (IMAGE | {"annotations": {"\ud800": ""}}, "half a surrogate pair"),
        (IMAGE | {"artifactType": 1}, "artifactType must be a string"),
        (IMAGE | {"artifactType": "a" * 256}, "artifactType is longer than 255"),
        (IMAGE | {"subject": "sha256:abc"}, "subject must be an object"),
        (IMAGE | {"subject": {"mediaType": "a/b"}}, "subject.digest must be a string"),
        (
            INDEX | {"manifests": [LAYERS[0] | {"mediaType": min(media_types.DOCKER_SCHEMA1)}]},
            "schema1 unsupported",
        ),
    ],
)
def test_nonsense_is_refused_with_its_place(document, message):
    assert message in refusal(document).message


@pytest.mark.parametrize("change", [str.upper, "{}; charset=utf-8".format])
def test_a_media_type_is_what_pulls_will_be_told_to_the_letter(change):
    assert "is not one of" in refusal(IMAGE | {"mediaType": change(media_types.OCI_MANIFEST)}).message


def test_content_type_and_media_type_must_agree():
    error = refusal(IMAGE, media_types.OCI_INDEX)
    assert media_types.OCI_INDEX in error.message
    assert media_types.OCI_MANIFEST in error.message


def test_embedded_content_is_checked_against_its_descriptor():
    data = base64.b64encode(CONFIG).decode()
    document = parse(IMAGE | {"config": IMAGE["config"] | {"data": data}})
    assert document.config is not None
    assert document.config.data == CONFIG


def test_many_names_twice_are_found_quickly():
    names = ",".join(f'"{number % 200_000}":0' for number in range(400_000))
    assert "occurs twice" in refusal(f"{{{names}}}".encode()).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=20,
)
FIELDS = st.sampled_from(
    ["schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "annotations"]
)
DESCRIPTORS = st.fixed_dictionaries(
    {"mediaType": st.just("a/b") | JSON, "digest": st.just(DIGEST) | JSON, "size": st.integers() | JSON},
    optional={"data": JSON, "urls": JSON, "platform": JSON, "annotations": JSON},
)


@settings(max_examples=200, deadline=None)
@given(
    base=st.sampled_from([IMAGE, INDEX]),
    changes=st.dictionaries(FIELDS, JSON | DESCRIPTORS | st.lists(DESCRIPTORS, max_size=3), max_size=3),
)
def test_whatever_comes_is_a_document_or_manifest_invalid(base, changes):
    try:
        document = parse(base | changes)
    except RegistryError as refused:
        error = refused
    else:
        assert document.media_type in media_types.MANIFESTS
        json.dumps(document.annotations, ensure_ascii=False).encode()
        return
    assert error.code == "MANIFEST_INVALID"
    json.dumps(error.body()).encode()


@settings(max_examples=200, deadline=None)
@given(payload=st.binary(max_size=300), content_type=st.text(max_size=60))
def test_any_bytes_are_manifest_invalid(payload, content_type):
    with pytest.raises(RegistryError, match="MANIFEST_INVALID"):
        documents.parse(payload, content_type)

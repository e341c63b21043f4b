"""Reads a manifest or index: bytes a client sent -> Document, or MANIFEST_INVALID that says what is wrong and where.

Nothing here asks the database. Unknown fields, config types and layer types are accepted (image-spec, "Extensibility"),
what we do read has the right type. One descriptor of a document is named like `layers[3].digest` in messages.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

from registry import media_types
from registry.digests import Digest
from registry.errors import RegistryError

MAX_SIZE = 4 * 1024 * 1024  # of a manifest, bytes; the spec wants at least this
_MAX_TYPE = 255
_MAX_INT = 2**63 - 1
_T = TypeVar("_T")
_NOUNS: dict[type, str] = {dict: "an object", list: "a list", str: "a string"}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content (image-spec, descriptor.md). `where` is its place in the document."""

    media_type: str
    digest: Digest
    size: int
    where: str
    platform: str = ""
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A valid manifest or index.

    `children` must be manifests of the repository; `blobs` are the other descriptors of an index (buildkit's cache).
    `artifact_type` is the document's own, not what referrers make of it.
    """

    media_type: str
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: list[Descriptor] = field(default_factory=list)
    blobs: list[Descriptor] = field(default_factory=list)
    children: list[Descriptor] = field(default_factory=list)
    subject: Descriptor | None = None
    annotations: dict[str, str] = field(default_factory=dict)

    @property
    def is_index(self) -> bool:
        return self.media_type in media_types.INDEXES

    @property
    def config_media_type(self) -> str:
        return self.config.media_type if self.config else ""

    @property
    def subject_digest(self) -> Digest | None:
        return self.subject.digest if self.subject else None

    @property
    def kind(self) -> str:
        """See media_types.artifact_kind."""
        return media_types.artifact_kind(
            self.media_type,
            artifact_type=self.artifact_type,
            config_type=self.config_media_type,
            layer_types={layer.media_type for layer in self.layers},
            annotations=self.annotations,
        )


def invalid(message: str, **detail: Any) -> NoReturn:
    """Raises MANIFEST_INVALID."""
    raise RegistryError("MANIFEST_INVALID", f"manifest invalid: {message}", detail=detail or None)


def too_large(size: int) -> RegistryError:
    """The 413 for a manifest of `size` bytes."""
    message = f"manifest invalid: it is larger than {MAX_SIZE} bytes"
    return RegistryError("MANIFEST_INVALID", message, status=413, detail={"size": size, "limit": MAX_SIZE})


def parse(payload: bytes, content_type: str) -> Document:
    """Reads `payload`, sent with the header Content-Type `content_type` ("" if there was none).

    Raises MANIFEST_INVALID, with status 413 for more than MAX_SIZE bytes.
    """
    if len(payload) > MAX_SIZE:
        raise too_large(len(payload))
    header = media_types.parse(content_type)
    if header in media_types.DOCKER_SCHEMA1:
        _schema1()
    body = _load(payload)
    media_type = _media_type(body, header)
    common: dict[str, Any] = {
        "media_type": media_type,
        "artifact_type": _text(body.get("artifactType"), "artifactType", _MAX_TYPE),
        "subject": _descriptor(subject, "subject") if (subject := body.get("subject")) is not None else None,
        "annotations": _annotations(body.get("annotations"), "annotations"),
    }
    return _index(body, common) if media_type in media_types.INDEXES else _manifest(body, common)


def _manifest(body: dict[str, Any], common: dict[str, Any]) -> Document:
    if body.get("manifests") is not None:
        invalid(f"{common['media_type']} must not have the field 'manifests' of an index")
    if body.get("config") is None:
        invalid("config is missing")
    config = _descriptor(body["config"], "config")
    return Document(config=config, layers=list(_descriptors(body.get("layers"), "layers")), **common)


def _index(body: dict[str, Any], common: dict[str, Any]) -> Document:
    for name in ("config", "layers"):
        if body.get(name) is not None:
            invalid(f"{common['media_type']} must not have the field '{name}' of a manifest")
    children: list[Descriptor] = []
    blobs: list[Descriptor] = []
    for descriptor in _descriptors(body.get("manifests"), "manifests"):
        if descriptor.media_type in media_types.DOCKER_SCHEMA1:
            invalid(f"{descriptor.where}: schema1 unsupported")
        (children if descriptor.media_type in media_types.MANIFESTS else blobs).append(descriptor)
    return Document(children=children, blobs=blobs, **common)


def _schema1() -> NoReturn:
    raise RegistryError(
        "MANIFEST_INVALID", "schema1 unsupported", detail={"supported": sorted(media_types.MANIFESTS)}
    )


def _media_type(body: dict[str, Any], header: str) -> str:
    """Of Content-Type and the body's mediaType, which must agree where both are there (distribution-spec, end-7)."""
    version = body.get("schemaVersion")
    if version == 1 and not isinstance(version, bool):
        _schema1()
    if version != 2 or isinstance(version, (bool, float)):
        invalid(f"schemaVersion must be 2, not {_show(version)}")
    own = _text(body.get("mediaType"), "mediaType", _MAX_TYPE)
    if own in media_types.DOCKER_SCHEMA1:
        _schema1()
    if own and header and own != header:
        invalid(f"the header Content-Type is {_show(header)} but mediaType is {_show(own)}")
    media_type = own or header
    if not media_type:
        invalid("it has no mediaType and came without Content-Type")
    if media_type not in media_types.MANIFESTS:
        supported = ", ".join(sorted(media_types.MANIFESTS))
        invalid(f"media type {_show(media_type)} is not one of {supported}")
    return media_type


def _load(payload: bytes) -> dict[str, Any]:
    """Strict JSON: UTF-8, one object, no NaN, no name twice in an object (which readers could take differently)."""
    try:
        body = json.loads(payload.decode(), object_pairs_hook=_unique, parse_constant=_constant)
    except UnicodeDecodeError as error:
        invalid(f"it is not UTF-8 (byte {error.start})")
    except json.JSONDecodeError as error:
        invalid(f"it is not JSON: {error.msg} at byte {error.pos}")
    except RecursionError:
        invalid("its JSON is nested too deeply")
    except ValueError:
        invalid("it has a number of thousands of digits")
    if not isinstance(body, dict):
        invalid(f"it must be a JSON object, not {_show(body)}")
    return body


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                invalid(f"the name {_show(name)} occurs twice in one object")
            seen.add(name)
    return result


def _constant(name: str) -> NoReturn:
    invalid(f"it is not JSON: {name} is no number")


def _descriptors(value: Any, where: str) -> Iterator[Descriptor]:
    # Go marshals an empty list as null when nobody made it.
    for number, item in enumerate(_typed(value, list, where) if value is not None else ()):
        yield _descriptor(item, f"{where}[{number}]")


def _descriptor(value: Any, where: str) -> Descriptor:
    fields = _typed(value, dict, where)
    media_type = _text(fields.get("mediaType"), f"{where}.mediaType", _MAX_TYPE)
    if not media_type:
        invalid(f"{where}.mediaType is missing")
    text = _typed(fields.get("digest"), str, f"{where}.digest")
    try:
        digest = Digest.parse(text)
    except RegistryError as error:
        invalid(f"{where}.digest: {error.message}", digest=text[:200])
    size = fields.get("size")
    if type(size) is not int or not 0 <= size <= _MAX_INT:
        invalid(f"{where}.size must be a whole number of bytes, not {_show(size)}")
    if fields.get("annotations") is not None:
        _annotations(fields["annotations"], f"{where}.annotations")
    for number, url in enumerate(_optional(fields, "urls", list, where) or ()):
        _typed(url, str, f"{where}.urls[{number}]")
    platform = _platform(_optional(fields, "platform", dict, where) or {}, f"{where}.platform")
    return Descriptor(media_type, digest, size, where, platform, _data(fields, digest, size, where))


def _data(fields: dict[str, Any], digest: Digest, size: int, where: str) -> bytes | None:
    """The embedded content, which must be what size and digest say (image-spec, descriptor.md "Embedded Content")."""
    text = _optional(fields, "data", str, where)
    if text is None:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        invalid(f"{where}.data is not base64")
    if len(data) != size or Digest.of(data, digest.algorithm) != digest:
        invalid(f"{where}.data is not the content that its digest and size name", digest=digest)
    return data


def _platform(fields: dict[str, Any], where: str) -> str:
    """ "linux/arm64/v8", or "" where nothing is said."""
    names = [
        _text(fields.get(name), f"{where}.{name}", _MAX_TYPE) for name in ("os", "architecture", "variant")
    ]
    return "/".join(name for name in names if name)


def _annotations(value: Any, where: str) -> dict[str, str]:
    fields = _typed(value, dict, where) if value is not None else {}
    for name, text in fields.items():
        _text(name, f"the name {_show(name)} in {where}")
        _typed(text, str, f"{where}[{_show(name)}]")
        _text(text, f"{where}[{_show(name)}]")
    return fields


def _text(value: Any, where: str, limit: int | None = None) -> str:
    """A string that a database can hold; None is ""."""
    text: str = _typed(value, str, where) if value is not None else ""
    if limit and len(text) > limit:
        invalid(f"{where} is longer than {limit} characters")
    if "\0" in text:
        invalid(f"{where} holds a NUL character")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        invalid(f"{where} holds half a surrogate pair")
    return text


def _optional(fields: dict[str, Any], name: str, kind: type[_T], where: str) -> _T | None:
    value = fields.get(name)
    return None if value is None else _typed(value, kind, f"{where}.{name}")


def _typed(value: Any, kind: type[_T], where: str) -> _T:
    if not isinstance(value, kind):
        invalid(f"{where} must be {_NOUNS.get(kind, kind.__name__)}, not {_show(value)}")
    return value


def _show(value: Any) -> str:
    """`value` as JSON, cut short: what a message quotes of a hostile document."""
    if isinstance(value, (dict, list)):
        return _NOUNS[type(value)]
    text = json.dumps(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 100 else text[:100] + "..."

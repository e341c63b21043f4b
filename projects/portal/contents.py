"""What a manifest and its config hold, taken apart for reading. Clients wrote both: nothing is trusted."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Generic, NoReturn, TypeVar

from registry.models import Manifest

_HALF_A_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F]")
_LARGER: Final = 8  # times: what indents may make of a document; an honest one doubles

MOST: Final = 200
"""So many entries of a list that a client wrote stand on a page: a config of 4 MiB may hold tens of thousands."""
LONGEST: Final = 1000
LONGEST_COMMAND: Final = 4000  # characters: a step of an honest build has thousands

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Excerpt(Generic[T]):
    """The first entries of a list, and how many `more` there are."""

    shown: Sequence[T]
    more: int = 0


def excerpt(values: Sequence[T], most: int = MOST) -> Excerpt[T]:
    """As much of a list as a page shows."""
    return Excerpt(values[:most], max(0, len(values) - most))


def written(value: object) -> str:
    """A value as its client wrote it: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:  # just not too deep for parse()
        return "…"


def cut(value: object, longest: int = LONGEST) -> str:
    """As much of a value as a page shows."""
    uncut = written(value)
    return uncut if len(uncut) <= longest else f"{uncut[:longest]}…"


def document(manifest: Manifest) -> dict[str, Any]:
    """The manifest as JSON."""
    return parse(bytes(manifest.payload))


def parse(data: bytes) -> dict[str, Any]:
    """A JSON object that can be written as JSON again; an empty one for anything else."""
    try:
        text = data.decode("utf-8-sig")
        parsed = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if _HALF_A_PAIR.search(text):  # no encoding has half a surrogate pair
            parsed = json.loads(json.dumps(parsed, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError):
        return {}
    return mapping(parsed)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text} is too large")
    return number


def indented(data: bytes) -> str:
    """A JSON object to be read; as it came if it is none, or so deep that it would be mostly indents."""
    as_it_came, pieces = data.decode(errors="replace"), []
    room = _LARGER * len(data)
    document = parse(data)
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(document):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            return as_it_came
    return "".join(pieces) if document else as_it_came


def mapping(value: object) -> dict[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def entries(value: object) -> list[dict[str, Any]]:
    """The objects in a list; empty for anything else."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def whole(value: object) -> int:
    """The value if it is a number, else 0."""
    return value if isinstance(value, int) else 0


def platform_name(platform: object) -> str:
    """os/architecture[/variant] of a descriptor's platform; "" for none and for what buildkit calls unknown/unknown."""
    given = mapping(platform)
    parts = [str(given[key]) for key in ("os", "architecture", "variant") if given.get(key)]
    return "" if "unknown" in parts else "/".join(parts)


def short(digest: str) -> str:
    """A digest's algorithm and first eight characters: enough to tell two artifacts apart."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:8]}"


def time(value: object) -> datetime | None:
    """An RFC 3339 time in UTC, or None; also for the year 1, which is Go's word for "never"."""
    try:
        parsed = datetime.fromisoformat(str(value))
        moment = parsed.astimezone(UTC) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return moment if moment and moment.year > 1 else None


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer (or any blob) that a manifest names."""

    digest: str
    size: int
    media_type: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of an image's build history; `layer` is None where it made none."""

    command: str
    created: datetime | None
    layer: Layer | None


def layers(manifest: dict[str, Any]) -> Excerpt[Layer]:
    """The layers that a manifest names, in order."""
    found = excerpt(entries(manifest.get("layers") or manifest.get("blobs")))
    return Excerpt([_layer(descriptor) for descriptor in found.shown], found.more)


def _layer(descriptor: dict[str, Any]) -> Layer:
    return Layer(
        digest=str(descriptor.get("digest", "")),
        size=whole(descriptor.get("size")),
        media_type=cut(descriptor.get("mediaType", "")),
        title=cut(mapping(descriptor.get("annotations")).get("org.opencontainers.image.title", "")),
    )


def history(config: dict[str, Any], made: Sequence[Layer]) -> Excerpt[Step]:
    """The build history out of an image's config, each step with the layer that it made."""
    found = excerpt(entries(config.get("history")))
    left = iter(made)
    steps = [_step(entry, None if entry.get("empty_layer") else next(left, None)) for entry in found.shown]
    return Excerpt(steps, found.more)


def _step(entry: dict[str, Any], layer: Layer | None) -> Step:
    command = written(entry.get("created_by") or entry.get("comment") or "")
    command = command.removeprefix("/bin/sh -c #(nop) ").strip()
    return Step(cut(command, LONGEST_COMMAND), time(entry.get("created")), layer)


def annotations(manifest: Manifest, most: int = MOST, longest: int = LONGEST) -> Excerpt[tuple[str, str]]:
    """A manifest's annotations by name."""
    found = excerpt(sorted(manifest.annotations.items()), most)
    return Excerpt([(cut(key, longest), cut(value, longest)) for key, value in found.shown], found.more)


@dataclass(frozen=True, slots=True)
class Overview:
    """What an artifact says of itself: single facts, and facts with several values."""

    created: datetime | None = None
    facts: list[tuple[str, str]] = field(default_factory=list)
    lists: list[tuple[str, Excerpt[str]]] = field(default_factory=list)


def overview(kind: str, config: dict[str, Any]) -> Overview:
    """The readable part of a config: an image's own settings, a chart's metadata, nothing for the rest."""
    if kind == "IMAGE":
        return _image(config)
    if kind == "CHART":
        return Overview(facts=[(label, cut(config[key])) for key, label in _CHART_FACTS if config.get(key)])
    return Overview()


_CHART_FACTS: Final = (
    ("name", "Name"),
    ("version", "Version"),
    ("appVersion", "App version"),
    ("kubeVersion", "Kubernetes version"),
    ("description", "Description"),
    ("home", "Home page"),
)


def _image(config: dict[str, Any]) -> Overview:
    settings = mapping(config.get("config"))
    facts = (
        ("Author", config.get("author")),
        ("Entrypoint", _words(settings.get("Entrypoint"))),
        ("Command", _words(settings.get("Cmd"))),
        ("Working directory", settings.get("WorkingDir")),
        ("User", settings.get("User")),
        ("Stop signal", settings.get("StopSignal")),
    )
    environment = settings.get("Env")
    lists = (
        ("Ports", list(mapping(settings.get("ExposedPorts")))),
        ("Volumes", list(mapping(settings.get("Volumes")))),
        ("Environment", environment if isinstance(environment, list) else []),
        ("Labels", [f"{key}={written(value)}" for key, value in mapping(settings.get("Labels")).items()]),
    )
    return Overview(
        created=time(config.get("created")),
        facts=[(label, cut(value)) for label, value in facts if value],
        lists=[(label, _texts(values)) for label, values in lists if values],
    )


def _texts(values: Sequence[object]) -> Excerpt[str]:
    found = excerpt(values)
    return Excerpt([cut(value) for value in found.shown], found.more)


def _words(value: object) -> str:
    return " ".join(map(written, value)) if isinstance(value, list) else written(value or "")

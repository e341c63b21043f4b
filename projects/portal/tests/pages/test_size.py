"""Large repositories: the number of queries does not grow with what is in them, and no page takes long."""

import hashlib
from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from registry import media_types
from registry.models import Manifest, ManifestChild, Repository, Tag

NAME = "big"
ARTIFACTS = 10_000
TAGS = 5_000
START = datetime(2026, 1, 1, tzinfo=UTC)
# Generous, for the slowest machine that runs the tests; by hand each takes a tenth of it or less.
SECONDS = 1.5


def manifest(repository, number, **fields):
    return Manifest(
        repository=repository,
        digest=f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}",
        media_type=media_types.OCI_MANIFEST,
        kind="IMAGE",
        payload=b'{"layers": []}',
        size=14,
        total_size=number,
        pushed_at=START + timedelta(seconds=number),
        **fields,
    )


def fill(project, artifacts, tags):
    """A repository with an index of ten, so many artifacts, and so many tags on the newest."""
    repository = Repository.objects.create(
        namespace=project.namespace, name=f"{project.name}/{NAME}", pushed_at=START
    )
    Manifest.objects.bulk_create(
        (manifest(repository, number) for number in range(artifacts)), batch_size=1000
    )
    found = list(Manifest.objects.filter(repository=repository).order_by("pushed_at").defer("payload"))
    ManifestChild.objects.bulk_create(ManifestChild(parent=found[-2], child=child) for child in found[:10])
    Tag.objects.bulk_create(
        (Tag(repository=repository, manifest=found[-1], name=f"v{number}") for number in range(tags)),
        batch_size=1000,
    )
    Tag.objects.bulk_create(
        (Tag(repository=repository, manifest=each, name=f"n{each.pk}") for each in found[10:-1]),
        batch_size=1000,
    )
    return found[-1]


# page: (arguments besides the project, query string, queries)
VISITS = [
    ("projects", (), {}, 4),
    ("summary", (), {}, 9),
    ("repositories", (), {}, 6),
    ("repositories", (), {"sort": "-artifacts"}, 6),
    ("artifacts", (NAME,), {}, 10),
    ("artifacts", (NAME,), {"sort": "-pulled"}, 10),
    ("artifacts", (NAME,), {"q": "v2"}, 11),
    ("artifacts", (NAME,), {"tagged": "yes", "sort": "size"}, 11),
    ("artifact", (NAME, "newest"), {}, 13),
    ("artifact", (NAME, "newest"), {"q": "v2", "sort": "name"}, 13),
    ("artifact", (NAME, "newest"), {"tab": "layers"}, 11),
]


@pytest.mark.parametrize(("artifacts", "tags"), [(20, 3), (ARTIFACTS, TAGS)], ids=["small", "large"])
def test_every_page_takes_as_many_queries_however_much_there_is(
    pages, cast, django_assert_num_queries, artifacts, tags
):
    newest = fill(cast.public, artifacts, tags)
    pages.client("dev")  # logs in
    for name, rest, query, number in VISITS:
        arguments = [newest.digest if each == "newest" else each for each in rest]
        if name != "projects":
            arguments.insert(0, cast.public.pk)
        started = monotonic()
        with django_assert_num_queries(number, info=f"{name} {query}"):
            response = pages.get(name, *arguments, **query)
        assert response.status_code == 200
        assert monotonic() - started < SECONDS, f"{name} {query}"


def test_later_pages_cost_what_the_first_does(pages, cast, django_assert_num_queries):
    fill(cast.public, ARTIFACTS, 1)
    page = pages.get("artifacts", cast.public.pk, NAME, sort="-pushed", page_size=100).context["page"]
    while page.following and page.end < 300:
        with django_assert_num_queries(10):
            page = pages.get("artifacts", cast.public.pk, NAME, sort="-pushed", at=page.following).context[
                "page"
            ]
    assert (page.first, page.end, page.total) == (201, 300, ARTIFACTS - 10)

"""Tags and the catalog: order, pages, and who may see what."""

import pytest

from registry import ports
from registry.digests import Digest
from registry.errors import RegistryError
from registry.models import Manifest, Namespace, Repository, Tag
from registry.names import RepositoryName, TagName
from registry.services import catalog, tags
from registry.tests import content
from registry.tests.pushing import Pusher

pytestmark = pytest.mark.django_db


@pytest.fixture
def pusher(library: RepositoryName) -> Pusher:
    return Pusher(library)


def page(pusher: Pusher, last: str = "", size: int = tags.MAX_PAGE) -> tuple[list[str], bool]:
    return tags.page(name=pusher.name, last=last, size=size)


def test_tags_come_in_ascii_order_page_by_page(pusher, django_assert_num_queries):
    for name in ("b", "a", "B", "_", "10", "9"):
        pusher.put(name, content.index())
    assert page(pusher) == (["10", "9", "B", "_", "a", "b"], False)
    with django_assert_num_queries(1):
        assert page(pusher, size=2) == (["10", "9"], True)
    assert page(pusher, last="9", size=2) == (["B", "_"], True)
    assert page(pusher, last="A", size=9) == (["B", "_", "a", "b"], False)
    assert page(pusher, last="b") == ([], False)
    assert page(pusher, size=0) == ([], False)


def test_a_repository_without_tags_is_no_unknown_one(pusher):
    with pytest.raises(RegistryError, match="NAME_UNKNOWN"):
        page(pusher)
    pusher.put(Digest.of(content.index()), content.index())
    assert page(pusher) == ([], False)


def test_a_page_has_a_largest_size(pusher):
    pusher.put("v1", content.index())
    row = Tag.objects.get()
    names = [f"t{number:05}" for number in range(tags.MAX_PAGE + 5)]
    rows = [Tag(repository_id=row.repository_id, manifest_id=row.manifest_id, name=name) for name in names]
    Tag.objects.bulk_create(rows)
    found, more = page(pusher, size=10**9)
    assert (len(found), more) == (tags.MAX_PAGE, True)


def test_a_tag_may_be_made_and_taken_away(pusher):
    digest = pusher.put(Digest.of(content.index()), content.index()).digest
    tags.create(name=pusher.name, tag=TagName("v1"), digest=digest, subject="petra")
    tags.create(name=pusher.name, tag=TagName("v1"), digest=digest, subject="petra")
    assert Manifest.objects.get().keep_until is None
    other = content.index(annotations={"a": "b"})
    pusher.put("v2", other)
    with pytest.raises(RegistryError) as caught:
        tags.create(name=pusher.name, tag=TagName("v1"), digest=Digest.of(other), subject="petra")
    assert caught.value.status == 409
    with pytest.raises(RegistryError, match="MANIFEST_UNKNOWN"):
        tags.create(name=pusher.name, tag=TagName("v3"), digest=Digest.of(b""), subject="petra")
    tags.delete(name=pusher.name, tag=TagName("v1"), subject="petra")
    assert page(pusher) == (["v2"], False)


class Policy:
    """Sees one namespace, or all."""

    def __init__(self, visible: list[int] | None) -> None:
        self.visible = visible

    def visible_namespaces(self, subject: str) -> list[int] | None:
        return self.visible


@pytest.fixture
def see(monkeypatch):
    return lambda visible: monkeypatch.setattr(catalog, "access_policy", lambda: Policy(visible))


def test_the_catalog_lists_what_was_pushed_to_and_may_be_seen(see, django_assert_num_queries):
    library, secret = (Namespace.objects.create(name=name) for name in ("library", "secret"))
    for name in ("secret/b", "library/a/b", "library/a", "library/c"):
        Pusher(RepositoryName(name)).put("v1", content.index())
    Repository.objects.create(name="library/uploading", namespace=library)
    see(None)
    assert catalog.page(subject="admin", last="", size=10)[0] == [
        "library/a",
        "library/a/b",
        "library/c",
        "secret/b",
    ]
    see([secret.id])
    assert catalog.page(subject="petra", last="", size=10) == (["secret/b"], False)
    see([])
    assert catalog.page(subject=ports.ANONYMOUS, last="", size=10) == ([], False)
    see([library.id])
    with django_assert_num_queries(1):
        assert catalog.page(subject="petra", last="library/a", size=1) == (["library/a/b"], True)
    assert catalog.page(subject="petra", last="", size=0) == ([], False)

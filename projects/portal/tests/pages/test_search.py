import re

from projects.portal.tests.artifacts import push_image
from projects.web.tests.reading import text


def found(pages, who, q):
    context = pages.get("search", who=who, q=q).context
    return [each.name for each in context["projects"]], [each.name for each in context["repositories"]]


def test_the_search_finds_what_the_reader_may_know_of(pages, cast, store):
    push_image("open/tools/hammer")
    push_image("secret/hammer")
    assert found(pages, "dev", "HAMMER") == ([], ["open/tools/hammer", "secret/hammer"])
    assert found(pages, "sam", "hammer") == ([], ["open/tools/hammer"])
    assert found(pages, "anonymous", "e") == (["open"], ["open/tools/hammer"])
    assert found(pages, "admin", "secret") == (["secret"], ["secret/hammer"])


def test_times_have_the_form_that_they_have_in_lists(pages, cast, store):
    push_image("open/tools/hammer")
    for page in (
        pages.get("search", q="hammer"),
        pages.get("repositories", cast.public.pk),
    ):
        assert re.search(r"hammer 1 0 .*\d+ \w+ \d{4}, \d\d:\d\d UTC", text(page))


def test_without_a_text_it_explains_itself(pages, cast):
    assert "by any part of their name" in text(pages.get("search"))
    assert "No repository of that name" in text(pages.get("search", q="zzz"))


def test_a_hostile_text_is_text(pages, cast):
    body = pages.get("search", q='"><script>alert(1)</script>').content.decode()
    assert "<script>alert" not in body
    assert pages.get("search", q="\0%_\\").status_code == 200

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db.models import Count
from django.test import RequestFactory

from projects.web.tables import COUNT_LIMIT, Sorts, paginate
from registry.models import Namespace, Repository

SORTS = Sorts({"name": "name", "pulls": "pull_count", "pushed": "pushed_at"}, default="name")
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def rows(db):
    """40 repositories with many ties in pulls and times."""
    namespace = Namespace.objects.create(name="library")
    Repository.objects.bulk_create(
        Repository(
            namespace=namespace,
            name=f"library/r{number:02}",
            pull_count=number % 3,
            pushed_at=NOON + timedelta(microseconds=number % 7),
        )
        for number in range(40)
    )
    return Repository.objects.all()


def request(session=None, **query):
    made = RequestFactory().get("/", query)
    made.session = SessionStore() if session is None else session
    return made


def names(page):
    return [row.name for row in page.rows]


@pytest.mark.parametrize("sort", ["name", "-name", "pulls", "-pulls", "pushed", "-pushed"])
def test_every_row_is_seen_once_forwards_and_backwards(rows, sort):
    page = paginate(request(sort=sort), rows, sorts=SORTS)
    forwards = [page]
    while page.following:
        page = paginate(request(sort=sort, at=page.following), rows, sorts=SORTS)
        forwards.append(page)
    seen = [name for each in forwards for name in names(each)]
    assert seen == list(rows.order_by(*SORTS.order(sort)).values_list("name", flat=True))
    assert [(each.first, each.end) for each in forwards] == [(1, 15), (16, 30), (31, 40)]
    backwards = [page]
    while page.previous:
        page = paginate(request(sort=sort, at=page.previous), rows, sorts=SORTS)
        backwards.append(page)
    assert [names(each) for each in backwards] == [names(each) for each in reversed(forwards)]
    assert backwards[-1].first == 1


def test_times_that_the_database_wrote_page_like_others(db, monkeypatch):
    # SQLite's own clock has three digits after the second, Django writes six.
    monkeypatch.setattr("projects.web.tables.PAGE_SIZES", (3,))
    for number in range(10):
        Namespace.objects.create(name=f"n{number}")
        if number % 2:
            Namespace.objects.filter(name=f"n{number}").update(
                created_at=NOON + timedelta(microseconds=number)
            )
    sorts = Sorts({"created": "created_at"}, default="created")
    page = paginate(request(), Namespace.objects.all(), sorts=sorts)
    seen = names(page)
    while page.following:
        page = paginate(request(at=page.following), Namespace.objects.all(), sorts=sorts)
        seen += names(page)
    assert seen == list(Namespace.objects.order_by("created_at", "pk").values_list("name", flat=True))
    while page.previous:
        page = paginate(request(at=page.previous), Namespace.objects.all(), sorts=sorts)
    assert names(page) == seen[:3]


def test_rows_that_come_meanwhile_neither_repeat_nor_hide_others(rows):
    first = paginate(request(), rows, sorts=SORTS)
    namespace = Namespace.objects.get()
    Repository.objects.create(namespace=namespace, name="library/a-new-one")
    second = paginate(request(at=first.following), rows, sorts=SORTS)
    assert names(second)[0] == "library/r15"


def test_a_list_can_be_sorted_by_what_is_counted(rows):
    counted = Namespace.objects.annotate(number=Count("repositories"))
    Namespace.objects.bulk_create(Namespace(name=f"n{number:02}") for number in range(20))
    sorts = Sorts({"number": "number"}, default="-number")
    first = paginate(request(), counted, sorts=sorts)
    second = paginate(request(at=first.following), counted, sorts=sorts)
    assert names(first)[0] == "library"
    assert len({*names(first), *names(second)}) == 21


@pytest.mark.parametrize("at", ["", "nonsense", "eyJhIjoxfQ:1:x", "\0", "x" * 5000])
def test_a_cursor_that_we_did_not_write_is_the_first_page(rows, at):
    assert names(paginate(request(at=at), rows, sorts=SORTS))[0] == "library/r00"


def test_a_cursor_of_another_order_is_the_first_page(rows):
    by_pulls = paginate(request(sort="pulls"), rows, sorts=SORTS)
    assert names(paginate(request(sort="name", at=by_pulls.following), rows, sorts=SORTS))[0] == "library/r00"


def test_only_named_columns_sort(rows):
    for sort in ("description", "namespace__name", "-", "name__x", "?"):
        assert paginate(request(sort=sort), rows, sorts=SORTS).sort == "name"


def test_the_number_of_rows_is_kept_for_the_session(rows):
    session = SessionStore()
    assert len(paginate(request(session), rows, sorts=SORTS).rows) == 15
    assert len(paginate(request(session, page_size="25"), rows, sorts=SORTS).rows) == 25
    assert len(paginate(request(session), rows, sorts=SORTS).rows) == 25
    for nonsense in ("24", "-25", "1e2", "²", "9" * 5000):
        assert paginate(request(session, page_size=nonsense), rows, sorts=SORTS).size == 25


def test_a_page_takes_one_query_and_counting_one_that_stops_early(rows, django_assert_num_queries):
    with django_assert_num_queries(1):
        page = paginate(request(), rows, sorts=SORTS, total=40)
    with django_assert_num_queries(2) as queries:
        paginate(request(at=page.following), rows, sorts=SORTS)
    assert f"LIMIT {COUNT_LIMIT + 1}" in queries.captured_queries[0]["sql"]
    assert "OFFSET" not in queries.captured_queries[1]["sql"]


def test_beyond_the_limit_the_count_says_so(db, monkeypatch):
    monkeypatch.setattr("projects.web.tables.COUNT_LIMIT", 10)
    Namespace.objects.bulk_create(Namespace(name=f"n{number:02}") for number in range(20))
    page = paginate(request(), Namespace.objects.all(), sorts=Sorts({"name": "name"}, default="name"))
    assert (page.total, page.place) == (10, "1–15 of more than 10")


def test_an_empty_list_is_a_page(db):
    page = paginate(request(), Repository.objects.all(), sorts=SORTS)
    assert (page.first, page.end, page.place, page.previous, page.following) == (0, 0, "0 rows", "", "")

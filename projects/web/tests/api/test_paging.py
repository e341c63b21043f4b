import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from projects.web.api.errors import Unprocessable
from projects.web.api.paging import NO_LIMIT, Paging
from projects.web.api.params import flag
from registry.models import Namespace


def asked(**query):
    return Request(RequestFactory().get("/api/v2.0/things", query))


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ({}, 1, 10),
        ({"page": "3", "page_size": "100"}, 3, 100),
        ({"page": "0"}, 1, 10),
        ({"page": "-5"}, 1, 10),
        ({"page_size": "0"}, 1, NO_LIMIT),
        ({"page_size": "-1"}, 1, NO_LIMIT),
        ({"page": "", "page_size": ""}, 1, 10),
    ],
)
def test_what_is_asked_for(query, page, size):
    assert Paging.of(asked(**query)) == Paging(page, size)


@pytest.mark.parametrize(
    "query", [{"page_size": "101"}, {"page": "x"}, {"page": "1.5"}, {"page": "٣"}, {"page": "9" * 19}]
)
def test_what_is_out_of_bounds_is_unprocessable(query):
    with pytest.raises(Unprocessable):
        Paging.of(asked(**query))


@pytest.mark.parametrize(
    ("page", "total", "links"),
    [
        (1, 0, []),
        (1, 10, []),
        (1, 11, ["next"]),
        (2, 21, ["prev", "next"]),
        (2, 20, ["prev"]),
        (9, 20, []),
    ],
)
def test_links_lead_to_the_pages_beside(page, total, links):
    answer = Paging(page, 10).response(asked(page=page), [], total)
    assert answer["X-Total-Count"] == str(total)
    assert [link.partition('rel="')[2][:4] for link in answer.get("Link", "").split(" , ") if link] == links


def test_a_list_without_a_limit_that_is_longer_than_ours_says_where_the_rest_is():
    answer = Paging(1, NO_LIMIT).response(asked(page_size="-1"), [], NO_LIMIT + 1)
    assert answer["Link"] == '</api/v2.0/things?page_size=0&page=2>; rel="next"'


def test_a_page_beyond_every_offset_is_empty(db):
    assert Paging(2**62, 100).cut(Namespace.objects.all()) == []


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("T", True), ("0", False), ("False", False), ("", None)]
)
def test_a_flag_is_true_or_false(text, value):
    assert flag(asked(with_tag=text), "with_tag", default=None) is value


def test_a_flag_that_is_neither_is_unprocessable():
    with pytest.raises(Unprocessable):
        flag(asked(with_tag="perhaps"), "with_tag", default=None)

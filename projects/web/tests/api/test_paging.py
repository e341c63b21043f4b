import json
from threading import BoundedSemaphore

import pytest
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.response import Response

from projects.web.api import paging
from projects.web.api.errors import Unprocessable
from projects.web.api.paging import Paging
from projects.web.api.params import flag
from registry import slots
from registry.errors import RegistryError
from registry.models import Namespace


def asked(**query):
    return Request(RequestFactory().get("/api/v2.0/things", query))


def names(rows):
    return [row.name for row in rows]


@pytest.mark.parametrize(
    ("query", "page", "size"),
    [
        ({}, 1, 10),
        ({"page": "3", "page_size": "100"}, 3, 100),
        ({"page": "0"}, 1, 10),
        ({"page": "-5"}, 1, 10),
        ({"page_size": "0"}, 1, 0),
        ({"page_size": "-1"}, 1, 0),
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
def test_links_lead_to_the_pages_beside(db, page, total, links):
    Namespace.objects.bulk_create(Namespace(name=f"n{number}") for number in range(total))
    answer = Paging(page, 10).answer(asked(page=page), Namespace.objects.order_by("pk"), names)
    assert answer["X-Total-Count"] == str(total)
    assert [link.partition('rel="')[2][:4] for link in answer.get("Link", "").split(" , ") if link] == links


def test_a_list_without_a_limit_is_whole_and_in_order_however_long_it_is(db, monkeypatch):
    monkeypatch.setattr(paging, "BATCH", 10)
    Namespace.objects.bulk_create(Namespace(name=f"n{number:02}") for number in range(25))
    rows = Namespace.objects.order_by("-name")
    answer = Paging(3, 0).answer(asked(page_size="0"), rows, names)
    assert json.loads(answer.getvalue()) == [f"n{number:02}" for number in reversed(range(25))]
    assert (answer["X-Total-Count"], answer["Content-Type"]) == ("25", "application/json")
    assert "Link" not in answer


def test_a_row_that_goes_while_a_list_without_a_limit_flows_is_left_out(db, monkeypatch):
    monkeypatch.setattr(paging, "BATCH", 1)
    Namespace.objects.bulk_create(Namespace(name=name) for name in ("a", "b", "c"))
    answer = Paging(1, 0).answer(asked(page_size="0"), Namespace.objects.order_by("name"), names)
    Namespace.objects.filter(name="a").delete()
    assert json.loads(answer.getvalue()) == ["b", "c"]


def test_an_empty_list_without_a_limit_is_one(db):
    assert Paging(1, 0).answer(asked(page_size="0"), Namespace.objects.all(), names).getvalue() == b"[]"


def test_a_page_beyond_every_offset_is_empty(db):
    answer = Paging(2**62, 100).answer(asked(), Namespace.objects.all(), names)
    assert isinstance(answer, Response)
    assert answer.data == []


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("T", True), ("0", False), ("False", False), ("", None)]
)
def test_a_flag_is_true_or_false(text, value):
    assert flag(asked(with_tag=text), "with_tag", default=None) is value


def test_a_flag_that_is_neither_is_unprocessable():
    with pytest.raises(Unprocessable):
        flag(asked(with_tag="perhaps"), "with_tag", default=None)


@pytest.mark.django_db(transaction=True)  # who closes an answer closes the connection, too
def test_a_list_without_limit_has_a_slot_for_slow_bodies_until_it_is_closed(monkeypatch):
    one = BoundedSemaphore(1)
    monkeypatch.setattr(slots, "_free", lambda: one)
    monkeypatch.setattr(slots, "PATIENCE", 0.01)

    def answer():
        return Paging(1, 0).answer(asked(page_size=0), Namespace.objects.order_by("pk"), names)

    first = answer()
    with pytest.raises(RegistryError, match="UNAVAILABLE"):
        answer()
    first.close()
    answer().close()

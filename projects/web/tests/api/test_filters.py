import contextlib
from datetime import UTC, datetime

import pytest
from django.db.models import Q
from hypothesis import given
from hypothesis import strategies as st

from projects.errors import Invalid
from projects.web.api import filters
from projects.web.api.filters import AllOf, AnyOf, Exact, Filters, Fuzzy, Range, parse

NEW_YEAR = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", {}),
        ("name=a", {"name": Exact("a")}),
        ("name=a=b", {"name": Exact("a=b")}),
        ("name=~a", {"name": Fuzzy("a")}),
        ("name=\\~a", {"name": Exact("~a")}),
        ("name=a b,size=3", {"name": Exact("a b"), "size": Exact("3")}),
        ("PushTime=[2024-01-01T00:00:00~]", {"push_time": Range(NEW_YEAR, None)}),
        ("size=[~7]", {"size": Range(None, 7)}),
        ("size=[ 3 ~ 7 ]", {"size": Range(3, 7)}),
        ("name=[a~b]", {"name": Range("a", "b")}),
        ("name={a 'b'  \"c\" 4}", {"name": AnyOf(("a", "b", "c", 4))}),
        ("labels=(1 2)", {"labels": AllOf((1, 2))}),
        ("name={}", {"name": AnyOf(())}),
        ("tags%3Dnil", {"tags": Exact("nil")}),
        ("name=a%2Cname=b", {"name": Exact("b")}),
    ],
)
def test_every_operator_is_read(text, terms):
    assert parse(text) == terms


@pytest.mark.parametrize("text", ["name", "=a", "name=", "a=b,", ",", "name=a,,b=c"])
def test_a_term_needs_a_key_and_a_value(text):
    with pytest.raises(Invalid, match='must contain "="'):
        parse(text)


@pytest.mark.parametrize(
    "value", ["~", "[", "[a]", "[~]", "[a~b~c]", "[a~b", "{a", "(a", "{", "(", "{a)", "a%00"]
)
def test_a_value_that_is_not_closed_is_refused(value):
    with pytest.raises(Invalid, match="invalid query string value"):
        parse(f"name={value}")


@given(st.text())
def test_no_text_breaks_the_parser(text):
    with contextlib.suppress(Invalid):
        parse(text)


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (filters.number, {"5": 5, 5: 5, "-1": -1}, ["x", "", "1.5", "9" * 30, NEW_YEAR]),
        (
            filters.time,
            {"2024-01-01T00:00:00": NEW_YEAR, NEW_YEAR: NEW_YEAR},
            ["2024", 5, "2024-13-01T00:00:00"],
        ),
        (filters.truth, {"true": True, "FALSE": False, 1: True, "0": False}, ["yes", 2, ""]),
        (filters.text, {"a": "a", 5: "5", NEW_YEAR: "2024-01-01T00:00:00"}, []),
    ],
)
def test_a_column_reads_what_it_can_hold(read, good, bad):
    for value, wanted in good.items():
        assert read(value) == wanted
    for value in bad:
        with pytest.raises(Invalid):
            read(value)


LIST = Filters(
    fields={
        "name": ("full_name", filters.text),
        "size": ("total", filters.number),
        "id": ("pk", filters.number),
    },
    default=("-total", "pk"),
)


@pytest.mark.parametrize(
    ("term", "condition"),
    [
        (Exact("5"), Q(total=5)),
        (Fuzzy("5"), Q(total=5)),
        (Range(1, None), Q(total__gte=1)),
        (Range(1, 2), Q(total__gte=1) & Q(total__lte=2)),
        (AnyOf((1, "2")), Q(total__in=[1, 2])),
    ],
)
def test_a_term_becomes_a_condition(term, condition):
    assert LIST._condition("size", term) == condition


def test_a_column_cannot_be_all_of_several():
    with pytest.raises(Invalid, match="one value"):
        LIST._condition("size", AllOf((1, 2)))


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", ["-total", "pk"]),
        ("name", ["full_name", "pk"]),
        ("-Size,name", ["-total", "full_name", "pk"]),
        ("id", ["pk"]),
        ("-id", ["-pk"]),
        ("password,owner__password", ["-total", "pk"]),
        (",-,--name", ["-total", "pk"]),
    ],
)
def test_only_what_a_list_knows_sorts_it_and_the_order_is_total(sort, order):
    assert LIST.order(sort) == order

"""What clients wrote into manifests and configs can always be shown and told on."""

import json
from datetime import UTC, datetime

import pytest

from projects.portal import contents


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b"[1]",
        b"",
        b"\xff",
        b'{"a": "\xed\xa0\x80"}',
        b"[" * 9999,
    ],
)
def test_what_no_json_could_hold_is_an_empty_object(data):
    assert contents.parse(data) == {}


def test_half_a_surrogate_pair_is_replaced_and_a_whole_one_is_kept():
    parsed = contents.parse(b'{"half": "a\\uD800b", "\\udfff": "\\ud83d\\ude00"}')
    assert parsed == {"half": "a?b", "?": "\N{GRINNING FACE}"}
    json.dumps(parsed, ensure_ascii=False).encode()


def test_a_document_is_indented_to_be_read():
    assert contents.indented(b'{"a":[1,"\xc3\xa4"]}') == '{\n  "a": [\n    1,\n    "ä"\n  ]\n}'
    assert contents.indented(b'{"a":NaN}') == '{"a":NaN}'


def test_indents_make_no_page_of_gigabytes_out_of_a_manifest():
    deep = b'{"a":' + b"[" * 500 + b"0,0," * 5000 + b"0" + b"]" * 500 + b"}"
    assert contents.indented(deep) == deep.decode()


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z", 5]
)
def test_a_time_that_no_calendar_has_is_none(text):
    assert contents.time(text) is None
    assert contents.time("2026-10-07T12:00:00+02:00") == datetime(2026, 10, 7, 10, tzinfo=UTC)


def test_go_s_zero_time_is_no_time():
    assert contents.time("0001-01-01T00:00:00Z") is None
    assert contents.time("1970-01-01T00:00:00Z") == datetime(1970, 1, 1, tzinfo=UTC)

"""The template tags, and what holds for all templates."""

import re
from datetime import datetime, timedelta

import pytest
from django.template import engines
from django.utils import timezone

from projects.web import icons
from projects.web.templatetags import ui

TEMPLATES = sorted((icons.ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "0 B"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (314_887_372, "300.3 MiB"),
        (53_687_091_200, "50 GiB"),
        (2**60, "1024 PiB"),
    ],
)
def test_sizes_are_in_binary_units(value, shown):
    assert ui.size(value) == shown


def test_numbers_have_their_thousands_told_apart():
    assert ui.count(48210) == "48,210"
    assert ui.count(None) == "0"


def test_a_digest_is_short_enough_to_read():
    assert ui.short(f"sha512:{'ab' * 64}") == "sha512:abababab"


@pytest.mark.parametrize(
    ("age", "shown"),
    [
        (timedelta(seconds=-5), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=46), "46 min ago"),
        (timedelta(hours=3), "3 h ago"),
        (timedelta(days=1), "1 day ago"),
        (timedelta(days=23), "23 days ago"),
        (timedelta(days=65), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(age, shown):
    assert f">{shown}</time>" in ui.ago(timezone.now() - age)


def test_times_carry_what_the_reader_s_zone_is_worked_out_from():
    when = datetime.fromisoformat("2026-10-07T12:00:00+02:00")
    assert (
        ui.moment(when)
        == '<time datetime="2026-10-07T10:00:00Z" data-local="at">7 Oct 2026, 10:00 UTC</time>'
    )
    assert ui.moment(None) == ui.ago(None) == "–"


def test_an_icon_is_silent_unless_it_has_a_label():
    assert 'aria-hidden="true"' in ui.icon("box")
    assert 'role="img" aria-label="Search &amp; find"' in ui.icon("search", "Search & find")


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_template_compiles_and_keeps_to_the_content_security_policy(template):
    source = template.read_text()
    engines["django"].from_string(source)
    assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|hx-on|hx-vals=.js:", source)
    assert not re.search(r"<script(?![^>]*\ssrc=)", source)
    assert "|safe" not in source

"""Template tags of every page: sizes, times, digests, icons and sortable table headers."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django import template
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from projects.models import Role
from projects.web.tables import Page

register = template.Library()

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_AGES = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "h"), (60, "min"))


@register.filter
def size(value: int | None) -> str:
    """Bytes in binary units with at most one decimal, as Harbor's users read them: 1536 is "1.5 KiB"."""
    amount = float(value or 0)
    for unit in _UNITS:
        if amount < 1024 or unit == _UNITS[-1]:
            break
        amount /= 1024
    return f"{amount:.1f}".removesuffix(".0") + f" {unit}"


@register.filter
def count(value: int | None) -> str:
    """A whole number with its thousands told apart: 48210 is "48,210"."""
    return f"{value or 0:,}"


@register.filter
def short(digest: str) -> str:
    """The first eight characters of a digest, with its algorithm: enough to tell two rows apart."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:8]}"


@register.filter
def role(value: int | None) -> str:
    """A role's name; "" for none."""
    return Role(value).label if value else ""


@register.filter
def within(name: str, project: str) -> str:
    """A repository's name within its project: "library/nginx" within "library" is "nginx"."""
    return name.removeprefix(f"{project}/")


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """One icon out of the sprite; silent to a screen reader unless it has a label."""
    href = static("vendor/lucide/icons.svg")
    if label:
        return format_html(
            '<svg class="i" role="img" aria-label="{}"><use href="{}#{}"/></svg>', label, href, name
        )
    return format_html('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>', href, name)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """A time: UTC as written here, the reader's own zone once times.js has seen it."""
    if value is None:
        return "–"
    iso, written = _utc(value)
    return format_html('<time datetime="{}" data-local="at">{}</time>', iso, written)


@register.filter
def ago(value: datetime | None) -> SafeString | str:
    """How long ago, in one unit: "46 min ago"; the moment itself is in the title."""
    if value is None:
        return "–"
    iso, written = _utc(value)
    age = _age((timezone.now() - value).total_seconds())
    return format_html('<time datetime="{}" data-local="ago" title="{}">{}</time>', iso, written, age)


def _utc(value: datetime) -> tuple[str, str]:
    """A time in UTC, for programs and for people."""
    utc = value.astimezone(UTC)
    iso = utc.isoformat(timespec="seconds").replace("+00:00", "Z")
    return iso, f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def _age(seconds: float) -> str:
    for length, unit in _AGES:
        if seconds >= length:
            number = int(seconds // length)
            plural = "s" if number > 1 and unit not in ("h", "min") else ""
            return f"{number} {unit}{plural} ago"
    return "just now"


@register.simple_block_tag(takes_context=True)
def filters(context: template.Context, content: str, label: str) -> str:
    """The form that narrows a list; its fields stand between the tags. It acts as one types, or by its button."""
    form = get_template("ui/filters.html")
    return form.render({"request": context["request"], "content": content, "label": label})


@register.simple_block_tag(takes_context=True)
def listing(
    context: template.Context, content: str, page: Page[Any], label: str, *, picks: bool = False
) -> str:
    """The part of a list's page that htmx swaps, around its table and pager; with `picks` rows can be chosen."""
    token = context.get("csrf_token")
    values = {"content": content, "page": page, "label": label, "picks": picks, "csrf_token": token}
    return get_template("ui/listing.html").render(values)


@register.inclusion_tag("ui/th.html", takes_context=True)
def th(
    context: template.Context, page: Page[Any], key: str, label: str, css: str = ""
) -> Mapping[str, object]:
    """A table's header cell that sorts by its column: first ascending, then the other way round."""
    current = page.sort.removeprefix("-") == key
    descending = page.sort.startswith("-")
    return {
        "request": context["request"],
        "label": label,
        "css": css,
        "order": ("descending" if descending else "ascending") if current else "",
        "next_sort": key if not current or descending else f"-{key}",
        "target": page.element,
    }

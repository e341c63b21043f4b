"""Where a feature hangs its navigation entry, its tab on a project's pages and its alerts, from AppConfig.ready()."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from projects.actors import Actor
from projects.permissions import Permission


def anyone(actor: Actor) -> bool:
    """Shown to everybody, logged in or not."""
    return True


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the main navigation. `section` is "" or the heading it stands under; `url` is a URL's name."""

    label: str
    icon: str
    url: str
    order: int
    section: str = ""
    shown_to: Callable[[Actor], bool] = anyone


@dataclass(frozen=True, slots=True)
class ProjectTab:
    """A tab of a project's pages, for whoever has the permission. `url` is a URL's name that takes the project's id."""

    label: str
    url: str
    order: int
    permission: Permission


@dataclass(frozen=True, slots=True)
class Alert:
    """A line across the top of every page; `url` and `action` are a link that mends what it tells of."""

    level: Literal["info", "warning", "error"]
    text: str
    url: str = ""
    action: str = ""


AlertSource = Callable[[Actor], Iterable[Alert]]

_nav: dict[str, NavItem] = {}
_tabs: dict[str, ProjectTab] = {}
_alerts: list[AlertSource] = []


def add_nav(*items: NavItem) -> None:
    """Hangs entries in the main navigation."""
    _nav.update((item.url, item) for item in items)


def add_tabs(*tabs: ProjectTab) -> None:
    """Hangs tabs on a project's pages."""
    _tabs.update((tab.url, tab) for tab in tabs)


def add_alerts(source: AlertSource) -> None:
    """Asks `source` on every page what the actor must be told; it must be quick."""
    if source not in _alerts:
        _alerts.append(source)


def nav(actor: Actor) -> list[NavItem]:
    """The entries for this actor, in order."""
    return sorted((item for item in _nav.values() if item.shown_to(actor)), key=lambda item: item.order)


def tabs(granted: frozenset[Permission]) -> list[ProjectTab]:
    """The tabs for whoever has these permissions, in order."""
    return sorted((tab for tab in _tabs.values() if tab.permission in granted), key=lambda tab: tab.order)


def alerts(actor: Actor) -> list[Alert]:
    """What the actor must be told on every page."""
    return [alert for source in _alerts for alert in source(actor)]

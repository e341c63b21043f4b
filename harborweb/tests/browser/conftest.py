"""harborweb as it is served, and Chromium in front of it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from harborweb.tests import servers
from projects.tests.cast import PASSWORD

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True)
class Stage:
    """The server's address and the pages on it."""

    url: str
    pages: dict[str, str]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server with the cast and something to look at."""
    data = tmp_path_factory.mktemp("browser") / "data"
    port = servers.free_port()
    env = {**os.environ, **servers.environment(data, port)}
    run: dict[str, Any] = {"cwd": servers.ROOT, "env": env, "check": True, "capture_output": True}
    subprocess.run([sys.executable, "manage.py", "migrate"], **run)
    made = subprocess.run([sys.executable, "-m", "harborweb.tests.browser.stage"], **run)
    with servers.harborweb(data, port, "--web-only"):
        yield Stage(f"http://localhost:{port}", json.loads(made.stdout))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; each has its own profile in it."""
    assert CHROMIUM, "Chromium is not installed: `make system`"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """Somebody at a browser. Anything that the console complains about fails the test."""

    def __init__(self, stage: Stage, context: BrowserContext) -> None:
        self.stage = stage
        self.context = context
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.page = self.tab()

    def tab(self) -> Page:
        """A new tab, listened to."""
        page = self.context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: self._complain(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        return page

    def _complain(self, kind: str, words: str) -> None:
        if kind in ("error", "warning") and not any(each in words for each in self.expected):
            self.complaints.append(words)

    def open(self, page: str) -> Page:
        """Goes to a page by its name."""
        self.page.goto(self.stage.url + self.stage.pages[page])
        return self.page

    def log_in(self, who: str = "petra") -> Page:
        """Through the login page; ends on the list of projects."""
        self.page.goto(f"{self.stage.url}/account/sign-in")
        self.page.get_by_label("User name").fill(who)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/harbor/projects")
        return self.page


@pytest.fixture
def visit(stage: Stage, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors; the options are a browser context's, like width or color_scheme."""
    visitors: list[Visitor] = []

    def make(**options: Any) -> Visitor:
        size: ViewportSize = {"width": options.pop("width", 1360), "height": 820}
        context = chromium.new_context(viewport=size, locale="en-GB", timezone_id="Europe/Berlin", **options)
        visitors.append(Visitor(stage, context))
        return visitors[-1]

    yield make
    for visitor in visitors:
        visitor.context.close()
        assert visitor.complaints == []


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody who has not logged in, at a wide and light screen."""
    return visit()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: the directory that SCREENSHOTS names, to look at, or one that is thrown away."""
    chosen = os.environ.get("SCREENSHOTS")
    path = Path(chosen) if chosen else tmp_path_factory.mktemp("screenshots")
    path.mkdir(parents=True, exist_ok=True)
    return path

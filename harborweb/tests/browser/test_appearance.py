"""Every page, light and dark, wide and narrow: nothing that axe objects to, nothing that sticks out."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[1] / "vendor/axe/axe.min.js").read_text()
LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1360, 400)]

# A row of tabs may be wider than the screen and scroll; where one is must show all the same.
TABS_OUT_OF_SIGHT = """
[...document.querySelectorAll(".tabs [aria-current]")].filter((tab) => {
  const [row, box] = [tab.parentElement.getBoundingClientRect(), tab.getBoundingClientRect()];
  return box.left < row.left - 1 || box.right > row.right + 1;  // scrolling goes by whole pixels
}).map((tab) => tab.textContent)
"""


def violations(visitor, page):
    """What axe objects to. It is run by the debugger, which the page's security policy does not bind."""
    session = visitor.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": AXE})
    run = "axe.run({resultTypes: ['violations']}).then(result => JSON.stringify(result.violations))"
    options = {"expression": run, "awaitPromise": True, "returnByValue": True}
    found = json.loads(session.send("Runtime.evaluate", options)["result"]["value"])
    session.detach()
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def inspect(visitor, page, name, gallery, look):
    page.screenshot(path=gallery / f"{name}-{look[0]}-{look[1]}.png")
    assert violations(visitor, page) == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{name} is wider than the screen"
    )
    assert page.evaluate(TABS_OUT_OF_SIGHT) == [], name


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_every_page_is_fit_to_be_seen(visit, gallery, look):
    visitor = visit(color_scheme=look[0], width=look[1])
    visitor.expected.append("404")
    visitor.page.goto(f"{visitor.stage.url}/account/sign-in")
    inspect(visitor, visitor.page, "login", gallery, look)
    visitor.open("artifacts")
    inspect(visitor, visitor.page, "anonymous", gallery, look)
    page = visitor.log_in("admin")
    for name in visitor.stage.pages:
        visitor.open(name)
        inspect(visitor, page, name, gallery, look)


@pytest.mark.parametrize(
    ("name", "last"),
    [("artifacts", "Pulled"), ("odd", "Pulled"), ("odd-accessories", "Created"), ("odd-layers", "Size")],
)
def test_what_a_client_wrote_pushes_no_column_out_of_sight(visitor, name, last):
    page = visitor.open(name)
    page.get_by_role("columnheader").first.scroll_into_view_if_needed()
    expect(page.get_by_role("columnheader", name=last)).to_be_in_viewport(ratio=1)


def edge(page, side):
    """A piece of the list's left or right edge, as a picture."""
    box = page.locator(".grid-box").bounding_box()
    x = box["x"] + (3 if side == "left" else box["width"] - 7)
    return page.screenshot(clip={"x": x, "y": box["y"] + 60, "width": 4, "height": 4})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["projects", "repositories"])
def test_a_table_that_goes_on_beyond_the_screen_casts_a_shadow_there(visit, name, scheme):
    page = visit(width=400, color_scheme=scheme).open(name)
    page.evaluate("for (const each of document.querySelectorAll('tbody *')) each.style.visibility = 'hidden'")
    plain = edge(page, "left")
    assert edge(page, "right") != plain
    page.evaluate("document.querySelector('.grid-box').scrollLeft = 9999")
    assert edge(page, "right") == plain
    assert edge(page, "left") != plain


def test_whoever_may_do_nothing_sees_no_gap_where_the_buttons_would_be(visitor):
    page = visitor.open("artifacts")
    page.locator("tbody th a.mono").first.click()
    page.get_by_role("heading", name="Overview").wait_for()
    tabs, rows = page.locator("#list .tabs").bounding_box(), page.locator("#list .grid-box").bounding_box()
    assert rows["y"] - (tabs["y"] + tabs["height"]) == 16


def test_a_long_tag_ends_in_dots_and_many_are_counted(visitor):
    page = visitor.open("odd")
    chip = page.locator("tbody .tag").first
    assert chip.evaluate("chip => chip.scrollWidth > chip.clientWidth")
    expect(chip).to_have_css("text-overflow", "ellipsis")
    expect(chip).to_have_css("display", "block")  # a flex container draws no dots
    visitor.open("odd-artifact")
    page.locator(".title").get_by_role("link", name="57 more").click()
    expect(page.get_by_role("region", name="Tags")).to_be_visible()


def test_a_platform_of_a_hundred_characters_takes_one_line_of_the_facts(visitor):
    page = visitor.open("odd-artifact")
    lines = [page.locator(".facts div", has_text=label).locator("dd") for label in ("Platform", "Size")]
    long, short = (line.bounding_box()["height"] for line in lines)
    assert long == short
    assert lines[0].get_attribute("title").startswith("linux/long-architecture")


@pytest.mark.parametrize("width", [1360, 400])
def test_many_annotations_cover_neither_their_button_nor_the_edge_of_the_window(visit, width):
    page = visit(width=width).open("odd")
    button = page.get_by_role("button", name="301 annotations of")
    button.click()
    notes, opener = page.locator("[popover]:popover-open").bounding_box(), button.bounding_box()
    assert notes["x"] + notes["width"] <= width - 8
    if width > 760:
        assert notes["y"] + notes["height"] <= opener["y"] or notes["y"] >= opener["y"] + opener["height"]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def test_what_opens_on_a_page_is_fit_to_be_seen(visit, gallery, look):
    visitor = visit(color_scheme=look[0], width=look[1])
    page = visitor.log_in("admin")
    page.locator("details.menu summary").click()
    inspect(visitor, page, "menu", gallery, look)
    visitor.open("repositories")
    page.get_by_role("button", name="Push command").click()
    inspect(visitor, page, "push", gallery, look)
    visitor.open("artifacts")
    page.get_by_role("button", name="Pull command of").nth(2).click()
    inspect(visitor, page, "pull", gallery, look)
    visitor.open("odd")
    page.get_by_role("button", name="301 annotations of").click()
    inspect(visitor, page, "annotations", gallery, look)
    visitor.open("artifacts")
    for row in (0, 3):
        page.locator("td.pick input").nth(row).check()
    page.get_by_role("button", name="Delete…").click()
    page.locator("dialog[open] form").wait_for()
    inspect(visitor, page, "delete", gallery, look)

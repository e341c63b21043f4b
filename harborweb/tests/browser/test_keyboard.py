"""The portal without a mouse."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_the_first_key_leads_past_the_header_to_the_content(visitor):
    page = visitor.open("projects")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_slash_goes_to_the_search(visitor):
    page = visitor.open("projects")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search projects and repositories")
    expect(search).to_be_focused()
    page.keyboard.type("shop/")
    expect(search).to_have_value("shop/")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="open/shop/web")).to_be_visible()


def test_a_menu_opens_and_closes_and_gives_the_focus_back(visitor):
    page = visitor.log_in()
    summary = page.locator("details.menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Profile")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Profile")).to_be_hidden()
    expect(summary).to_be_focused()


def test_a_dialog_keeps_the_focus_and_gives_it_back(visitor):
    page = visitor.log_in()
    visitor.open("members")
    opener = page.get_by_role("link", name="Add member")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("User name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_commands_are_chosen_with_the_arrow_keys(visitor):
    page = visitor.open("artifact")
    page.get_by_role("radio", name="Docker").focus()
    expect(page.get_by_text("docker pull localhost")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("podman pull --tls-verify=false localhost")).to_be_visible()
    expect(page.get_by_text("docker pull localhost")).to_be_hidden()


def test_annotations_that_are_taller_than_the_screen_are_scrolled(visitor):
    page = visitor.open("odd")
    page.get_by_role("button", name="301 annotations of").press("Enter")
    notes = page.get_by_role("region", name="Annotations of")
    page.keyboard.press("Tab")
    expect(notes).to_be_focused()
    page.keyboard.press("End")
    expect(notes.get_by_text("… and 281 more, in the whole manifest")).to_be_in_viewport()


def test_everything_that_can_be_pressed_can_be_reached_and_shows_it(visitor):
    page = visitor.log_in()
    visitor.open("artifacts")
    wanted = page.locator(
        "main :is(a[href], button:not(:disabled), input:not([type=hidden]), select):visible"
    ).count()
    page.locator("main").focus()
    reached = 0
    for _ in range(wanted + 20):
        page.keyboard.press("Tab")
        state = page.evaluate(
            """() => {
                const element = document.activeElement;
                const style = getComputedStyle(element);
                return [!!element.closest("main"), element.matches("a, button, input, select"),
                        style.outlineStyle !== "none" || style.borderColor !== ""];
            }"""
        )
        if not state[0]:
            break
        reached += state[1]
        assert state[2]
    assert reached == wanted

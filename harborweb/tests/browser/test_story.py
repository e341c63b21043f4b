"""The portal as people use it, with scripts."""

import re

import pytest
from playwright.sync_api import expect

from projects.tests.cast import PASSWORD

pytestmark = pytest.mark.browser


def test_a_wrong_password_is_said_and_the_right_one_leads_back_to_where_one_wanted_to_go(visitor):
    page = visitor.page
    visitor.expected.append("422")
    page.goto(visitor.stage.url + visitor.stage.pages["members"])
    assert "/account/sign-in?next=" in page.url
    page.get_by_label("User name").fill("petra")
    page.get_by_label("Password").fill("Wrong-Horse-7")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("User name or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="open")).to_be_visible()
    assert page.url.endswith(visitor.stage.pages["members"])


def test_a_project_is_made_and_gets_a_member(visitor):
    visitor.expected.append("422")
    page = visitor.log_in("sam")
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Project name").fill("open")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_text("The project name open is taken.")).to_be_visible()
    page.get_by_label("Project name").fill("sams")
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("status").filter(has_text="Project sams is ready.")).to_be_visible()
    expect(page.locator("#list").get_by_text("docker push localhost")).to_be_visible()

    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Add member").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("User name").fill("nobody")
    dialog.get_by_role("button", name="Add member").click()
    expect(dialog.get_by_text("There is no user nobody.")).to_be_visible()
    dialog.get_by_label("User name").clear()
    dialog.get_by_label("User name").press_sequentially("gu", delay=60)
    expect(dialog.locator("#candidates option[value=gus]")).to_have_count(1)
    dialog.get_by_label("User name").fill("gus")
    dialog.get_by_label("Guest – pulls and sees").check()
    dialog.get_by_role("button", name="Add member").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_contain_text("Guest")

    page.get_by_label("Choose gus").check()
    page.get_by_role("button", name="Set role").click()
    expect(page.get_by_label("Role for the chosen members")).to_be_focused()  # the browser asks for one
    expect(page.get_by_role("row", name=re.compile("gus"))).to_contain_text("Guest")
    page.get_by_label("Role for the chosen members").select_option(label="Maintainer")
    page.get_by_role("button", name="Set role").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_contain_text("Maintainer")

    page.get_by_label("Choose gus").check()
    page.get_by_role("button", name="Remove…").click()
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_have_count(0)


def test_the_list_narrows_as_one_types_sorts_and_pages_and_the_back_button_goes_back(visitor):
    page = visitor.log_in("admin")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(15)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".place")).to_have_text(re.compile(r"16–\d+ of \d+"))
    page.go_back()
    expect(page.locator(".place")).to_have_text(re.compile(r"1–15 of \d+"))
    page.get_by_role("searchbox", name="Filter by name").press_sequentially("team-0")
    expect(rows).to_have_count(10)
    assert "q=team-0" in page.url
    page.get_by_role("link", name="Project name").click()
    expect(rows.first).to_contain_text("team-09")
    expect(page.get_by_role("columnheader", name="Project name")).to_have_attribute("aria-sort", "descending")
    expect(page.locator("#status")).to_have_text("1–10 of 10")  # for who does not see it
    page.get_by_label("Access level").select_option("public")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("team-09")
    page.reload()
    expect(rows).to_have_count(4)


def test_an_index_unfolds_and_folds_in_place(visitor):
    page = visitor.open("artifacts")
    fold = page.get_by_role("link", name=re.compile("Artifacts in sha256"))
    expect(page.get_by_text("linux/arm64")).to_have_count(0)
    fold.click()
    expect(page.get_by_text("linux/arm64")).to_be_visible()
    expect(fold).to_be_focused()
    fold.press("Enter")
    expect(page.get_by_text("linux/arm64")).to_have_count(0)


def test_the_pull_command_is_copied(visit):
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open("artifacts")
    page.get_by_role("button", name=re.compile("Pull command of")).first.click()
    page.locator("[popover]:popover-open").get_by_role("button", name="Copy").first.click()
    expect(page.locator("#status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"docker pull localhost:\d+/open/shop/web:\S+", copied)


@pytest.mark.parametrize(("page_name", "scope"), [("artifact", "#pull + *"), ("manifest", "#list")])
def test_a_copy_button_shows_that_it_copied_even_under_the_mouse(visit, page_name, scope):
    visitor = visit(permissions=["clipboard-read", "clipboard-write"], reduced_motion="reduce")
    page = visitor.open(page_name)
    button = page.locator(scope).get_by_role("button", name="Copy").first
    button.hover()
    hovered = button.evaluate("button => getComputedStyle(button).color")
    button.click()
    expect(button.locator("use")).to_have_attribute("href", re.compile("#circle-check$"))
    expect(button).not_to_have_css("color", hovered)
    button.click()  # once more before the first answer has gone
    expect(button.locator("use")).to_have_attribute("href", re.compile("#copy$"))
    expect(button).to_have_css("color", hovered)
    expect(page.locator("#status")).to_be_empty()


def test_that_nothing_was_copied_is_there_to_be_read_until_the_next_try(visitor):
    page = visitor.open("artifacts")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')) }")
    page.get_by_role("button", name=re.compile("Pull command of")).first.click()
    popover = page.locator("[popover]:popover-open")
    popover.get_by_role("button", name="Copy").first.click()
    words = popover.get_by_text("Could not copy. Select the text and copy it by hand.")
    expect(words).to_be_visible()
    expect(page.locator("#status")).to_have_text(words.text_content())
    popover.get_by_role("button", name="Copy").last.click()
    expect(words).to_have_count(1)
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.resolve() }")
    popover.get_by_role("button", name="Copy").last.click()
    expect(words).to_have_count(0)


def test_a_tag_is_added_and_removed(visitor):
    visitor.expected.append("422")
    page = visitor.log_in("mara")
    visitor.open("artifact")
    page.get_by_role("link", name="Add tag").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tag").fill("1.0")
    dialog.get_by_role("button", name="Add tag").click()
    expect(dialog.get_by_text("The tag 1.0 names another artifact.")).to_be_visible()
    dialog.get_by_label("Tag").fill("blessed")
    dialog.get_by_role("button", name="Add tag").click()
    expect(page.get_by_role("status").filter(has_text="is now tagged blessed.")).to_be_visible()

    page.get_by_label("Choose blessed").check()
    page.get_by_role("button", name="Remove tag…").click()
    expect(dialog).to_contain_text("The artifact stays.")
    dialog.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("status").filter(has_text="Removed tag blessed.")).to_be_visible()


def test_artifacts_are_chosen_and_deleted_and_cancelling_deletes_nothing(visitor):
    page = visitor.log_in("mara")
    visitor.open("artifacts")
    delete = page.get_by_role("button", name="Delete…")
    expect(delete).to_be_disabled()
    page.get_by_role("searchbox", name="Filter by tag").fill("1.1")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(9)  # 1.1 and 1.10 to 1.17
    page.get_by_label("Choose all").check()
    expect(page.get_by_text("9 selected")).to_be_visible()
    page.get_by_label("Choose all").uncheck()
    expect(delete).to_be_disabled()
    rows.nth(0).get_by_role("checkbox").check()
    rows.nth(1).get_by_role("checkbox").check()
    delete.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This deletes 2 artifacts and 2 tags for good.")
    dialog.get_by_role("link", name="Cancel").click()
    expect(dialog).to_be_hidden()
    expect(rows).to_have_count(9)
    delete.click()
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").filter(has_text="Deleted 2 artifacts.")).to_be_visible()


def test_the_parts_of_an_artifact_come_without_leaving_the_page(visitor):
    page = visitor.open("artifact")
    page.evaluate("window.here = true")
    page.get_by_role("link", name="Build history").click()
    expect(page.get_by_text("apt-get install -y nginx")).to_be_visible()
    page.get_by_role("link", name="Manifest").click()
    expect(page.get_by_text('"schemaVersion": 2')).to_be_visible()
    assert page.evaluate("window.here")
    page.go_back()
    expect(page.get_by_text("apt-get install -y nginx")).to_be_visible()


def test_the_theme_changes_at_once_and_is_kept_without_a_flash(visit):
    visitor = visit(color_scheme="light")
    page = visitor.log_in()
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Dark").click()
    dark = "getComputedStyle(document.body).colorScheme || getComputedStyle(document.documentElement).colorScheme"
    assert page.evaluate(dark) == "dark"
    visitor.open("projects")
    # The server wrote it into the page: no script had to run first.
    assert 'data-theme="dark"' in page.content().split("<head")[0]
    assert page.evaluate(dark) == "dark"
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="System").click()
    assert page.evaluate(dark) == "light dark"


def test_times_are_the_reader_s_own(visit):
    visitor = visit()
    page = visitor.open("artifact")
    built = page.locator("time[datetime='2026-10-07T10:00:00Z']").first
    expect(built).to_have_text("7 Oct 2026, 12:00")  # Berlin, in summer
    expect(built).to_have_attribute("title", "Wednesday, 7 October 2026 at 12:00:00 CEST")


def test_who_is_logged_out_meanwhile_is_led_to_the_page_that_says_so(visitor):
    visitor.expected += ["404", "403"]
    page = visitor.log_in("gus")
    visitor.open("empty")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    visitor.open("members")
    visitor.context.clear_cookies(name="sid")
    page.get_by_role("link", name="Name").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_logging_out_ends_it(visitor):
    page = visitor.log_in()
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()
    visitor.open("new-project")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()

"""The same story in a browser that runs no script: forms and links alone."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


@pytest.fixture
def plain(visit):
    return visit(java_script_enabled=False)


def test_a_project_is_made_and_its_members_managed(plain):
    page = plain.log_in("lim")
    page.get_by_role("link", name="New project").click()
    page.get_by_label("Project name").fill("plain")
    page.get_by_role("button", name="Create project").click()
    page.get_by_role("link", name="Members").click()
    page.get_by_role("link", name="Add member").click()
    page.get_by_label("User name").fill("gus")
    page.get_by_role("button", name="Add member").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_contain_text("Developer")
    page.get_by_label("Choose gus").check()
    page.get_by_label("Role for the chosen members").select_option(label="Limited guest")
    page.get_by_role("button", name="Set role").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_contain_text("Limited guest")
    page.get_by_label("Choose gus").check()
    page.get_by_role("button", name="Remove…").click()
    expect(page.get_by_role("heading", name="Remove gus from plain?")).to_be_visible()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name=re.compile("gus"))).to_have_count(0)


def test_lists_are_narrowed_by_a_button_sorted_and_paged(plain):
    page = plain.open("artifacts")
    rows = page.locator("tbody tr")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".place")).to_have_text(re.compile(r"16–\d+ of \d+"))
    page.get_by_role("link", name="Previous").click()
    expect(page.locator(".place")).to_have_text(re.compile(r"1–15 of \d+"))
    page.get_by_role("searchbox", name="Filter by tag").fill("stable")
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    page.get_by_role("link", name=re.compile("Artifacts in")).click()
    expect(page.get_by_text("linux/arm64")).to_be_visible()


def test_artifacts_are_deleted_after_asking_on_a_page(plain):
    page = plain.log_in("mara")
    page.goto(f"{plain.stage.url}{plain.stage.pages['artifacts']}?q=2.4.0")
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_text("Choose the artifacts to delete.")).to_be_visible()
    page.goto(f"{plain.stage.url}{plain.stage.pages['artifacts']}?q=2.4.0")
    page.locator("tbody tr").get_by_role("checkbox").check()
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_text("This deletes 1 artifact and 1 tag for good.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text(re.compile("Deleted artifact sha256:"))).to_be_visible()


def test_a_tag_is_added(plain):
    page = plain.log_in("dev")
    plain.open("artifact")
    page.get_by_role("link", name="Add tag").click()
    page.get_by_label("Tag").fill("by-hand")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("is now tagged by-hand.")).to_be_visible()


def test_the_theme_changes_and_what_only_a_script_can_do_is_not_offered(plain):
    page = plain.open("artifacts")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    expect(page.get_by_label("Choose all")).to_have_count(0)
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Dark").click()
    assert 'data-theme="dark"' in page.content()
    assert page.url.endswith(plain.stage.pages["artifacts"])
    page.get_by_role("button", name="Pull command of").first.click()
    expect(page.get_by_text("docker pull localhost").first).to_be_visible()


def test_what_makes_a_list_long_is_folded_away_and_unfolds(plain):
    page = plain.open("odd-artifact")
    eleventh = page.get_by_text("com.example.note-010", exact=True)
    expect(page.get_by_text("com.example.note-009", exact=True)).to_be_visible()
    expect(eleventh).to_be_hidden()
    page.get_by_text("190 more annotations").click()
    expect(eleventh).to_be_visible()

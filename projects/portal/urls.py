"""The portal's pages, under Harbor's own paths."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from projects.portal.views import artifact, artifacts, members, old, repositories, search, tags
from projects.portal.views import projects as project_views
from projects.web.views import set_theme

app_name = "portal"

PROJECT = "harbor/projects/<int:project_id>"
REPOSITORY = f"{PROJECT}/repositories/<path:name>"
ARTIFACTS = f"{REPOSITORY}/artifacts-tab"
ARTIFACT = f"{ARTIFACTS}/artifacts/<str:reference>"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="portal:projects")),
    path("harbor", RedirectView.as_view(pattern_name="portal:projects")),
    re_path(r"^(?P<address>harbor|harbor/.*[^/])/+$", old.without_slash),
    re_path(r"^(?P<address>harbor/.*%2F.*)$", old.encoded_twice),
    path("harbor/sign-in", old.sign_in),
    path("theme", set_theme, name="theme"),
    path("harbor/search", search.search, name="search"),
    path("harbor/projects", project_views.project_list, name="projects"),
    path("harbor/projects/new", project_views.new_project, name="new_project"),
    path(PROJECT, project_views.home, name="project"),
    path(f"{PROJECT}/summary", project_views.summary, name="summary"),
    path(f"{PROJECT}/configs", project_views.configuration, name="configuration"),
    path(f"{PROJECT}/delete", project_views.delete_project, name="delete_project"),
    path(f"{PROJECT}/members", members.member_list, name="members"),
    path(f"{PROJECT}/members/candidates", members.candidates, name="candidates"),
    path(f"{PROJECT}/members/add", members.add_member, name="add_member"),
    path(f"{PROJECT}/members/role", members.set_role, name="set_role"),
    path(f"{PROJECT}/members/remove", members.remove_members, name="remove_members"),
    path(f"{PROJECT}/repositories", repositories.repository_list, name="repositories"),
    path(f"{PROJECT}/repositories/_delete", repositories.delete_repositories, name="delete_repositories"),
    # The longest first: a repository's name may hold slashes. No part of it begins with "_", so those are ours.
    path(f"{ARTIFACT}/_tags/add", tags.add_tag, name="add_tag"),
    path(f"{ARTIFACT}/_tags/remove", tags.remove_tags, name="remove_tags"),
    path(f"{ARTIFACTS}/depth/<str:depth>/artifacts/<str:reference>", old.in_depth),
    path(f"{ARTIFACTS}/depth/<str:depth>", artifacts.index_children, name="depth"),
    path(f"{ARTIFACT}/_manifest", artifact.raw_manifest, name="raw_manifest"),
    path(f"{ARTIFACT}/_config", artifact.raw_config, name="raw_config"),
    path(ARTIFACT, artifact.artifact_detail, name="artifact"),
    path(f"{ARTIFACTS}/_delete", artifacts.delete_artifacts, name="delete_artifacts"),
    path(ARTIFACTS, artifacts.artifact_list, name="artifacts"),
    path(f"{REPOSITORY}/info-tab/_edit", repositories.edit_description, name="edit_description"),
    path(f"{REPOSITORY}/info-tab", repositories.info, name="info"),
    # Harbor 2.0 to 2.2 kept artifacts here.
    re_path(
        r"^harbor/projects/(?P<project_id>\d{1,18})/repositories/(?P<name>.+)/artifacts/(?P<reference>sha\d+:[0-9a-f]+)$",
        old.before_tabs,
    ),
    path(REPOSITORY, repositories.home, name="repository"),
]

"""Everything under /api/: Harbor's API v2.0."""

from django.urls import URLPattern, path

from projects.portal.api import artifacts, projects, repositories, system, users

V2 = "v2.0"
PROJECT = f"{V2}/projects/<str:project_name_or_id>"
REPOSITORIES = f"{V2}/projects/<str:project_name>/repositories"
REPOSITORY = f"{REPOSITORIES}/<str:repository_name>"
ARTIFACT = f"{REPOSITORY}/artifacts/<str:reference>"

urlpatterns: list[URLPattern] = [
    path("version", system.Version.as_view()),
    path(f"{V2}/ping", system.Ping.as_view()),
    path(f"{V2}/health", system.Health.as_view()),
    path(f"{V2}/systeminfo", system.SystemInfo.as_view()),
    path(f"{V2}/systeminfo/getcert", system.Certificate.as_view(), name="getcert"),
    path(f"{V2}/systeminfo/volumes", system.Volumes.as_view()),
    path(f"{V2}/users/current", users.CurrentUser.as_view()),
    path(f"{V2}/users/current/permissions", users.CurrentPermissions.as_view()),
    path(f"{V2}/repositories", repositories.AllRepositories.as_view()),
    path(f"{V2}/projects", projects.Projects.as_view()),
    path(PROJECT, projects.ProjectDetail.as_view()),
    path(f"{PROJECT}/summary", projects.ProjectSummary.as_view()),
    path(f"{PROJECT}/_deletable", projects.ProjectDeletable.as_view()),
    path(REPOSITORIES, repositories.Repositories.as_view()),
    path(REPOSITORY, repositories.RepositoryDetail.as_view()),
    path(f"{REPOSITORY}/artifacts", artifacts.Artifacts.as_view()),
    path(ARTIFACT, artifacts.ArtifactDetail.as_view()),
    path(f"{ARTIFACT}/tags", artifacts.ArtifactTags.as_view()),
    path(f"{ARTIFACT}/accessories", artifacts.ArtifactAccessories.as_view()),
    path(f"{ARTIFACT}/additions/<str:addition>", artifacts.ArtifactAddition.as_view()),
]

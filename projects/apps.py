"""The core of `projects` as a Django app: Project, Member and who may do what."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """Projects and their members."""

    name = "projects"
    verbose_name = "Projects"

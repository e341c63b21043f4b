"""The jobs feature as a Django app."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Background work, and whether anybody does it."""

    name = "projects.jobs"
    label = "jobs"
    verbose_name = "Jobs"

"""The kit as a Django app, for its template tags."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Tables, paginator, error mapping, template tags."""

    name = "projects.web"
    label = "web"
    verbose_name = "Web kit"

"""The portal as a Django app."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    """Project home, repositories, artifacts, search; wires the registry to people."""

    name = "projects.portal"
    label = "portal"
    verbose_name = "Portal"

"""The registry as a Django app; installed without `projects` it still passes its own tests."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """OCI distribution-spec, its content store and its token service."""

    name = "registry"
    verbose_name = "Registry"

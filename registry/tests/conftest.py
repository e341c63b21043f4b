"""A registry of its own for each test: a storage in a temporary directory and one namespace."""

from pathlib import Path

import pytest

from registry.models import Namespace
from registry.names import RepositoryName
from registry.storage.base import Storage
from registry.storage.configured import storage
from registry.tests.house import house

__all__ = ["house"]  # a fixture for every test here


@pytest.fixture(autouse=True)
def store(settings, tmp_path: Path) -> Storage:
    """The configured storage, empty."""
    settings.REGISTRY_STORAGE = f"filesystem://{tmp_path}/storage"
    return storage()


@pytest.fixture
def library(db) -> RepositoryName:
    """The name of a repository in the namespace "library"; the repository is not there yet."""
    Namespace.objects.create(name="library")
    return RepositoryName("library/alpine")

"""The laws of docs/architecture.md that no other tool holds."""

import ast
import hashlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

ROOT: Path = settings.BASE_DIR
FLOORS = ("registry", "projects", "harborweb")  # ground floor first
OTHERS = -1  # Django's own apps stand below every floor
MOST_LINES = 450
VENDORED = (ROOT / "static/vendor", ROOT / "harborweb/tests/vendor")


def floor(app_config_name: str) -> int:
    top = app_config_name.partition(".")[0]
    return FLOORS.index(top) if top in FLOORS else OTHERS


def sources(*patterns: str) -> Iterator[Path]:
    for top in FLOORS:
        for pattern in patterns:
            yield from (ROOT / top).glob(pattern)


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_relation_points_up():
    """`registry` works without `projects`: its tables know nothing of people."""
    upward = [
        f"{model._meta.label}.{field.name} -> {field.related_model._meta.label}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model
        if floor(field.related_model._meta.app_config.name) > floor(model._meta.app_config.name) != OTHERS
    ]
    assert upward == []


def test_services_know_nothing_of_http_or_celery():
    """Law 3: a service is called by a page, an API, a task and a command alike."""
    forbidden = ("django.http", "django.shortcuts", "rest_framework", "celery")
    found = [
        f"{relative(path)}: {name}"
        for path in sources("**/services.py", "**/services/*.py")
        for name in imports(path)
        if name.startswith(forbidden)
    ]
    assert found == []


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_file_has_grown_into_two():
    """Law 5."""
    long = {
        relative(path): lines
        for path in [*sources("**/*.py"), *(ROOT / "templates").glob("**/*.html")]
        if "migrations" not in path.parts and (lines := len(path.read_text().splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_feature_is_held_to_its_layers():
    """lint-imports itself insists on the order among features; only the list of containers could be forgotten."""
    contracts = (ROOT / ".importlinter").read_text()
    features = {path.parent.name for path in (ROOT / "projects").glob("*/apps.py")} - {
        "web"
    }  # the kit, no feature
    assert {name for name in features if f"\n    projects.{name}\n" not in contracts} == set()


@pytest.mark.parametrize("folder", VENDORED, ids=relative)
def test_vendored_files_are_the_ones_that_were_noted(folder):
    """Name, version, licence and sha256 of what others wrote stand in vendor.toml."""
    packages = tomllib.loads((folder / "vendor.toml").read_text()).values()
    found = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in ("LICENSE", "vendor.toml")
    }
    assert found == {name: digest for package in packages for name, digest in package["sha256"].items()}


@pytest.mark.parametrize("folder", VENDORED, ids=relative)
def test_what_is_vendored_has_a_version_and_its_licence(folder):
    for package in tomllib.loads((folder / "vendor.toml").read_text()).values():
        assert package["version"]
        assert (folder / package["license-file"]).is_file()


@pytest.mark.django_db
def test_no_migration_is_missing():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def settings_read() -> set[str]:
    """Every HARBORWEB_* name that settings.py asks the environment for."""
    text = (ROOT / "harborweb/settings.py").read_text()
    return set(re.findall(r'\benv(?:\.\w+)?\(\s*"([A-Z_]+)"', text))


def test_the_readme_names_every_setting_and_no_other():
    """The README's one table of settings is true."""
    table = re.findall(r"^\| `HARBORWEB_([A-Z_]+)`", (ROOT / "README.md").read_text(), re.M)
    assert sorted(table) == sorted(settings_read())

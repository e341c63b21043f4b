"""The registry is the ground floor: it passes its own tests where nothing above it can be imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from registry.tests.databases import only_on

ROOT = Path(__file__).resolve().parents[2]
# What every part of it does; the crashes, races and the stress of the same code run elsewhere.
MODULES = [
    "test_blob_routes",
    "test_dispatch",
    "test_gc",
    "test_hostile",
    "test_leases",
    "test_manifest_views",
    "test_manifests",
    "test_pulls",
    "test_referrers",
    "test_removal",
    "test_tags",
    "test_token_service",
    "test_tokens",
    "test_uploads",
]


@pytest.mark.slow
@only_on(
    "sqlite", "standalone_settings have a SQLite of their own, so a second run would be the same one again"
)
def test_the_registry_runs_alone(tmp_path):
    tests = [f"registry/tests/{module}.py" for module in MODULES]
    plugins = ["-p", "no:cacheprovider"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "--ds=registry.tests.standalone_settings",
        *plugins,
        *tests,
    ]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV_", "DJANGO"))
    }
    environ["HARBORWEB_DATA"] = str(tmp_path)
    run = subprocess.run(
        command,
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout

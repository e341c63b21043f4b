"""Pull counts: counted in memory, written in few statements, never lost to an error of the database."""

import subprocess
import sys
import threading

import pytest
from django.db import OperationalError

from registry.models import Manifest, Repository, Tag
from registry.services import pulls
from registry.tests.test_crashes import server
from registry.tests.test_gc import push_image
from registry.tests.zygote import ROOT, Zygote, own_database


@pytest.fixture
def pulled(library) -> dict[str, int]:
    """The ids of a repository, a manifest and its tag, as `record` wants them."""
    push_image(library, b"layer", reference="latest")
    return {
        "repository": Repository.objects.get().id,
        "manifest": Manifest.objects.get().id,
        "tag": Tag.objects.get().id,
    }


def test_pulls_are_counted_and_the_last_one_is_known(pulled, django_assert_max_num_queries):
    assert Manifest.objects.get().pulled_at is None
    pulls.record(**pulled)
    pulls.record(**{**pulled, "tag": None})
    with django_assert_max_num_queries(9):  # three transactions of one statement
        pulls.flush()
    manifest = Manifest.objects.get()
    assert manifest.pull_count == 2
    assert manifest.pulled_at is not None
    assert Repository.objects.get().pull_count == 2
    assert Tag.objects.get().pulled_at is not None


def test_nothing_is_asked_of_the_database_when_nothing_was_pulled(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        pulls.flush()


def test_recording_asks_nothing_of_the_database(pulled, django_assert_num_queries):
    with django_assert_num_queries(0):
        pulls.record(**pulled)


def test_counts_that_could_not_be_written_are_written_later(pulled, monkeypatch):
    pulls.record(**pulled)
    with monkeypatch.context() as patch:
        patch.setattr(
            pulls, "_write", lambda *_: (_ for _ in ()).throw(OperationalError("database is locked"))
        )
        with pytest.raises(OperationalError):
            pulls.flush()
        pulls._flush_safely()  # logs it
    pulls.flush()
    pulls.flush()
    assert Manifest.objects.get().pull_count == 1


def test_what_was_deleted_since_is_not_counted(pulled):
    pulls.record(**{**pulled, "manifest": pulled["manifest"] + 1})
    pulls.flush()
    assert Manifest.objects.get().pull_count == 0
    assert Repository.objects.get().pull_count == 1


def test_many_threads_lose_no_pull(pulled):
    def pull() -> None:
        for _ in range(500):
            pulls.record(**pulled)

    threads = [threading.Thread(target=pull) for _ in range(4)]
    for thread in threads:
        thread.start()
    pulls.flush()
    for thread in threads:
        thread.join()
    pulls.flush()
    assert Manifest.objects.get().pull_count == 2000


WORKER = """
import multiprocessing, django
django.setup()
from registry.services import pulls

def work():
    pulls.FLUSH_SECONDS = 3600
    pulls.record(repository=1, manifest=1)

worker = multiprocessing.get_context("fork").Process(target=work)
worker.start()
worker.join()
"""


def test_a_worker_that_ends_writes_what_it_has_counted(tmp_path):
    with own_database(tmp_path) as url:
        zygote = Zygote(tmp_path / "data", url)
        with server(zygote) as client:
            client.push_image(b"layer")
        subprocess.run(
            [sys.executable, "-c", WORKER], cwd=ROOT, env=zygote.environment, check=True, timeout=60
        )
        assert zygote.do("pulls") == 1
        zygote.close()

"""The demo is made once, and is what one sees."""

import pytest
from django.core.management import CommandError, call_command

from projects.accounts.models import User
from projects.models import Project
from registry.models import Repository, Tag


@pytest.mark.django_db
def test_the_demo_is_made_once(capsys, settings, tmp_path):
    settings.REGISTRY_STORAGE = f"filesystem://{tmp_path}"
    with pytest.raises(CommandError, match="no admin yet"):
        call_command("seed_demo")
    call_command("bootstrap")
    call_command("seed_demo")
    assert "made petra, mara, dev, gus" in capsys.readouterr().out
    assert set(Project.objects.values_list("namespace__name", flat=True)) == {"library", "shop", "platform"}
    assert Repository.objects.count() == 3
    assert Tag.objects.count() == 6
    assert User.objects.count() == 5
    with pytest.raises(CommandError, match="here already"):
        call_command("seed_demo")

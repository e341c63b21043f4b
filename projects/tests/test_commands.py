import io

import pytest
from django.core.management import CommandError, call_command

from projects.accounts.bootstrap import bootstrap
from projects.accounts.models import User
from projects.models import Member, Project, Role
from projects.tests.cast import PASSWORD
from projects.tests.threads import at_once


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


def test_bootstrap_makes_admin_and_library_once(db):
    assert "admin" in run("bootstrap")
    admin = User.objects.get()
    assert admin.is_admin
    assert admin.check_password("Harbor12345")
    library = Project.objects.get()
    assert (library.name, library.public, library.owner) == ("library", True, admin)
    assert run("bootstrap") == ""


def test_bootstrap_takes_the_operators_password(db, settings):
    settings.HARBORWEB = {**settings.HARBORWEB, "ADMIN_PASSWORD": "Operators-0wn"}
    run("bootstrap")
    assert User.objects.get().check_password("Operators-0wn")
    assert not User.objects.get().password_is_default


def test_bootstrap_refuses_a_password_that_is_no_good(db, settings):
    settings.HARBORWEB = {**settings.HARBORWEB, "ADMIN_PASSWORD": "short"}
    with pytest.raises(CommandError, match="8 to 128"):
        run("bootstrap")
    assert not User.objects.exists()


def test_bootstrap_brings_nothing_back_that_the_operator_took_away(db):
    run("bootstrap")
    User.objects.update(username="root")
    Project.objects.all().delete()
    run("bootstrap")
    assert User.objects.get().username == "root"
    assert not Project.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_bootstrap_on_three_nodes_at_once_makes_one_admin():
    outcomes = at_once(3, bootstrap)
    assert (outcomes.count(True), outcomes.count(False)) == (1, 2)
    assert User.objects.count() == Project.objects.count() == 1


def test_create_user_reads_the_password_from_a_file_or_standard_input(db, tmp_path, monkeypatch):
    (tmp_path / "password").write_text("From-a-file-1\n")
    run("create_user", "fay", "--password-file", str(tmp_path / "password"), "--admin")
    assert User.objects.get(username="fay", is_admin=True).check_password("From-a-file-1")
    monkeypatch.setattr("sys.stdin", io.StringIO("From-a-pipe-1\n"))
    run("create_user", "pip")
    assert User.objects.get(username="pip", is_admin=False).check_password("From-a-pipe-1")


def test_create_user_says_what_is_wrong(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run("create_user", "fay", "--password-file", str(tmp_path / "none"))
    (tmp_path / "password").write_text("weak")
    with pytest.raises(CommandError, match="8 to 128"):
        run("create_user", "fay", "--password-file", str(tmp_path / "password"))


def test_djangos_own_commands_keep_the_rules_for_names_and_passwords(cast, monkeypatch):
    monkeypatch.setattr("getpass.getpass", lambda **_: "weak")
    with pytest.raises(CommandError, match="Aborting password change"):
        call_command("changepassword", "dev", stdout=io.StringIO(), stderr=io.StringIO())
    assert User.objects.get(username="dev").check_password(PASSWORD)

    for name, password, message in (
        ("root", "weak", "8 to 128"),
        ("ro:ot", "Good-Enough-1", "a user name has"),
    ):
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
        with pytest.raises(CommandError, match=message):
            run("createsuperuser", "--no-input", "--username", name)
    with pytest.raises(CommandError, match="already taken"):
        run("createsuperuser", "--no-input", "--username", "DEV")
    run("createsuperuser", "--no-input", "--username", "root")
    assert User.objects.get(username="root", is_admin=True).check_password("Good-Enough-1")


def test_create_project_and_add_member(cast):
    run("create_project", "tools", "--public", "--owner", "sam")
    tools = Project.objects.get(namespace__name="tools")
    assert (tools.public, tools.owner) == (True, cast["sam"])
    run("add_member", "tools", "dev", "limited-guest")
    assert Member.objects.get(project=tools, user=cast["dev"]).role == Role.LIMITED_GUEST


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("create_project", "secret"), "taken"),
        (("create_project", "new", "--owner", "nobody"), "no user nobody"),
        (("add_member", "nowhere", "sam", "guest"), "no project nowhere"),
        (("add_member", "secret", "nobody", "guest"), "no user nobody"),
    ],
)
def test_a_command_says_what_is_wrong(cast, arguments, message):
    with pytest.raises(CommandError, match=message):
        run(*arguments)

"""Login and logout with each tool, and what it says to a wrong password."""

import json

import pytest

pytestmark = pytest.mark.clients
TOOLS = ["podman", "buildah", "skopeo"]


def logged_in(person) -> set[str]:
    return set(json.loads((person.home / "auth.json").read_text()).get("auths", {}))


@pytest.mark.parametrize("tool", TOOLS)
def test_login_is_remembered_until_logout(tool, stranger):
    assert "Login Succeeded" in stranger.login(tool, "dev")
    assert logged_in(stranger) == {stranger.site.host}
    stranger.run(tool, "logout", stranger.site.host)
    assert logged_in(stranger) == set()


@pytest.mark.parametrize("tool", TOOLS)
def test_a_wrong_password_is_refused_in_words_and_not_remembered(tool, stranger):
    arguments = ["login", *stranger.insecurely(), "-u", "dev", "-p", "wrong", stranger.site.host]
    assert "invalid username/password" in stranger.run(tool, *arguments, fails=True)
    assert not logged_in(stranger)


def test_somebody_who_does_not_exist_gets_the_same_words(stranger):
    arguments = ["login", *stranger.insecurely(), "-u", "nobody-here", "-p", "wrong", stranger.site.host]
    assert "invalid username/password" in stranger.run("podman", *arguments, fails=True)


def test_a_wrong_password_fails_a_push_with_the_same_words(stranger, small, tmp_path):
    remote = f"docker://{stranger.site.host}/library/wrong:1"
    more = ["--dest-creds", "admin:wrong", *stranger.insecurely("dest")]
    said = stranger.run("skopeo", "copy", *more, f"oci:{small}:1", remote, fails=True)
    assert "invalid username/password" in said

"""Who may pull and push what, as the tools see it."""

import pytest

pytestmark = pytest.mark.clients


@pytest.fixture
def secret(tools, small) -> str:
    """An image in the private project."""
    tools.copy_in(f"oci:{small}:1", "private/secret:1")
    return "private/secret:1"


def test_everybody_pulls_from_a_public_project_without_logging_in(tools, stranger, small):
    tools.copy_in(f"oci:{small}:1", "library/open:1")
    stranger.pull("podman", "library/open:1")
    stranger.copy_out("library/open:1", f"dir:{stranger.home}/open")


def test_nobody_pushes_to_a_public_project_without_logging_in(stranger, small):
    remote = f"docker://{stranger.site.host}/library/graffiti:1"
    said = stranger.run("skopeo", "copy", *stranger.insecurely("dest"), f"oci:{small}:1", remote, fails=True)
    assert "unauthorized" in said or "authentication required" in said


@pytest.mark.parametrize("user", ["", "stranger"], ids=["anonymous", "a stranger"])
def test_a_private_image_looks_the_same_to_outsiders_whether_it_exists_or_not(user, secret, stranger):
    if user:
        stranger.login(user=user)

    def pull(name: str) -> str:
        remote = f"docker://{stranger.site.host}/{name}"
        said = stranger.run("skopeo", "inspect", *stranger.insecurely(), remote, fails=True)
        return (
            said.split("msg=")[1].replace(name.split(":")[0], "NAME").replace(name.split("/")[0], "PROJECT")
        )

    assert pull(secret) == pull("missing/secret:1")
    assert pull("private/nothing:1") == pull(secret).replace("secret", "nothing")


def test_a_guest_pulls_and_may_not_push(secret, stranger, small):
    stranger.login(user="guest")
    stranger.pull("podman", secret)
    remote = f"docker://{stranger.site.host}/private/guests:1"
    said = stranger.run("skopeo", "copy", *stranger.insecurely("dest"), f"oci:{small}:1", remote, fails=True)
    assert "denied" in said or "unauthorized" in said


def test_a_developer_pushes_and_may_not_delete(stranger, small):
    stranger.login(user="dev")
    stranger.copy_in(f"oci:{small}:1", "private/works:1")
    remote = f"docker://{stranger.site.host}/private/works:1"
    said = stranger.run("skopeo", "delete", *stranger.insecurely(), remote, fails=True)
    assert "denied" in said.lower() or "unauthorized" in said.lower()

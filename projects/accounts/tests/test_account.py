from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from projects.accounts import throttle
from projects.accounts.models import User
from projects.tests.cast import PASSWORD

NEW = "Another-One-8"


@pytest.fixture
def dev(client, cast):
    client.force_login(cast["dev"])
    return client


def change(client, old=PASSWORD, new=NEW, repeated=NEW):
    data = {"old_password": old, "new_password": new, "repeated": repeated}
    return client.post(reverse("change_password"), data)


@pytest.mark.parametrize("name", ["change_password", "profile"])
def test_who_has_not_logged_in_is_sent_to_do_so(client, db, name):
    response = client.get(reverse(name))
    assert response["Location"] == f"{reverse('login')}?next={reverse(name).replace('/', '%2F')}"


def test_changing_the_password_keeps_this_session_and_ends_the_others(dev, cast):
    other = Client()
    other.force_login(cast["dev"])
    assert change(dev).status_code == 302
    assert User.objects.get(username="dev").check_password(NEW)
    assert dev.get(reverse("profile")).status_code == 200
    assert other.get(reverse("profile")).status_code == 302


@pytest.mark.parametrize(
    ("form", "field", "says"),
    [
        ({"old": "wrong"}, "old_password", "current password is wrong"),
        ({"new": "weak", "repeated": "weak"}, "new_password", "8 to 128"),
        ({"new": PASSWORD, "repeated": PASSWORD}, "new_password", "must not be the current one"),
        ({"repeated": "Something-Else-9"}, "repeated", "differ"),
        ({"old": ""}, "old_password", "required"),
    ],
)
def test_a_password_that_cannot_be_is_said_why_beside_its_field(dev, form, field, says):
    response = change(dev, **form)
    assert response.status_code == 422
    assert says in " ".join(response.context["form"].errors[field])
    assert User.objects.get(username="dev").check_password(PASSWORD)


def test_guessing_at_the_current_password_is_slowed_down_and_says_for_how_long(dev, monkeypatch):
    # None for free: five failures are a wait of half a minute, which no slow machine sleeps through.
    monkeypatch.setattr(throttle, "PAIR", throttle.Limit(free=0, longest=timedelta(minutes=5)))
    for _ in range(5):
        change(dev, old="wrong")
    response = change(dev)
    assert response.status_code == 429
    assert int(response["Retry-After"]) >= 1
    assert "Too many failed attempts, try again in" in response.context["form"].non_field_errors()[0]
    assert User.objects.get(username="dev").check_password(PASSWORD)


def test_a_profile_is_shown_and_saved(dev):
    assert b"dev@example.com" in dev.get(reverse("profile")).content
    response = dev.post(reverse("profile"), {"email": "d@example.com", "realname": "D", "comment": ""})
    assert response.status_code == 302
    user = User.objects.get(username="dev")
    assert (user.email, user.realname) == ("d@example.com", "D")


@pytest.mark.parametrize(
    ("fields", "field", "says"),
    [
        ({"email": "gus@example.com"}, "email", "The e-mail address gus@example.com is taken."),
        ({"email": "GUS@example.com"}, "email", "is taken."),
        ({"email": "gus"}, "email", "valid email address"),
        ({"realname": "x" * 256}, "realname", "at most 255"),
        ({"comment": "a\0b"}, "comment", "Null characters"),
    ],
)
def test_a_profile_that_cannot_be_is_said_why_beside_its_field(dev, fields, field, says):
    response = dev.post(reverse("profile"), fields)
    assert response.status_code == 422
    assert says in response.context["form"].errors[field][0]
    assert User.objects.get(username="dev").email == "dev@example.com"


def test_the_profile_can_be_emptied(dev):
    assert dev.post(reverse("profile"), {}).status_code == 302
    assert User.objects.get(username="dev").email is None

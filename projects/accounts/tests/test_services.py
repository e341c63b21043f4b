from unittest.mock import Mock

import pytest

from projects.accounts import services
from projects.accounts.hashers import Argon2
from projects.accounts.models import LoginThrottle, User
from projects.accounts.throttle import PAIR
from projects.errors import Conflict, Invalid, Throttled
from projects.tests.cast import PASSWORD
from projects.tests.threads import at_once


def test_a_user_logs_in_by_name_or_e_mail_in_any_case(cast):
    for name in ("dev", "DEV", "dev@example.com", "Dev@Example.com"):
        assert services.authenticate(username=name, password=PASSWORD, address="192.0.2.1") == cast["dev"]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("dev", "wrong"),
        ("dev", ""),
        ("nobody", PASSWORD),
        ("", PASSWORD),
        ("d\0ev", PASSWORD),
        ("\ud800", PASSWORD),
        ("dev", "\ud800"),
    ],
)
def test_wrong_credentials_are_nobodys(cast, username, password):
    assert services.authenticate(username=username, password=password, address="192.0.2.1") is None


def test_a_name_beats_an_e_mail_address_that_reads_the_same(cast):
    odd = services.create_user(username="dev@example.com", password=PASSWORD)
    assert services.find_user("dev@example.com") == odd


def test_an_inactive_user_does_not_log_in(cast):
    User.objects.filter(username="dev").update(is_active=False)
    assert services.authenticate(username="dev", password=PASSWORD, address="192.0.2.1") is None


def test_unknown_users_cost_as_many_hashes_as_known_ones(cast, monkeypatch):
    verify, encode = Mock(return_value=False), Mock(return_value="")
    monkeypatch.setattr(Argon2, "verify", verify)
    monkeypatch.setattr(Argon2, "encode", encode)
    services.authenticate(username="dev", password="wrong", address="192.0.2.1")
    services.authenticate(username="nobody", password="wrong", address="192.0.2.1")
    assert (verify.call_count, encode.call_count) == (1, 1)


@pytest.mark.parametrize(
    "name", ["", "a" * 256, *(f"a{c}b" for c in ',"~#%$:'), " a", "a ", "a\nb", "a\0b", "\ud800"]
)
def test_a_bad_user_name_is_refused(db, name):
    with pytest.raises(Invalid) as caught:
        services.create_user(username=name, password=PASSWORD)
    assert caught.value.field == "username"


@pytest.mark.parametrize(
    "password",
    [
        "",
        "Short-1",
        "no-upper-case-1",
        "NO-LOWER-CASE-1",
        "No-digit-at-all",
        "aA1" + "x" * 126,
        "Surr0gate\ud800",
    ],
)
def test_a_bad_password_is_refused_with_the_rule(db, password):
    with pytest.raises(Invalid, match="8 to 128") as caught:
        services.create_user(username="new", password=password)
    assert caught.value.field == "password"


@pytest.mark.parametrize("password", ["aB345678", "aA1" + "x" * 125, "Pässwort 1", "Two\nLines1"])
def test_a_good_password_is_taken(db, password):
    user = services.create_user(username="new", password=password)
    assert user.check_password(password)


@pytest.mark.parametrize("email", ["no-address", "a@b", "a\0@example.com", "a" * 250 + "@example.com"])
def test_a_bad_e_mail_address_is_refused(db, email):
    with pytest.raises(Invalid) as caught:
        services.create_user(username="new", password=PASSWORD, email=email)
    assert caught.value.field == "email"


def test_names_and_e_mail_addresses_differ_by_more_than_case(cast):
    with pytest.raises(Conflict, match="user name DEV"):
        services.create_user(username="DEV", password=PASSWORD)
    with pytest.raises(Conflict, match="e-mail address Dev@"):
        services.create_user(username="new", password=PASSWORD, email="Dev@example.com")


def test_users_without_an_e_mail_address_are_many(db):
    for name in ("one", "two"):
        assert services.create_user(username=name, password=PASSWORD, email="").email is None


def test_a_profile_is_changed_but_not_to_anothers_address(cast):
    services.update_profile(user=cast["dev"], email="new@example.com", realname="Dev", comment="x")
    assert User.objects.get(username="dev").realname == "Dev"
    with pytest.raises(Conflict):
        services.update_profile(user=cast["dev"], email="gus@example.com", realname="", comment="")
    with pytest.raises(Invalid):
        services.update_profile(user=cast["dev"], email="", realname="x" * 256, comment="")


def test_a_password_is_changed_by_who_knows_the_old_one(cast):
    change = {"user": cast["dev"], "address": "192.0.2.1"}
    with pytest.raises(Invalid, match="current password is wrong"):
        services.change_password(**change, old_password="wrong", new_password="Another-One-8")
    with pytest.raises(Invalid, match="must not be the current one"):
        services.change_password(**change, old_password=PASSWORD, new_password=PASSWORD)
    with pytest.raises(Invalid, match="8 to 128"):
        services.change_password(**change, old_password=PASSWORD, new_password="weak")
    before = services.password_version(cast["dev"])
    services.change_password(**change, old_password=PASSWORD, new_password="Another-One-8")
    user = User.objects.get(username="dev")
    assert user.check_password("Another-One-8")
    assert services.password_version(user) not in (None, before)


def test_who_may_not_log_in_has_no_password_version(cast):
    assert services.password_version(cast["dev"]) == services.password_version(
        User.objects.get(username="dev")
    )
    cast["dev"].is_active = False
    assert services.password_version(cast["dev"]) is None


def test_the_default_password_is_told_of_until_it_is_changed(db, django_assert_num_queries):
    assert not services.default_password_in_use()
    admin = services.create_user(username="admin", password="Harbor12345", is_admin=True)
    services.create_user(username="dev", password="Harbor12345")
    with django_assert_num_queries(1):
        assert services.default_password_in_use()
    services.set_password(user=admin, password=PASSWORD)
    assert not services.default_password_in_use()
    services.set_password(user=admin, password="Harbor12345")
    assert services.default_password_in_use()
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert not services.default_password_in_use()


@pytest.mark.django_db(transaction=True)
def test_guessing_in_parallel_gets_no_further_than_in_a_row():
    services.create_user(username="dev", password=PASSWORD)
    guess = {"username": "dev", "password": "Wrong-Guess-1", "address": "192.0.2.1"}
    outcomes = at_once(30, lambda: services.authenticate(**guess))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Throttled)]
    assert outcomes.count(None) + len(refused) == 30
    assert outcomes.count(None) <= PAIR.free + services.AT_ONCE
    assert LoginThrottle.objects.count() == 3

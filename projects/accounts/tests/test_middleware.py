from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from projects.accounts.models import User


@pytest.fixture
def dev(client, cast, settings):
    settings.SESSION_COOKIE_AGE = 3600
    client.force_login(cast["dev"])
    return client


def use(client, after, **headers):
    """Uses the session some time after it was last written; how long it then still lives."""
    session = Session.objects.get()
    Session.objects.update(expire_date=session.expire_date - after)
    User.objects.update(last_login=timezone.now() - after)
    stored = client.session
    if "renewed_at" in stored:
        stored["renewed_at"] = (timezone.now() - after).isoformat()
        Session.objects.update(session_data=stored.encode(stored._session))
    assert client.get("/account/profile", headers=headers).status_code == 200
    return Session.objects.get().expire_date - timezone.now()


def test_a_session_that_is_used_lasts(dev):
    for _ in range(3):
        assert use(dev, timedelta(minutes=50)) > timedelta(minutes=59)
    assert "sid" in dev.cookies


def test_it_is_not_written_at_every_click(dev):
    assert use(dev, timedelta(minutes=4)) < timedelta(minutes=57)


def test_polling_does_not_keep_it_alive(dev):
    assert use(dev, timedelta(minutes=50), **{"X-Harbor-No-Session-Renewal": "true"}) < timedelta(minutes=11)


def test_a_user_who_never_logged_in_by_the_page_is_no_problem(dev):
    User.objects.update(last_login=None)
    assert dev.get("/account/profile").status_code == 200

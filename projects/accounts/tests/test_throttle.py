from datetime import UTC, datetime, timedelta

import pytest

from projects.accounts import throttle
from projects.accounts.models import LoginThrottle
from projects.accounts.throttle import ACCOUNT, ADDRESS, PAIR, Keys
from projects.errors import Throttled

HERE, THERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture
def clock(db, monkeypatch):
    class Clock:
        now = datetime(2024, 1, 1, tzinfo=UTC)

        def wait(self, **time):
            self.now += timedelta(**time)

    clock = Clock()
    monkeypatch.setattr("projects.accounts.throttle.timezone.now", lambda: clock.now)
    return clock


def fail(account, address, times=1):
    for _ in range(times):
        throttle.failed(Keys.of(account=account, address=address))


def wait_for(account, address):
    try:
        throttle.check(Keys.of(account=account, address=address))
    except Throttled as error:
        return error.retry_after
    return 0


def test_a_few_failures_cost_nothing(clock):
    fail("admin", HERE, PAIR.free - 1)
    assert wait_for("admin", HERE) == 0


def test_then_the_wait_doubles_up_to_its_longest(clock):
    waits = []
    fail("admin", HERE, PAIR.free - 1)
    for _ in range(12):
        fail("admin", HERE)
        waits.append(wait_for("admin", HERE))
        clock.wait(seconds=waits[-1])
        assert wait_for("admin", HERE) == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_wait_is_told_in_whole_seconds_that_are_long_enough(clock):
    fail("admin", HERE, PAIR.free + 2)
    clock.wait(milliseconds=100)
    assert wait_for("admin", HERE) == 4


def test_other_accounts_and_other_addresses_are_not_held_up(clock):
    fail("admin", HERE, 10)
    assert wait_for("admin", HERE) > 0
    assert wait_for("admin", THERE) == 0
    assert wait_for("dev", HERE) == 0


def test_case_makes_no_other_account(clock):
    fail("Admin", HERE, 10)
    assert wait_for("aDMIN", HERE) > 0


def test_one_address_that_tries_many_accounts_is_held_up(clock):
    for number in range(ADDRESS.free):
        fail(f"user{number}", HERE)
    assert wait_for("another", HERE) == 1
    assert wait_for("another", THERE) == 0


def test_many_addresses_that_try_one_account_are_held_up_for_a_short_time(clock):
    for number in range(ACCOUNT.free + 20):
        fail("admin", f"203.0.113.{number}")
    assert wait_for("admin", HERE) == 60


def test_nobody_elsewhere_keeps_an_account_out_of_where_it_has_logged_in(clock):
    throttle.succeeded(Keys.of(account="admin", address=HERE))
    for number in range(ACCOUNT.free + 20):
        fail("admin", f"203.0.113.{number}")
    for number in range(ADDRESS.free + 20):
        fail(f"user{number}", HERE)
    assert wait_for("admin", HERE) == 0
    assert wait_for("admin", THERE) > 0
    fail("admin", HERE, PAIR.free)
    assert wait_for("admin", HERE) > 0  # but its own failures there count
    clock.wait(days=31)
    fail("dev", THERE, 3)  # each takes some of what is old away
    assert not LoginThrottle.objects.filter(trusted_until__isnull=False).exists()


def test_a_success_forgives_the_account_but_not_the_address(clock):
    for number in range(ADDRESS.free - 1):
        fail(f"user{number}", HERE)
    fail("dev", HERE, PAIR.free)
    clock.wait(seconds=throttle.ADDRESS.longest.total_seconds())
    throttle.succeeded(Keys.of(account="dev", address=HERE))
    assert wait_for("dev", HERE) == 0
    fail("other", HERE)
    assert wait_for("third", HERE) > 0


def test_failures_are_forgiven_after_an_hour(clock):
    fail("admin", HERE, 10)
    clock.wait(hours=1, seconds=1)
    fail("admin", HERE, PAIR.free - 1)
    assert wait_for("admin", HERE) == 0


def test_one_ipv6_network_is_one_address(clock):
    fail("admin", "2001:db8::1", 10)
    assert wait_for("admin", "2001:db8::ffff:2") > 0
    assert wait_for("admin", "2001:db8:0:1::1") == 0
    assert wait_for("admin", "not an address") == 0


def test_a_success_is_written_once_a_day(clock, django_assert_num_queries):
    keys = Keys.of(account="ci", address=HERE)
    throttle.succeeded(keys)
    with django_assert_num_queries(1):
        throttle.succeeded(keys)
    clock.wait(days=2)
    throttle.succeeded(keys)
    assert LoginThrottle.objects.get().seen_at == clock.now


def test_what_was_typed_is_not_kept(clock):
    fail("my password by mistake", HERE)
    assert all(len(row.key) == 64 and "my" not in row.key for row in LoginThrottle.objects.all())


def test_old_rows_go_by_themselves(clock):
    fail("admin", HERE)
    clock.wait(days=31)
    fail("dev", THERE)
    assert LoginThrottle.objects.count() == 3

"""Slows down whoever guesses passwords, across processes and restarts, without locking the owner out.

Three counters a login, each with some free failures and then a wait that doubles up to its longest:

* the account at the address: what a guesser at one place meets first;
* the address: a guesser who tries one password on many accounts;
* the account: a guesser with many addresses. Its wait is short, and an account that has logged in from an address
  before is held up there only by its own failures, so nobody can keep the admin out from elsewhere.

Why a table of our own and not django-axes: axes hangs on requests, signals and authentication back ends, and locks for
a fixed time. Logins here also come from /v2/ and the token service, where there is neither session nor back end (a
service takes no request), and a lock of fixed length is what an attacker would use against the admin.
"""

import hashlib
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address
from typing import Final

from django.utils import timezone

from projects.accounts.models import LoginThrottle
from projects.errors import Throttled
from registry.db import write


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures cost nothing; after that a wait of 1, 2, 4 ... seconds, at most `longest`."""

    free: int
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """How long to refuse after this many failures in a row."""
        if failures < self.free:
            return timedelta(0)
        return min(timedelta(seconds=2 ** min(failures - self.free, 30)), self.longest)


PAIR: Final = Limit(free=5, longest=timedelta(minutes=5))
ADDRESS: Final = Limit(free=30, longest=timedelta(minutes=5))
ACCOUNT: Final = Limit(free=50, longest=timedelta(minutes=1))

FORGIVEN_AFTER: Final = timedelta(hours=1)
TRUSTED_FOR: Final = timedelta(days=30)
# A success is written down only if that says something new: most logins are CI's, many a minute.
_RENEW_TRUST: Final = timedelta(days=29)


@dataclass(frozen=True, slots=True)
class Keys:
    """The counters of a login attempt."""

    pair: str
    address: str
    account: str

    @classmethod
    def of(cls, *, account: str, address: str) -> "Keys":
        """`account` is a user's name or whatever was typed as one; `address` is the client's."""
        account, place = account.casefold(), _network(address)
        return cls(
            pair=_key("pair", account, place),
            address=_key("address", place),
            account=_key("account", account),
        )


def check(keys: Keys) -> None:
    """Raises Throttled if the attempt has to wait."""
    now = timezone.now()
    rows = LoginThrottle.objects.in_bulk([keys.pair, keys.address, keys.account])
    pair = rows.get(keys.pair)
    if pair and pair.trusted_until and pair.trusted_until > now:
        rows = {keys.pair: pair}
    until = max((row.blocked_until for row in rows.values() if row.blocked_until), default=now)
    if until > now:
        raise Throttled(math.ceil((until - now).total_seconds()))


def failed(keys: Keys) -> None:
    """Counts a failure."""
    limits = {keys.pair: PAIR, keys.address: ADDRESS, keys.account: ACCOUNT}
    with write():
        for key in sorted(limits):  # one order for all, or two failures could wait for one another
            _count(key, limits[key])
    _forget()


def succeeded(keys: Keys) -> None:
    """Forgives the account at this address its failures and trusts the two together from now on.

    The address keeps its count: who owns one account could otherwise guess at the others for ever.
    """
    now = timezone.now()
    row = LoginThrottle.objects.filter(key=keys.pair).first()
    if row and not row.failures and row.trusted_until and row.trusted_until > now + _RENEW_TRUST:
        return
    fresh = {"failures": 0, "blocked_until": None, "trusted_until": now + TRUSTED_FOR, "seen_at": now}
    with write():
        LoginThrottle.objects.update_or_create(key=keys.pair, defaults=fresh)


def _count(key: str, limit: Limit) -> None:
    now = timezone.now()
    row, _ = LoginThrottle.objects.select_for_update().get_or_create(key=key, defaults={"seen_at": now})
    row.failures = 1 if row.seen_at < now - FORGIVEN_AFTER else row.failures + 1
    row.blocked_until = _after(now, limit.wait(row.failures))
    row.seen_at = now
    row.save(update_fields=["failures", "blocked_until", "seen_at"])


def _after(now: datetime, wait: timedelta) -> datetime | None:
    return now + wait if wait else None


def _forget() -> None:
    """Drops what has not been seen for so long that it says nothing any more."""
    with write():
        old = LoginThrottle.objects.filter(seen_at__lt=timezone.now() - TRUSTED_FOR)
        keys = list(old.select_for_update(skip_locked=True).values_list("key", flat=True)[:100])
        if keys:
            LoginThrottle.objects.filter(key__in=keys).delete()


def _network(address: str) -> str:
    """The address, or its /64 in IPv6, where one client has as many addresses as it likes."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and not parsed.ipv4_mapped:
        return str(int(parsed) >> 64)
    return str(parsed)


def _key(*parts: str) -> str:
    # Hashed: a password typed into the field for the name must not be kept, and a key has one length.
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()

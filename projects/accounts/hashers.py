"""How passwords are hashed."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    """argon2id with OWASP's first choice: 19 MiB, two passes, one lane; about 30 ms of one core.

    Django's own 100 MiB and eight lanes would let a few dozen logins at once exhaust a small server.
    """

    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1

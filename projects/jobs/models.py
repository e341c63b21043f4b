"""The tables of background work."""

from django.db import models


class Heartbeat(models.Model):
    """One row: when a worker last did what the scheduler told it to, by the database's clock."""

    at = models.DateTimeField()

"""The composition root: settings, URLs and the commands that start everything. Nothing imports it."""

from harborweb.celery import app as celery_app

__all__ = ["celery_app"]

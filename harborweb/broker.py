"""The broker of a laptop: kombu's directory of messages, for a worker that can be told to stop."""

from typing import Any, Final

from kombu.transport import filesystem

LOOK: Final = 0.25
"""Seconds between two looks into the directory. The worker asks for two at a time, and is deaf in between."""


class Transport(filesystem.Transport):
    """Delivers a message within LOOK."""

    polling_interval = LOOK

    def drain_events(self, connection: Any, timeout: float | None = None, **_: Any) -> None:
        """Delivers one message. Raises TimeoutError when there is none after `timeout` seconds, LOOK at most."""
        super().drain_events(connection, timeout=min(timeout or LOOK, LOOK))

"""Waiting that is never silent: a warning says what is waited for, and a limit, where one is set, ends the wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from polykeras.legacy.interfaces import warn_caller

__all__ = ["Patience", "Waiter"]


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    warn_after: a wait as long as this gives a UserWarning; the next ones come after twice as long each.
    limit: a wait as long as this is a TimeoutError; None: there is no limit.
    leave_after: threads that are told to end get this long; then they are left to themselves, with a UserWarning.
    """

    warn_after: float = 10.0
    limit: float | None = None
    leave_after: float = 5.0


class Waiter:
    """Waits for one thing after another with one patience."""

    def __init__(self, patience: Patience) -> None:
        self.patience = patience
        self._warn_after = patience.warn_after

    def wait(self, ready: Callable[[float], bool], describe: Callable[[], str]) -> None:
        """Return when `ready(seconds)`, which waits that long at most, is true.

        describe: what is waited for, for the warning and for the TimeoutError.
        """
        limit = self.patience.limit
        start = time.monotonic()
        waited = 0.0
        while True:
            event = self._warn_after if limit is None else min(limit, self._warn_after)
            if ready(max(0.0, event - waited)):
                return
            waited = time.monotonic() - start
            if limit is not None and waited >= limit:
                raise TimeoutError(
                    f"Gave up after {waited:.1f} s of waiting for {describe()}. The limit is {limit:g} s: "
                    "polykeras.config.set_batch_timeout, or POLYKERAS_BATCH_TIMEOUT, sets another."
                )
            if waited >= self._warn_after:
                self._warn_after *= 2
                warn_caller(
                    f"Waiting for {waited:.1f} s already for {describe()}. Nothing is stopped for being slow; "
                    "polykeras.config.set_batch_timeout(seconds) makes such a wait an error.",
                    UserWarning,
                )

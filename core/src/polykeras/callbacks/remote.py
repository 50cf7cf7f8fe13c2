"""Send the epochs' logs to a server."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

import numpy as np

from polykeras.callbacks.base import Callback, Logs
from polykeras.legacy.interfaces import warn_caller

TIME_LIMIT = 5.0  # seconds that an epoch waits for the server, at most


class RemoteMonitor(Callback):
    """Sends each epoch's number (from 0) and logs to a server, by POST to `root + path`.

    root: address of the server, `http://` or `https://`.
    path: on the server.
    field: name of the form field that holds the logs as JSON.
    headers: of the request, a dict.
    send_as_json: the request's body is the JSON itself, in the place of a form.

    A server that cannot be reached, answers with an error, or takes longer than five seconds causes a warning;
    training goes on.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Mapping[str, str] | None = None,
        send_as_json: bool = False,
    ) -> None:
        super().__init__()
        if not root.startswith(("http://", "https://")):
            raise ValueError(f"RemoteMonitor(root={root!r}): the address must begin with 'http://' or 'https://'.")
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers
        self.send_as_json = send_as_json

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        sent = json.dumps({"epoch": epoch, **{name: _plain(value) for name, value in (logs or {}).items()}})
        failures: list[str] = []
        done = threading.Event()

        def send() -> None:
            try:
                failure = _post(self._request(sent))
                if failure:
                    failures.append(failure)
            finally:
                done.set()

        # On a thread: no time limit of a socket covers a name server that is silent, or an answer byte by byte.
        threading.Thread(target=send, name="RemoteMonitor", daemon=True).start()
        if not done.wait(TIME_LIMIT):
            failures.append(f"no answer within {TIME_LIMIT:g} s")
        for failure in failures:
            warn_caller(f"Warning: could not reach RemoteMonitor root server at {self.root}: {failure}", UserWarning)

    def _request(self, sent: str) -> urllib.request.Request:
        if self.send_as_json:
            body, kind = sent, "application/json"
        else:
            body, kind = urllib.parse.urlencode({self.field: sent}), "application/x-www-form-urlencoded"
        headers = {"Content-Type": kind, **(self.headers or {})}
        return urllib.request.Request(self.root + self.path, body.encode(), headers, method="POST")


def _post(request: urllib.request.Request) -> str | None:
    """Send it; what went wrong, if anything did."""
    try:
        with urllib.request.urlopen(request, timeout=TIME_LIMIT):
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code} {error.reason}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__


def _plain(value: Any) -> Any:
    """Arrays and NumPy's numbers as Python's."""
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value

"""Processes that make batches: each gets a copy of the source, and is told which batch to make."""

from __future__ import annotations

import pickle
import random
import signal
import traceback
from dataclasses import dataclass
from multiprocessing import connection as connections
from multiprocessing import get_context
from typing import Any

import numpy as np

from polykeras.utils.makers import Request, describe_source, made

__all__ = ["ProcessMaker", "Shipment"]

STARTING = "starting"
PIECE = 1 << 20
"""Bytes of an array that are sent at once: a pipe's end allocates the rest of a message at each read of 64 KiB."""

# -- this side ---------------------------------------------------------------------------------------------------------


class Shipment:
    """A source on its way to processes: its pickle, and how often it was renewed.

    seed: what the processes seed Python's and NumPy's generators with, together with each batch's number, so that
        random batches do not depend on how many processes there are.
    """

    def __init__(self, source: Any, seed: int) -> None:
        self.seed = seed
        self.name = describe_source(source)
        self.content = _pickled(source)
        self.version = 0

    def renew(self, source: Any) -> None:
        """Send the source again, if it has changed."""
        content = _pickled(source)
        if content != self.content:
            self.content = content
            self.version += 1

    def reseed(self, seed: int) -> None:
        """Take another seed; processes that have the source already get it again, with that seed."""
        self.seed = seed
        self.version += 1


def _pickled(source: Any) -> bytes:
    try:
        return pickle.dumps(source, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # pickling runs the user's code, which may raise anything
        raise TypeError(
            f"use_multiprocessing=True: {describe_source(source)} cannot be sent to a process, for it cannot be "
            f"pickled{_culprit(source)}: {type(error).__name__}: {error}. Its class should be at the top level of a "
            "module, and it should hold no open files, locks, generators or lambdas (open a file in __getitem__, or "
            "leave it out in __getstate__). Or use threads: use_multiprocessing=False."
        ) from error


def _culprit(source: Any) -> str:
    """The attribute that cannot be pickled, for the message."""
    for name, value in getattr(source, "__dict__", {}).items():
        try:
            pickle.dumps(value)
        except Exception:  # noqa: BLE001 - see above
            return f" because of its attribute `{name}`"
    return ""


class ProcessMaker:
    """Has batches made by a spawned process, which gets a copy of the source."""

    def __init__(self, shipment: Shipment) -> None:
        self._shipment = shipment
        self._version = -1
        self._doing = STARTING

    def start(self) -> None:
        context = get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), name="polykeras-batches", daemon=True)
        try:
            self._process.start()
        finally:
            theirs.close()

    def make(self, request: Request) -> Any:
        self._doing = STARTING if self._version < 0 else request.of(self._shipment.name)
        try:
            if self._version != self._shipment.version:
                self._version = self._shipment.version
                self._connection.send(self._shipment.seed)
                self._connection.send_bytes(self._shipment.content)
                self._answer()
            self._doing = request.of(self._shipment.name)
            self._connection.send(request)
            return self._answer()
        except (EOFError, ConnectionError) as error:
            raise self._death() from error

    def where(self) -> str:
        pid = self._process.pid
        return f"process {pid} is starting" if self._doing is STARTING else f"process {pid} is making it"

    def _answer(self) -> Any:
        connections.wait([self._connection, self._process.sentinel])
        if not self._connection.poll():
            raise EOFError
        sizes = self._connection.recv()
        content = self._connection.recv_bytes()
        buffers = [bytearray(size) for size in sizes]
        for buffer in buffers:
            for start in range(0, len(buffer), PIECE):
                self._connection.recv_bytes_into(buffer, start)
        error, text, value = pickle.loads(content, buffers=buffers)
        if error:
            raise _as_raised(value, text)
        return value

    def _death(self) -> RuntimeError:
        self._process.join(timeout=1)
        code = self._process.exitcode
        if code is not None and code < 0:
            cause = f"was killed by signal {-code} ({_signal_name(-code)}){'; out of memory?' if code == -9 else ''}"
        else:
            cause = f"ended with exit code {code}"
        start = f"The process (pid {self._process.pid}) that should make batches of {self._shipment.name} {cause}"
        if self._doing is STARTING:
            return RuntimeError(
                f"{start} before it had started. It imports the main script anew: a script that uses "
                'use_multiprocessing=True must keep what it does under `if __name__ == "__main__":`, and the data\'s '
                "class must be importable. What the process said is on standard error."
            )
        return RuntimeError(f"{start} while it made {self._doing}.")

    def stop(self) -> None:
        self._process.terminate()
        self._process.join(timeout=2)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join(timeout=2)

    def release(self) -> None:
        self._connection.close()


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"


class _RemoteTraceback(Exception):
    """Shows, as the cause of an error, where in another process it was raised."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def _as_raised(error: BaseException, text: str) -> BaseException:
    error.__cause__ = _RemoteTraceback(text)
    return error


# -- the other side ----------------------------------------------------------------------------------------------------


@dataclass
class _Served:
    source: Any = None
    seed: int = 0


def _serve(connection: Any) -> None:
    """Make batches as told by `connection`, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this process
    served = _Served()
    try:
        while True:
            order = connection.recv()
            try:
                if isinstance(order, Request):
                    _seed(served.seed, order)
                    answer = (False, "", made(served.source, order))
                else:
                    served = _Served(_unpickled(connection.recv_bytes()), order)
                    answer = (False, "", None)
            except BaseException as error:  # noqa: BLE001 - the parent raises it
                answer = (True, traceback.format_exc(), error)
            _send(connection, answer)
    except (EOFError, ConnectionError):
        return  # the parent has gone, or wants no more


def _unpickled(content: bytes) -> Any:
    try:
        return pickle.loads(content)
    except Exception as error:  # unpickling runs the user's code
        raise TypeError(
            "use_multiprocessing=True: a process could not make its copy of the data: "
            f"{type(error).__name__}: {error}. Their class must be in a module that can be imported, or in the script; "
            "one that was defined in a notebook or in an interactive session cannot be found. Or use threads: "
            "use_multiprocessing=False."
        ) from error


def _seed(seed: int, request: Request) -> None:
    """Each batch of a Sequence has its seed; an iterator has one for its whole run."""
    if request.place is not None or request.number == 0:
        random.seed(seed << 32 | request.number)
        np.random.seed([seed, request.number])


def _send(connection: Any, answer: tuple[bool, str, Any]) -> None:
    """Arrays go as they lie in memory, beside the pickle of what holds them."""
    buffers: list[pickle.PickleBuffer] = []
    try:
        content = pickle.dumps(answer, protocol=5, buffer_callback=buffers.append)
        if answer[0]:
            pickle.loads(content, buffers=buffers)  # some exceptions pickle, but cannot be made again
    except Exception as error:  # noqa: BLE001 - pickling runs the user's code
        failed, text, value = answer
        if failed:
            stand_in: Exception = RuntimeError(f"{type(value).__name__}: {value}")
        else:
            stand_in = TypeError(f"A batch made in a process must be picklable: {type(error).__name__}: {error}")
        buffers = []
        content = pickle.dumps((True, text, stand_in), protocol=5)
    raws = [buffer.raw() for buffer in buffers]
    connection.send([raw.nbytes for raw in raws])
    connection.send_bytes(content)
    for raw in raws:
        for start in range(0, raw.nbytes, PIECE):
            connection.send_bytes(raw[start : start + PIECE])

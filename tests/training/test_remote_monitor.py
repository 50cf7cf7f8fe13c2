"""RemoteMonitor against servers that listen, refuse, and say nothing."""

import json
import socket
import threading
import urllib.parse
import warnings
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from polykeras.callbacks import RemoteMonitor, remote
from polykeras.layers import Dense
from polykeras.models import Sequential


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server():
    """A server that keeps what it gets in `server.got`: (path, headers, body); it answers with `server.status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.server.got.append((self.path, self.headers, body.decode()))
            self.send_response(self.server.status)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as running:
        running.got, running.status = [], 200
        running.root = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def silent():
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def dead():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_each_epoch_of_a_training_as_a_form(server):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        monitor = RemoteMonitor(server.root, headers={"X-Run": "seven"})
        history = model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0, callbacks=[monitor]).history
    assert [path for path, _, _ in server.got] == ["/publish/epoch/end/"] * 2
    for epoch, (_, headers, body) in enumerate(server.got):
        assert headers["X-Run"] == "seven"
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
        form = urllib.parse.parse_qs(body)
        assert list(form) == ["data"]
        assert json.loads(form["data"][0]) == {"epoch": epoch, "loss": pytest.approx(history["loss"][epoch])}


def test_json_and_values_of_numpy(server):
    monitor = RemoteMonitor(server.root, path="/here", field="unused", send_as_json=True)
    monitor.on_epoch_end(3, {"loss": np.float32(0.5), "count": np.array([1, 2]), "lr": 1})
    [(path, headers, body)] = server.got
    assert path == "/here" and headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"epoch": 3, "loss": 0.5, "count": [1, 2], "lr": 1}


def test_an_answer_that_is_an_error(server):
    server.status = 404
    with pytest.warns(UserWarning, match=f"could not reach RemoteMonitor root server at {server.root}.*404"):
        RemoteMonitor(server.root).on_epoch_end(0, {"loss": 1.0})


def test_a_dead_server(dead):
    with pytest.warns(UserWarning, match=f"could not reach RemoteMonitor root server at {dead}"):
        RemoteMonitor(dead).on_epoch_end(0, {"loss": 1.0})


def test_a_silent_server_is_given_up(silent, monkeypatch):
    monkeypatch.setattr(remote, "TIME_LIMIT", 0.3)
    with pytest.warns(UserWarning, match="could not reach RemoteMonitor"):
        RemoteMonitor(silent).on_epoch_end(0, {"loss": 1.0})


def test_a_name_server_that_says_nothing_is_given_up(monkeypatch):
    answered = threading.Event()

    def never(*arguments, **keywords):
        answered.wait(30)
        raise OSError("too late")

    monkeypatch.setattr(socket, "getaddrinfo", never)
    monkeypatch.setattr(remote, "TIME_LIMIT", 0.2)
    with pytest.warns(UserWarning, match="no answer within 0.2 s"):
        RemoteMonitor("http://nowhere.invalid").on_epoch_end(0, {"loss": 1.0})
    answered.set()


@pytest.mark.parametrize("root", ["file:///etc/passwd", "ftp://host", "localhost:9000"])
def test_only_the_web(root):
    with pytest.raises(ValueError, match="must begin with 'http://'"):
        RemoteMonitor(root)

"""`get_file`: downloads that are whole and checked, in the right folder."""

import functools
import hashlib
import http.server
import os
import tarfile
import threading
import zipfile

import pytest

from polykeras.utils import downloads
from polykeras.utils.data_utils import get_file, validate_file

CONTENT = b"sixteen bytes..." * 5000
MD5 = hashlib.md5(CONTENT).hexdigest()
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Served(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and some paths that misbehave."""

    asked: list[str] = []  # noqa: RUF012 - of the server, on purpose

    def do_GET(self):
        self.asked.append(self.path)
        if self.path == "/short":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        elif self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def served(tmp_path):
    """A folder and the URL under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "data.bin").write_bytes(CONTENT)
    Served.asked.clear()
    handler = functools.partial(Served, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("POLYKERAS_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_file_is_downloaded_once(served, cache):
    _, url = served
    path = get_file("data.bin", f"{url}/data.bin")
    assert path == str(cache / "datasets" / "data.bin")
    with open(path, "rb") as file:
        assert file.read() == CONTENT
    assert get_file("data.bin", f"{url}/data.bin") == path
    assert Served.asked == ["/data.bin"]


def test_a_file_url(served, cache):
    folder, _ = served
    path = get_file("copy", (folder / "data.bin").as_uri(), cache_subdir="models", file_hash=SHA256)
    assert path == str(cache / "models" / "copy") and validate_file(path, SHA256)


@pytest.mark.parametrize("arguments", [{"md5_hash": MD5}, {"file_hash": MD5}, {"file_hash": SHA256.upper()}])
def test_a_file_of_another_hash_is_downloaded_again(served, cache, arguments, capsys):
    _, url = served
    path = cache / "datasets" / "data.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"old")
    get_file("data.bin", f"{url}/data.bin", **arguments)
    assert path.read_bytes() == CONTENT
    assert "downloaded again" in capsys.readouterr().out


def test_a_download_of_another_hash_is_not_kept(served, cache):
    _, url = served
    with pytest.raises(ValueError, match=f"sha256 hash {SHA256}, but {'0' * 64} is expected"):
        get_file("data.bin", f"{url}/data.bin", file_hash="0" * 64)
    assert list((cache / "datasets").iterdir()) == []


@pytest.mark.parametrize("path, words", [("missing", "404 -- File not found"), ("short", "4 of 1000|IncompleteRead")])
def test_a_failed_download_leaves_nothing(served, cache, path, words):
    _, url = served
    with pytest.raises(OSError, match=f"URL fetch failure on {url}/{path}: .*({words})"):
        get_file("file", f"{url}/{path}")
    assert list((cache / "datasets").iterdir()) == []


def test_a_server_that_is_not_there(cache):
    with pytest.raises(OSError, match="URL fetch failure on http://127.0.0.1:9/x"):
        get_file("file", "http://127.0.0.1:9/x")


def test_redirections_lead_to_the_network_only(served, cache):
    folder, url = served
    get_file("data.bin", f"{url}/to?{url}/data.bin", file_hash=MD5)
    with pytest.raises(OSError, match="redirected to file:.*not trusted|not allowed"):
        get_file("other", f"{url}/to?{(folder / 'data.bin').as_uri()}")


@pytest.mark.parametrize("origin", ["ftp://host/file", "data:,x", "/etc/passwd"])
def test_other_schemes(cache, origin):
    with pytest.raises(ValueError, match="expected one of https, http, file"):
        get_file("file", origin)


@pytest.mark.parametrize("name", ["../data.bin", "a/../../data.bin", ""])
def test_names_that_lead_out_of_the_cache(cache, name):
    with pytest.raises(ValueError, match="fname should be the name of a file"):
        get_file(name, "http://127.0.0.1:9/x")


def test_an_absolute_name_is_taken_as_it_is(served, cache, tmp_path):
    _, url = served
    assert get_file(str(tmp_path / "there" / "x"), f"{url}/data.bin") == str(tmp_path / "there" / "x")


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("POLYKERAS_HOME", raising=False)
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert downloads.cache_folder() == tmp_path / ".keras"
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    assert downloads.cache_folder() == tmp_path / "k"
    monkeypatch.setenv("POLYKERAS_HOME", str(tmp_path / "p"))
    assert downloads.cache_folder() == tmp_path / "p"


def test_where_home_cannot_be_written_to(monkeypatch, tmp_path):
    for name in ("POLYKERAS_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").write_text("a file: no folder can be made in it")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = downloads.cache_folder()
    assert folder.parent == tmp_path and folder.stat().st_mode & 0o077 == 0
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="others can write to it.*KERAS_HOME"):
        downloads.cache_folder()


def test_validate_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    assert validate_file(path, MD5) and validate_file(path, SHA256) and validate_file(path, SHA256, "sha256", 7)
    assert not validate_file(path, MD5[:-1] + "x") and not validate_file(path, MD5, "sha256")
    with pytest.raises(ValueError, match="hash_algorithm.*'sha1'"):
        validate_file(path, MD5, "sha1")


def test_untar(served, cache):
    folder, url = served
    with tarfile.open(folder / "set.tar.gz", "w:gz") as archive:
        archive.add(folder / "data.bin", "set/data.bin")
    path = get_file("set", f"{url}/set.tar.gz", untar=True)
    assert path == str(cache / "datasets" / "set")
    assert (cache / "datasets" / "set" / "data.bin").read_bytes() == CONTENT
    assert (cache / "datasets" / "set.tar.gz").exists()
    with pytest.raises(ValueError, match="no tar archive"):
        get_file("none", f"{url}/data.bin", untar=True)


@pytest.mark.parametrize("archive_format", ["auto", "zip", ["tar", "zip"]])
def test_extract(served, cache, archive_format):
    folder, url = served
    with zipfile.ZipFile(folder / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "data.bin", "set/data.bin")
    path = get_file("set.zip", f"{url}/set.zip", extract=True, archive_format=archive_format)
    assert path == str(cache / "datasets" / "set.zip")
    assert (cache / "datasets" / "set" / "data.bin").read_bytes() == CONTENT


def test_formats(served, cache):
    _, url = served
    get_file("data.bin", f"{url}/data.bin", extract=True, archive_format=None)
    assert sorted(os.listdir(cache / "datasets")) == ["data.bin"]
    with pytest.raises(ValueError, match="archive_format: 'rar'"):
        get_file("data.bin", f"{url}/data.bin", extract=True, archive_format="rar")

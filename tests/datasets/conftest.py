"""A web server and a data folder of each test's own."""

import pytest
from fetch_server import running_server


@pytest.fixture(scope="session")
def one_server():
    with running_server() as server:
        yield server


@pytest.fixture
def server(one_server):
    """The shared server, with no files on it and nothing asked of it yet."""
    one_server.files.clear()
    one_server.asked.clear()
    one_server.sent = 0
    return one_server


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GLASSBOTAN_DATA", str(tmp_path / "home"))
    return tmp_path / "home"

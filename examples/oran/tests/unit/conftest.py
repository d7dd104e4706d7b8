"""A front door that says what a test tells it to."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sdr_client import Client


class FrontDoor:
    """Answers by (method, path), and keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], tuple[int, bytes]] = {}
        self.asked: list[tuple[str, str, Any]] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            """One request."""

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                door.asked.append((self.command, self.path, json.loads(body) if body else None))
                code, answer = door.answers.get(
                    (self.command, self.path), (404, b'{"error": "there is no such route"}')
                )
                self.send_response(code)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = _answer  # pylint: disable=invalid-name

            def log_message(self, format: str, *args: Any) -> None:  # pylint: disable=redefined-builtin
                """Tests print nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def say(self, method: str, path: str, answer: Any, code: int = 200) -> None:
        """From now on answers a route so: bytes as they are, anything else as JSON."""
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.answers[(method, path)] = (code, body)

    def close(self) -> None:
        """Answers no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(name="door")
def front_door() -> Iterator[FrontDoor]:
    """A front door on loopback."""
    door = FrontDoor()
    yield door
    door.close()


@pytest.fixture(name="client")
def connected(door: FrontDoor) -> Client:
    """A client of it."""
    return Client(door.url)

"""The front door, as Python."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

from sdr_client.errors import RequestRefused, SdrError, Unreachable
from sdr_client.types import Decision, Encapsulated, Indication, KeyPair, Kpi, Node


class Client:
    """Talks to one front door. Makes a connection for each request, and may be shared between threads."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SdrError(f"not a URL like http://127.0.0.1:30080: {url!r}")
        self._secure = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._base = parts.path.rstrip("/")
        self._timeout = timeout

    def ready(self) -> bool:
        """Whether the front door wants to be sent requests."""
        try:
            self._text("GET", "/readyz")
        except SdrError:
            return False
        return True

    def metrics(self) -> str:
        """The front door's figures, as text."""
        return self._text("GET", "/metrics")

    def kem_keygen(self) -> KeyPair:
        """A new ML-KEM-768 key pair."""
        answer = self._json("POST", "/v1/pqc/kem/keygen")
        return KeyPair(answer["algorithm"], _octets(answer["encapsulation_key"]), _octets(answer["decapsulation_key"]))

    def kem_encapsulate(self, public: bytes) -> Encapsulated:
        """A fresh secret for the holder of a key."""
        answer = self._json("POST", "/v1/pqc/kem/encapsulate", {"encapsulation_key": public.hex()})
        return Encapsulated(_octets(answer["ciphertext"]), _octets(answer["shared_secret"]))

    def kem_decapsulate(self, secret: bytes, ciphertext: bytes) -> bytes:
        """The secret in a ciphertext."""
        request = {"decapsulation_key": secret.hex(), "ciphertext": ciphertext.hex()}
        return _octets(self._json("POST", "/v1/pqc/kem/decapsulate", request)["shared_secret"])

    def dsa_keygen(self) -> KeyPair:
        """A new ML-DSA-65 key pair."""
        answer = self._json("POST", "/v1/pqc/dsa/keygen")
        return KeyPair(answer["algorithm"], _octets(answer["verifying_key"]), _octets(answer["signing_key"]))

    def dsa_sign(self, secret: bytes, message: bytes, context: bytes = b"") -> bytes:
        """A signature over a message."""
        request = {"signing_key": secret.hex(), "message": message.hex(), "context": context.hex()}
        return _octets(self._json("POST", "/v1/pqc/dsa/sign", request)["signature"])

    def dsa_verify(self, public: bytes, message: bytes, signature: bytes, context: bytes = b"") -> bool:
        """Whether a signature is one over this message."""
        request = {
            "verifying_key": public.hex(),
            "message": message.hex(),
            "signature": signature.hex(),
            "context": context.hex(),
        }
        return bool(self._json("POST", "/v1/pqc/dsa/verify", request)["valid"])

    def policy(self) -> dict[str, Any]:
        """Which policy decides: its digest, its features and its choices."""
        return self._json("GET", "/v1/inference/policy")

    def decide(self, state: dict[str, float]) -> Decision:
        """What the policy would do with a cell in a state."""
        answer = self._json("POST", "/v1/inference/decisions", state)
        return Decision(answer["quota_change"], tuple(answer["scores"]))

    def nodes(self) -> list[Node]:
        """The E2 nodes that have set up."""
        answer = self._json("GET", "/v1/e2/nodes")
        return [Node(node["node"], tuple(node["cells"]), tuple(node["ran_functions"])) for node in answer["nodes"]]

    def set_up(self, node: str, cells: list[str], ran_functions: list[int]) -> list[int]:
        """Sets a node up; hands back the RAN functions that were accepted."""
        request = {"node": node, "cells": cells, "ran_functions": ran_functions}
        return list(self._json("POST", "/v1/e2/nodes", request)["accepted"])

    def control(self, cell: str, prb_quota_percent: int) -> int:
        """Tells a cell how much of its resource blocks it may use."""
        request = {"cell": cell, "prb_quota_percent": prb_quota_percent}
        return int(self._json("POST", "/v1/e2/controls", request)["prb_quota_percent"])

    def kpi(self, cell: str) -> Kpi:
        """A cell's key performance indicators."""
        return Kpi.from_answer(self._json("GET", f"/v1/cells/{quote(cell, safe='')}/kpi"))

    def subscribe(self, node: str, period_ms: int, reports: int) -> Iterator[Indication]:
        """A node's indications as they come. Leaving the loop deletes the subscription."""
        request = {"node": node, "reporting_period_ms": period_ms, "reports": reports}
        connection, response = self._send("POST", "/v1/e2/subscriptions", request)
        try:
            for line in response:
                message = json.loads(line)
                if "indication" in message:
                    yield Indication(message["indication"]["sequence"], message["indication"]["cells"])
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the subscription broke off: {error}") from error
        finally:
            connection.close()

    def _json(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        text = self._text(method, path, body)
        try:
            return json.loads(text)
        except ValueError as error:
            raise SdrError(f"{method} {path}: the answer is not JSON") from error

    def _text(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        connection, response = self._send(method, path, body)
        try:
            return response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{method} {path}: {error}") from error
        finally:
            connection.close()

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, self._port, timeout=self._timeout)
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, self._base + path, body=data, headers=headers)
            response = connection.getresponse()
            if response.status >= 400:
                raise RequestRefused(response.status, _reason(response.read()))
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(f"{method} {path}: {error}") from error
        except SdrError:
            connection.close()
            raise
        return connection, response


def _octets(text: str) -> bytes:
    return bytes.fromhex(text)


def _reason(body: bytes) -> str:
    """The reason in a refusal, whether it is JSON or plain words."""
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()

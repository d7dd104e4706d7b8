"""What the front door answers with."""

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class KeyPair:
    """A public key, and the secret that belongs to it, which is never printed."""

    algorithm: str
    public: bytes
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Encapsulated:
    """What to send to the holder of a key, and the secret to keep."""

    ciphertext: bytes
    shared_secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Decision:
    """By how many percent to move a cell's quota, and the score of each choice."""

    quota_change: int
    scores: tuple[float, ...]


@dataclass(frozen=True)
class Node:
    """An E2 node."""

    name: str
    cells: tuple[str, ...]
    ran_functions: tuple[int, ...]


@dataclass(frozen=True)
class Indication:
    """The figures of a node's cells at one moment. A gap in the sequence is an indication that was left out."""

    sequence: int
    cells: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Kpi:
    """A cell's key performance indicators."""

    cell: str
    node: str
    collected_at_ms: int
    prb_used_percent: float
    user_throughput_kbps: float
    connected_users: float

    @classmethod
    def from_answer(cls, answer: dict[str, Any]) -> "Kpi":
        """Takes what it knows: a newer front door may say more."""
        return cls(**{known.name: answer[known.name] for known in fields(cls)})

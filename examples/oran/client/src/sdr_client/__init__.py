"""Client of the sample product's front door."""

from sdr_client.client import Client
from sdr_client.errors import RequestRefused, SdrError, Unreachable
from sdr_client.types import Decision, Encapsulated, Indication, KeyPair, Kpi, Node

__all__ = [
    "Client",
    "Decision",
    "Encapsulated",
    "Indication",
    "KeyPair",
    "Kpi",
    "Node",
    "RequestRefused",
    "SdrError",
    "Unreachable",
]

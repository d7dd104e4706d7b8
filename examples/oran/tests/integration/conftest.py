"""The environment that is tested: PENSTOCK_ENVIRONMENT_URL names its front door."""

import os
import uuid

import pytest

from sdr_client import Client


@pytest.fixture(name="client", scope="session")
def environment() -> Client:
    """The environment's front door."""
    url = os.environ.get("PENSTOCK_ENVIRONMENT_URL")
    if not url:
        pytest.fail("PENSTOCK_ENVIRONMENT_URL is not set: there is no environment to test")
    return Client(url)


@pytest.fixture(name="unique")
def name_of_its_own() -> str:
    """A name that no other run uses."""
    return f"test-{uuid.uuid4().hex[:12]}"

"""The client says what the front door expects, and understands what it answers."""

import pytest

from sdr_client import Client, RequestRefused, SdrError, Unreachable


def test_a_key_pair_comes_as_bytes_and_its_secret_is_not_printed(door, client):
    door.say(
        "POST",
        "/v1/pqc/kem/keygen",
        {"algorithm": "ML-KEM-768", "encapsulation_key": "0aff", "decapsulation_key": "5ec3e7"},
    )
    keys = client.kem_keygen()
    assert (keys.algorithm, keys.public, keys.secret) == ("ML-KEM-768", b"\x0a\xff", b"\x5e\xc3\xe7")
    assert "secret" not in repr(keys)


def test_a_secret_is_encapsulated_and_decapsulated(door, client):
    door.say("POST", "/v1/pqc/kem/encapsulate", {"ciphertext": "c1", "shared_secret": "01"})
    door.say("POST", "/v1/pqc/kem/decapsulate", {"shared_secret": "01"})
    sent = client.kem_encapsulate(b"\x0a")
    assert client.kem_decapsulate(b"\x0b", sent.ciphertext) == sent.shared_secret == b"\x01"
    assert [body for _, _, body in door.asked] == [
        {"encapsulation_key": "0a"},
        {"decapsulation_key": "0b", "ciphertext": "c1"},
    ]


def test_a_message_is_signed_and_verified(door, client):
    door.say("POST", "/v1/pqc/dsa/keygen", {"algorithm": "ML-DSA-65", "verifying_key": "01", "signing_key": "02"})
    door.say("POST", "/v1/pqc/dsa/sign", {"signature": "51"})
    door.say("POST", "/v1/pqc/dsa/verify", {"valid": True})
    keys = client.dsa_keygen()
    signature = client.dsa_sign(keys.secret, b"message", b"context")
    assert client.dsa_verify(keys.public, b"message", signature, b"context") is True
    assert door.asked[-1][2] == {
        "verifying_key": "01",
        "message": b"message".hex(),
        "signature": "51",
        "context": b"context".hex(),
    }


def test_the_policy_decides(door, client):
    door.say("GET", "/v1/inference/policy", {"digest": "d", "features": [], "quota_changes": []})
    door.say("POST", "/v1/inference/decisions", {"quota_change": -10, "scores": [1.0, 2.0]})
    assert client.policy()["digest"] == "d"
    decision = client.decide({"prb_used": 0.5})
    assert (decision.quota_change, decision.scores) == (-10, (1.0, 2.0))


def test_nodes_set_up_are_listed_and_controlled(door, client):
    door.say("POST", "/v1/e2/nodes", {"ric": "r", "accepted": [2], "rejected": []}, code=201)
    door.say("GET", "/v1/e2/nodes", {"nodes": [{"node": "n", "cells": ["c"], "ran_functions": [2]}]})
    door.say("POST", "/v1/e2/controls", {"cell": "c", "prb_quota_percent": 40})
    assert client.set_up("n", ["c"], [2, 99]) == [2]
    assert [(node.name, node.cells) for node in client.nodes()] == [("n", ("c",))]
    assert client.control("c", 40) == 40


def test_an_indicator_that_a_newer_front_door_adds_is_left_out(door, client):
    answer = {
        "cell": "a/b",
        "node": "n",
        "collected_at_ms": 7,
        "prb_used_percent": 41.5,
        "user_throughput_kbps": 1000.0,
        "connected_users": 3.0,
        "something_new": "x",
    }
    door.say("GET", "/v1/cells/a%2Fb/kpi", answer)
    kpi = client.kpi("a/b")
    assert (kpi.cell, kpi.prb_used_percent) == ("a/b", 41.5)


def test_indications_come_one_by_one(door, client):
    lines = b"".join(
        [
            b'{"subscription": {"ran_function": 2}}\n',
            b'{"indication": {"sequence": 0, "cells": {"c": {"RRU.PrbTotDl": 1.0}}}}\n',
            b'{"indication": {"sequence": 1, "cells": {}}}\n',
        ]
    )
    door.say("POST", "/v1/e2/subscriptions", lines)
    indications = list(client.subscribe("n", period_ms=10, reports=2))
    assert [indication.sequence for indication in indications] == [0, 1]
    assert indications[0].cells == {"c": {"RRU.PrbTotDl": 1.0}}


@pytest.mark.parametrize(
    ("body", "reason"), [(b'{"error": "no cell x"}', "no cell x"), (b"plain words\n", "plain words"), (b"[]", "[]")]
)
def test_a_refusal_says_why(door, client, body, reason):
    door.say("GET", "/v1/cells/x/kpi", body, code=404)
    with pytest.raises(RequestRefused, match=f"404: .*{reason[-1]}") as refused:
        client.kpi("x")
    assert (refused.value.code, refused.value.reason) == (404, reason)


def test_an_answer_that_is_not_json_is_an_error(door, client):
    door.say("GET", "/v1/e2/nodes", b"<html>")
    with pytest.raises(SdrError, match="not JSON"):
        client.nodes()


def test_a_front_door_that_is_not_there_is_unreachable_and_not_ready(door):
    client = Client(door.url)
    door.say("GET", "/readyz", b"ready\n")
    assert client.ready()
    client = Client("http://127.0.0.1:1", timeout=0.5)
    assert not client.ready()
    with pytest.raises(Unreachable):
        client.nodes()


def test_figures_come_as_text(door, client):
    door.say("GET", "/metrics", b"# EOF\n")
    assert client.metrics() == "# EOF\n"


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "ftp://host", "http://"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(SdrError, match="not a URL"):
        Client(url)

"""What a user of the product does, against the services as they run in an environment."""

import pytest

from sdr_client import RequestRefused

KPM, RC = 2, 3


def test_the_front_door_is_ready_and_has_figures(client):
    assert client.ready()
    assert 'service_info{name="api-gateway"' in client.metrics()


def test_two_sides_agree_on_a_secret(client):
    keys = client.kem_keygen()
    assert keys.algorithm == "ML-KEM-768"
    sent = client.kem_encapsulate(keys.public)
    assert client.kem_decapsulate(keys.secret, sent.ciphertext) == sent.shared_secret


def test_a_changed_message_is_not_signed(client):
    keys = client.dsa_keygen()
    assert keys.algorithm == "ML-DSA-65"
    signature = client.dsa_sign(keys.secret, b"handover cell-11 to cell-12")
    assert client.dsa_verify(keys.public, b"handover cell-11 to cell-12", signature)
    assert not client.dsa_verify(keys.public, b"handover cell-11 to cell-13", signature)


def test_the_policy_decides_the_same_every_time(client):
    state = {"prb_used": 0.3, "prb_quota": 0.9, "users": 0.2, "throughput": 1.0, "latency": 0.4}
    first = client.decide(state)
    assert first.quota_change in client.policy()["quota_changes"]
    assert all(client.decide(state) == first for _ in range(5))


def test_a_cell_that_wants_more_than_its_quota_is_not_given_less(client):
    starved = {"prb_used": 0.2, "prb_quota": 0.2, "users": 0.9, "throughput": 0.25, "latency": 1.0}
    assert client.decide(starved).quota_change > 0


def test_a_node_sets_up_reports_and_obeys(client, unique):
    cell = f"{unique}-cell"
    assert client.set_up(unique, [cell], [KPM, RC, 99]) == [KPM, RC]
    assert unique in [node.name for node in client.nodes()]
    assert client.control(cell, 5) == 5
    indications = list(client.subscribe(unique, period_ms=50, reports=3))
    assert [indication.sequence for indication in indications] == [0, 1, 2]
    assert all(indication.cells[cell]["RRU.PrbTotDl"] <= 5 for indication in indications)


def test_a_cell_has_indicators(client):
    kpi = client.kpi("cell-11")
    assert (kpi.cell, kpi.node) == ("cell-11", "001-01-gnb-1")
    assert 0 <= kpi.prb_used_percent <= 100


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda client: client.control("cell-11", 101), 422),
        (lambda client: client.control("nowhere", 50), 404),
        (lambda client: client.kem_encapsulate(b"short"), 422),
        (lambda client: list(client.subscribe("nobody", period_ms=50, reports=1)), 404),
    ],
    ids=["quota", "cell", "key", "node"],
)
def test_what_cannot_be_done_is_refused(client, call, code):
    with pytest.raises(RequestRefused) as refused:
        call(client)
    assert refused.value.code == code

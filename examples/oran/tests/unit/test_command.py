"""The command prints a line of JSON for each thing it has to say."""

import json

from sdr_client.__main__ import main


def test_nodes_are_lines_of_json(door, capsys):
    door.say("GET", "/v1/e2/nodes", {"nodes": [{"node": "n", "cells": ["c"], "ran_functions": [2]}]})
    assert main(["--url", door.url, "nodes"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": "n", "cells": ["c"], "ran_functions": [2]}


def test_a_decision_needs_every_feature(door, capsys):
    door.say("POST", "/v1/inference/decisions", {"quota_change": 10, "scores": [0.5]})
    options = ["--prb-used", "0.5", "--prb-quota", "0.6", "--users", "0.1", "--throughput", "1", "--latency", "0.2"]
    assert main(["--url", door.url, "decide", *options]) == 0
    assert json.loads(capsys.readouterr().out)["quota_change"] == 10
    assert door.asked[0][2] == {"prb_used": 0.5, "prb_quota": 0.6, "users": 0.1, "throughput": 1.0, "latency": 0.2}


def test_a_watch_prints_indications(door, capsys):
    door.say("POST", "/v1/e2/subscriptions", b'{"indication": {"sequence": 0, "cells": {}}}\n')
    assert main(["--url", door.url, "watch", "n", "--reports", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sequence": 0, "cells": {}}


def test_a_refusal_is_one_line_and_an_exit_code(door, capsys):
    assert main(["--url", door.url, "kpi", "nowhere"]) == 1
    assert capsys.readouterr().err == "sdr: 404: there is no such route\n"

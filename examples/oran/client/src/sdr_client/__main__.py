"""The front door on the command line."""

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

from sdr_client.client import Client
from sdr_client.errors import SdrError

FEATURES = ("prb_used", "prb_quota", "users", "throughput", "latency")


def parser() -> argparse.ArgumentParser:
    """The commands."""
    top = argparse.ArgumentParser(prog="sdr", description=__doc__)
    top.add_argument("--url", default=os.environ.get("SDR_URL", "http://127.0.0.1:30080"), help="also SDR_URL")
    commands = top.add_subparsers(dest="command", required=True)
    commands.add_parser("nodes", help="the E2 nodes")
    commands.add_parser("kpi", help="a cell's indicators").add_argument("cell")
    decide = commands.add_parser("decide", help="what the policy would do with a cell in a state")
    for feature in FEATURES:
        decide.add_argument(f"--{feature.replace('_', '-')}", type=float, required=True)
    watch = commands.add_parser("watch", help="a node's indications")
    watch.add_argument("node")
    watch.add_argument("--period-ms", type=int, default=1000)
    watch.add_argument("--reports", type=int, default=10)
    return top


def answers(client: Client, arguments: argparse.Namespace) -> Iterable[Any]:
    """What a command has to say, line by line."""
    match arguments.command:
        case "nodes":
            yield from client.nodes()
        case "kpi":
            yield client.kpi(arguments.cell)
        case "decide":
            yield client.decide({feature: getattr(arguments, feature) for feature in FEATURES})
        case "watch":
            yield from client.subscribe(arguments.node, arguments.period_ms, arguments.reports)


def main(arguments: list[str] | None = None) -> int:
    """Runs a command: a line of JSON for each thing it has to say."""
    parsed = parser().parse_args(arguments)
    try:
        for answer in answers(Client(parsed.url), parsed):
            print(json.dumps(dataclasses.asdict(answer)), flush=True)
    except SdrError as error:
        print(f"sdr: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

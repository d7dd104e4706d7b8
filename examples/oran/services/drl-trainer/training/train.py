"""Trains the resource policy (a small deep Q-network) and exports it as ONNX, with decisions to compare with.

    python train.py --out ../models

The same seed gives the same policy on the same machine. The pipeline runs this by hand only; what comes out is looked
at and committed by a person, and `drl-trainer self-test` holds the committed policy to the committed decisions.
"""

import argparse
import json
import pathlib
import random
import sys
from collections import deque

import torch
from torch import nn

from cell import ACTIONS, FEATURES, Cell

HIDDEN = 32
MEMORY = 20_000
BATCH = 128
DISCOUNT = 0.9
EPISODE = 288
TARGET_EVERY = 200
# What a person asked of the policy before it may be exported: better than leaving every quota at its maximum.
MIN_ADVANTAGE = 0.02


def network() -> nn.Sequential:
    """The policy: figures in, a score for each action out."""
    return nn.Sequential(
        nn.Linear(len(FEATURES), HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, len(ACTIONS)),
    )


def learn(policy: nn.Module, target: nn.Module, optimizer: torch.optim.Optimizer, batch: list[tuple]) -> None:
    """One step of Q-learning on a batch of (state, action, reward, next state)."""
    states, actions, rewards, following = (list(column) for column in zip(*batch))
    with torch.no_grad():
        worth = torch.tensor(rewards) + DISCOUNT * target(torch.tensor(following)).max(dim=1).values
    chosen = policy(torch.tensor(states)).gather(1, torch.tensor(actions).unsqueeze(1)).squeeze(1)
    loss = nn.functional.smooth_l1_loss(chosen, worth)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train(episodes: int, seed: int) -> nn.Sequential:
    """A policy that has seen so many days of so many cells."""
    torch.manual_seed(seed)
    # Chance that is to be repeatable, not secret.
    chance = random.Random(seed)  # nosec B311
    policy, target = network(), network()
    target.load_state_dict(policy.state_dict())
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
    memory: deque[tuple] = deque(maxlen=MEMORY)
    steps = 0
    for episode in range(episodes):
        cell = Cell(seed + episode)
        exploration = max(0.05, 1.0 - 1.5 * episode / episodes)
        for _ in range(EPISODE):
            state = cell.state()
            if chance.random() < exploration:
                action = chance.randrange(len(ACTIONS))
            else:
                action = decide(policy, state)
            reward = cell.step(action)
            memory.append((state, action, reward, cell.state()))
            steps += 1
            if len(memory) >= BATCH and steps % 2 == 0:
                learn(policy, target, optimizer, chance.sample(memory, BATCH))
            if steps % TARGET_EVERY == 0:
                target.load_state_dict(policy.state_dict())
    return policy


def scores(policy: nn.Module, state: list[float]) -> list[float]:
    """The score of each action in a state."""
    with torch.no_grad():
        return policy(torch.tensor([state]))[0].tolist()


def decide(policy: nn.Module, state: list[float]) -> int:
    """The action with the highest score; the first of equals."""
    values = scores(policy, state)
    return values.index(max(values))


def mean_reward(choose, seeds: range) -> float:
    """What a way of choosing earns a step, over days that training has not seen."""
    total = 0.0
    for seed in seeds:
        cell = Cell(seed)
        total += sum(cell.step(choose(cell.state())) for _ in range(EPISODE))
    return total / (len(seeds) * EPISODE)


def export(policy: nn.Module, directory: pathlib.Path, report: dict) -> None:
    """Writes the policy and, beside it, states with the scores that PyTorch gave them."""
    directory.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        policy.eval(),
        (torch.zeros(1, len(FEATURES)),),
        str(directory / "policy.onnx"),
        input_names=["state"],
        output_names=["scores"],
        opset_version=17,
        dynamo=False,
    )
    cell = Cell(-1)
    decisions = []
    for _ in range(24):
        state = [round(value, 4) for value in cell.state()]
        action = decide(policy, state)
        decisions.append({"state": state, "scores": scores(policy, state), "action": action})
        for _ in range(12):
            cell.step(action)
    expected = {"features": FEATURES, "actions": ACTIONS, "training": report, "decisions": decisions}
    (directory / "policy.expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Trains, judges and exports; refuses to export a policy that is no good."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="directory for the policy")
    parser.add_argument("--episodes", type=int, default=120, help="days to learn from")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)
    policy = train(arguments.episodes, arguments.seed)
    unseen = range(1_000_000, 1_000_020)
    trained = mean_reward(lambda state: decide(policy, state), unseen)
    idle = mean_reward(lambda state: ACTIONS.index(20), unseen)
    print(f"reward a step: {trained:.3f}, with every quota at its maximum {idle:.3f}")
    if trained < idle + MIN_ADVANTAGE:
        print("the policy is not better than doing nothing: not exported", file=sys.stderr)
        return 1
    report = {
        "torch": torch.__version__,
        "episodes": arguments.episodes,
        "seed": arguments.seed,
        "reward": round(trained, 4),
        "reward_at_full_quota": round(idle, 4),
    }
    export(policy, arguments.out, report)
    return 0


if __name__ == "__main__":
    sys.exit(main())

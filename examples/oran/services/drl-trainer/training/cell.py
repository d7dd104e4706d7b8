"""A cell as the policy sees it: a small environment to learn in.

A state is what E2SM-KPM reports, each figure scaled to about 0..1. An action moves the share of the cell's resource
blocks that may be used (E2SM-RC's quota) up or down.
"""

import math
import random

FEATURES = ("prb_used", "prb_quota", "users", "throughput", "latency")
ACTIONS = (-20, -10, 0, 10, 20)

MIN_QUOTA = 10
MAX_QUOTA = 100
MAX_USERS = 24
TURN = 288


class Cell:
    """One cell over a day in steps of five minutes."""

    def __init__(self, seed: int) -> None:
        # Chance that is to be repeatable, not secret.
        self._random = random.Random(seed)  # nosec B311
        self._place = self._random.randrange(TURN)
        self._time = 0
        self.quota = float(self._random.randrange(MIN_QUOTA, MAX_QUOTA + 1))
        self._wanted = 0.0
        self._move_load()

    def _move_load(self) -> None:
        turn = math.tau * (self._time + self._place) / TURN
        noise = self._random.uniform(-6.0, 6.0)
        self._wanted = min(98.0, max(2.0, 55.0 + 38.0 * math.sin(turn) + noise))

    def state(self) -> list[float]:
        """The figures, in the order of FEATURES."""
        used = min(self._wanted, self.quota)
        users = math.ceil(self._wanted / 4.0)
        served = used / self._wanted
        latency = 1.0 if served < 1.0 else used / self.quota
        return [used / 100.0, self.quota / 100.0, users / MAX_USERS, served, latency]

    def step(self, action: int) -> float:
        """Carries an action out, lets five minutes pass, and rewards what users got, less what was kept idle."""
        self.quota = min(MAX_QUOTA, max(MIN_QUOTA, self.quota + ACTIONS[action]))
        self._time += 1
        self._move_load()
        served = min(self._wanted, self.quota) / self._wanted
        idle = max(0.0, self.quota - self._wanted) / 100.0
        unrest = abs(ACTIONS[action]) / 400.0
        return 2.0 * served - idle - unrest

"""What can go wrong."""


class SdrError(Exception):
    """Anything that this package raises."""


class Unreachable(SdrError):
    """Nobody answered, or the answer broke off."""


class RequestRefused(SdrError):
    """The front door answered that it cannot, and why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason

"""For whoever writes an engine: checks that prove it against the contract.

``check_engine`` runs them all; ``python -m vivavoce.testing`` does so from a shell.
"""

from vivavoce.testing.engine_checks import CHECKS, Check, Subject
from vivavoce.testing.kit import Outcome, check_engine

__all__ = ["CHECKS", "Check", "Outcome", "Subject", "check_engine"]

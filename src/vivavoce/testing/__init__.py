"""Checks of an engine against the contract, for authors of engines.

``check_engine`` runs them all; ``python -m vivavoce.testing`` does the same from a shell.
"""

from vivavoce.testing.engine_checks import CHECKS, Check, Subject
from vivavoce.testing.kit import Outcome, check_engine

__all__ = ["CHECKS", "Check", "Outcome", "Subject", "check_engine"]

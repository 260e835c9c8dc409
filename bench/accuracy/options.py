"""Command-line options common to the scripts of this folder."""

import argparse
from pathlib import Path


def common(program: str, description: str) -> argparse.ArgumentParser:
    """Return a parser with the options common to all scripts."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {program}", description=description.splitlines()[0]
    )
    parser.add_argument(
        "--audio", type=Path, required=True, help="folder of recordings with a manifest.jsonl"
    )
    parser.add_argument("--language", default="en", help="which recordings; default en")
    parser.add_argument(
        "--skip", action="append", default=[], metavar="ID", help="leave a recording out"
    )
    models(parser)
    return parser


def models(parser: argparse.ArgumentParser) -> None:
    """Add the option for the folder of the models."""
    parser.add_argument("--models-dir", type=Path, help="folder of the models")

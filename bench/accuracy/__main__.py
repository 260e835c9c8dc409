"""Word errors of the live server against its own engine on whole recordings.

    PYTHONPATH=bench python -m accuracy --audio DIR [--out FILE]

Exits with 1 if a session failed, contradicted itself, or heard otherwise under other load.
"""

import asyncio
import sys

from accuracy.corpus import CorpusError, read_corpus
from accuracy.measure import Plan, measure
from accuracy.options import common
from accuracy.report import as_json, dumped, markdown


def main() -> None:
    """Print the tables, and write JSON where asked for."""
    parser = common("accuracy", __doc__ or "")
    parser.add_argument("--sessions", type=int, default=3, help="live sessions at once; default 3")
    parser.add_argument(
        "--repeat-every", type=int, default=5, help="hear every n-th again, 0 for none; default 5"
    )
    parser.add_argument("--no-texts", action="store_true", help="only counts in the JSON")
    options = parser.parse_args()
    try:
        recordings = read_corpus(options.audio, options.language, options.skip)
    except CorpusError as error:
        parser.error(str(error))
    plan = Plan(
        recordings=recordings,
        language=options.language,
        endpointing=options.endpointing,
        maximum_duration=options.maximum_duration,
        sessions=options.sessions,
        repeat_every=options.repeat_every,
        models=options.models_dir,
    )
    measured = asyncio.run(measure(plan))
    print(markdown(plan, measured))
    if options.out:
        found = as_json(plan, measured, texts=not options.no_texts)
        options.out.write_text(dumped(found), "utf-8")
    sys.exit("\n".join(measured.faults) or None)


if __name__ == "__main__":
    main()

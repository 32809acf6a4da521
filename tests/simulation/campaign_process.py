"""A campaign in a process of its own: CAMPAIGN STORE [WORKERS|ADDRESS [SECONDS]]."""

import sys

from glassbotan.errors import GlassbotanError
from glassbotan.simulation.campaign import load_campaign
from glassbotan.simulation.resources import Resources
from glassbotan.simulation.run import run_campaign

# Also in the worker processes, which import this file.
from simulation import impatient  # noqa: F401


def say(what: object) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(campaign: str, store: str, where: str = "1", *limit: str) -> None:
    place = {"workers": int(where)} if where.isdecimal() else {"scheduler": where}
    resources = Resources(**place, time_limit=float(limit[0]) if limit else None)
    try:
        summary = run_campaign(
            load_campaign(campaign),
            store,
            resources=resources,
            progress=lambda done, total, *_, **__: say(done / total),
        )
    except GlassbotanError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_status)
    say("complete" if summary.complete else "incomplete")


if __name__ == "__main__":
    main(*sys.argv[1:])

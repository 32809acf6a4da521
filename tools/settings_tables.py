"""Write the tables of settings in docs/ from the models that the commands are made of.

    python tools/settings_tables.py

A table stands between ``<!-- settings: Campaign -->`` and ``<!-- end -->``.
"""

import re
from pathlib import Path

from pydantic import BaseModel

from glassbotan.simulation.campaign import Campaign
from glassbotan.simulation.equilibration import EquilibrationSettings

MODELS: dict[str, type[BaseModel]] = {
    "Campaign": Campaign,
    "EquilibrationSettings": EquilibrationSettings,
}
PLACE = re.compile(r"(<!-- settings: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(model: type[BaseModel]) -> str:
    """Return a model's fields as a table in Markdown."""
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        default = field.get_default()
        if isinstance(default, tuple):
            default = ", ".join(map(str, default))
        shown = "required" if field.is_required() else "" if default is None else f"`{default}`"
        value = field.title or ("yes or no" if field.annotation is bool else "")
        rows.append(f"| `{name}` | {value} | {shown} | {field.description} |")
    return "\n".join(rows) + "\n"


def with_tables(text: str) -> str:
    """Return a page with its tables of settings as they should be."""
    return PLACE.sub(lambda found: found[1] + table(MODELS[found[2]]) + found[3], text)


if __name__ == "__main__":
    page = Path(__file__).parent.parent / "docs" / "simulate.md"
    page.write_text(with_tables(page.read_text(encoding="utf-8")), encoding="utf-8")

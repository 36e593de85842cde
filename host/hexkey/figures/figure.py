"""A figure that was drawn, and what a page of them says."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hexkey.errors import StoreError
from hexkey.figures.stated import Stated


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture, what it shows, and what does not follow.

    Attributes
    ----------
    path : Path
    title, caption : str
    """

    path: Path
    title: str
    caption: str


def write_page(figures: Sequence[Figure], table: Sequence[Stated], folder: Path) -> list[Path]:
    """Write ``figures.md``, with every picture, its caption and the table, and ``figures.json``.

    Raises
    ------
    StoreError
        A file cannot be written.
    """
    parts = ["# The papers' figures, computed", SOURCES]
    for figure in figures:
        parts += [f"## {figure.title}", f"![{figure.title}]({figure.path.name})", figure.caption]
    if table:
        parts += ["## Stated against computed", markdown(table)]
    page, values = folder / "figures.md", folder / "figures.json"
    try:
        page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
        document = json.dumps(as_document(figures, table), indent=2, ensure_ascii=False)
        values.write_text(document + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written to: {error.strerror}") from None
    return [page, values]


def as_document(figures: Sequence[Figure], table: Sequence[Stated]) -> dict[str, Any]:
    """Return figures and claims as JSON values."""
    return {
        "figures": [
            {"file": figure.path.name, "title": figure.title, "caption": figure.caption}
            for figure in figures
        ],
        "claims": [asdict(each) for each in table],
    }


SOURCES = (
    "[T] is Tapşın et al., *Secure Quantum Key Distribution Using a Room-Temperature Quantum "
    "Emitter*; [V] is Vajner et al., Adv. Quantum Technol. 5, 2100116 (2022). Losses are the "
    "channel's alone."
)


def markdown(table: Sequence[Stated]) -> str:
    """Return the table of claims."""
    lines = ["| claim | where | stated | computed | follows |", "|---|---|---|---|---|"]
    for each in table:
        computed = f"{each.computed}; {each.note}" if each.note else each.computed
        follows = "yes" if each.follows else "**no**"
        lines.append(f"| {each.claim} | {each.where} | {each.stated} | {computed} | {follows} |")
    return "\n".join(lines)

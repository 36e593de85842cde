"""``python -m hexkey.reconcile.ldpc.design``: recipes by density evolution, codes from recipes."""

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hexkey.reconcile.ldpc.code import SUMS, Code, encode
from hexkey.reconcile.ldpc.design.growth import grow

HERE = Path(__file__).parent
RECIPES = HERE / "recipes.json"
CODES = HERE.parent / "codes"


def code_name(recipe: dict[str, Any]) -> str:
    """Return the name of a recipe's code."""
    return f"{recipe['columns']}x{recipe['rows']}"


def code_of(recipe: dict[str, Any]) -> Code:
    """Grow the code of a recipe."""
    degrees = [int(d) for d, count in recipe["degrees"].items() for _ in range(count)]
    seed = f"hexkey ldpc v1 {code_name(recipe)}".encode()
    return grow(recipe["rows"], degrees, recipe["lifting"], seed)


def write_codes(recipes: Sequence[dict[str, Any]], folder: Path) -> None:
    """Grow all codes and write them with their checksums, least redundant first."""
    sums = []
    for recipe in sorted(recipes, key=lambda r: r["rows"] / r["columns"]):
        name, data = code_name(recipe), encode(code_of(recipe))
        (folder / name).write_bytes(data)
        sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        print(name, flush=True)
    (folder / SUMS).write_text("".join(sums))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m hexkey.reconcile.ldpc.design")
    parser.add_argument("what", choices=["recipes", "codes"])
    parser.add_argument("--out", type=Path, help="where to write; the package itself if not given")
    options = parser.parse_args()
    if options.what == "codes":
        write_codes(json.loads(RECIPES.read_text()), options.out or CODES)
        return
    from hexkey.reconcile.ldpc.design.family import write_recipes

    write_recipes(options.out or RECIPES)


if __name__ == "__main__":
    main()

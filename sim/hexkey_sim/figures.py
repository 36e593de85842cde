"""The papers' figures, all of them: mathematics from the host, Fig. 3 from simulated clicks."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from hexkey import plot
from hexkey.errors import ConfigurationError, StoreError
from hexkey.figures import decoys, fig4, fig5, review
from hexkey.figures.figure import Figure, write_page
from hexkey.figures.stated import Stated, stated_claims
from hexkey_sim import fig3

COMPUTED: dict[str, Callable[[Path], Figure]] = {
    "fig4": fig4.draw_figure,
    "fig5": fig5.draw_figure,
    "review": review.draw_figure,
    "decoys": decoys.draw_figure,
}
SIMULATED = "fig3"
CLAIMS = "stated"
NAMES = (SIMULATED, *COMPUTED, CLAIMS)


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was made: the figures, the claims beside what was computed, and every file."""

    figures: tuple[Figure, ...]
    claims: tuple[Stated, ...]
    files: tuple[Path, ...]


def draw_figures(
    folder: Path,
    names: Sequence[str] = NAMES,
    *,
    seconds: float = fig3.SECONDS,
    seed: int = fig3.SEED,
    progress: Callable[[str], None],
) -> Drawn:
    """Draw figures into a folder, with ``figures.md`` and ``figures.json`` beside them.

    Parameters
    ----------
    folder : Path
        Made if there is none.
    names : sequence of str
        Of `NAMES`.
    seconds, seed
        Of the link that is simulated for Fig. 3.
    progress : callable
        Called with what is being done.

    Raises
    ------
    ConfigurationError
        matplotlib is not installed, or a name is not known.
    StoreError
        A file cannot be written.
    """
    plot.require()
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise ConfigurationError(f"no figure is called {unknown[0]!r}: use {', '.join(NAMES)}")
    figures: list[Figure] = []
    claims: list[Stated] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if SIMULATED in names:
            third = fig3.draw(folder, seconds=seconds, seed=seed, progress=progress)
            figures.append(Figure(third.path, third.title, third.caption))
            claims += [Stated(**asdict(claim)) for claim in third.claims]
        for name, draw in COMPUTED.items():
            if name in names:
                progress(f"{name}: computing and drawing")
                figures.append(draw(folder))
    except OSError as error:
        raise StoreError(f"{folder} cannot be written to: {error.strerror}") from None
    if CLAIMS in names:
        progress("what the papers state, beside what is computed")
        claims += stated_claims()
    pages = write_page(figures, claims, folder)
    return Drawn(tuple(figures), tuple(claims), (*(each.path for each in figures), *pages))

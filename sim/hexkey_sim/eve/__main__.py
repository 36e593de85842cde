"""Measures every attack and draws docs/figures/eavesdroppers.png: ``python -m hexkey_sim.eve OUT``.

Needs the extra ``plot``; takes a minute.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np

from hexkey.plot import BAD, GATE, GOOD, INK, SOFT, draw
from hexkey_sim.eve.study import ATTACKS, Attack, Point, measure

Study = list[tuple[Attack, list[Point]]]

ROWS = (
    ("sifted rate, of the honest one", lambda point: point.rate),
    ("QBER", lambda point: point.qber),
    ("known of a sifted bit", lambda point: point.known),
)
COLOURS = (BAD, GOOD, INK, GATE)
MARKS = ("o", "s", "^", "D")
ABORT = 0.11


def main() -> None:
    """Measure, print a table and draw."""
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "eavesdroppers.png")
    study: Study = []
    for attack in ATTACKS:
        study.append((attack, measure(attack)))
        for point in study[-1][1]:
            test = "" if point.test_qber is None else f"  test {point.test_qber:.2%}"
            print(
                f"{attack.link.parameters.protocol:5}{attack.name:32}share {point.share:.1f}  "
                f"rate {point.rate:.3f}  QBER {point.qber:.2%}{test}  guesses {point.guessed:.3f}  "
                f"known {point.known:.3f}  taken off {point.taken_off:.3f}",
                flush=True,
            )
    print(draw(_paint, study, out, (9.0, 8.4)))


def _paint(figure: Any, study: Study) -> None:
    axes = figure.subplots(3, 2, sharex=True, sharey="row")
    for column, protocol in enumerate(("b92", "bb84")):
        chosen = [each for each in study if each[0].link.parameters.protocol == protocol]
        for row, (label, value) in enumerate(ROWS):
            panel = axes[row][column]
            for place, (attack, points) in enumerate(chosen):
                _curve(
                    panel, attack, points, value, COLOURS[place], MARKS[place], knowledge=row == 2
                )
            if column == 0:
                panel.set_ylabel(label)
        axes[0][column].set_title(protocol.upper())
        axes[0][column].legend(frameon=False, fontsize=8.5, loc="lower left")
        axes[1][column].axhline(ABORT, color=SOFT, lw=1, ls="--")
        axes[1][column].text(0.0, ABORT + 0.005, "blocks are dropped", color=SOFT, fontsize=8.5)
        axes[2][column].set_xlabel("share of the pulses attacked")
    axes[0][0].set_ylim(0, 1.1)
    axes[1][0].set_ylim(0, 0.3)
    axes[2][0].set_ylim(-0.03, 1.05)
    (dots,) = axes[2][1].plot([], [], color=SOFT, ls=":", lw=1.4)
    said = "taken off by privacy amplification for that QBER"
    axes[2][1].legend([dots], [said], frameon=False, fontsize=8.5, loc="upper left")


def _curve(
    panel: Any,
    attack: Attack,
    points: list[Point],
    value: Any,
    colour: str,
    mark: str,
    *,
    knowledge: bool,
) -> None:
    shares = [point.share for point in points]
    style = {"color": colour, "marker": mark, "ms": 5, "ls": "", "clip_on": False}
    panel.plot(shares, [value(point) for point in points], label=attack.name, **style)
    if attack.expected is None:
        panel.plot(shares, [value(point) for point in points], color=colour, lw=0.6)
        return
    fine = [attack.expected(attack.link, float(share)) for share in np.linspace(0, 1, 101)]
    panel.plot([p.share for p in fine], [value(p) for p in fine], color=colour, lw=1.2)
    if knowledge:
        taken = [point.taken_off for point in fine]
        panel.plot([p.share for p in fine], taken, color=colour, ls=":", lw=1.4)


if __name__ == "__main__":
    main()

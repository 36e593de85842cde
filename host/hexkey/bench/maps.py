"""How fast the maps over start and width of the gate are: the paper's 41 × 91 gates."""

import time
from fractions import Fraction

import numpy as np

from hexkey.bench.sift import PERIOD_TICKS, random_events
from hexkey.bench.timing import best_s
from hexkey.gate import Gate
from hexkey.maps import Windows, count_windows
from hexkey.maps.bb84 import Bb84Reading
from hexkey.maps.bb84_rates import bb84_rate_map
from hexkey.session.bb84 import Bb84Terms
from hexkey.session.parameters import SessionParameters
from hexkey.sift import gate_and_sift

CLICKS = 10_000_000
TICK_PS = Fraction(10)
STARTS = np.arange(0, 401, 10)  # 0 to 4 ns in steps of 100 ps, in ticks of 10 ps
WIDTHS = np.arange(300, 1201, 10)  # 3 to 12 ns
WRAPPING_STARTS = STARTS + 1600  # up to 7 ns past the period's end
BB84 = Bb84Reading(
    Bb84Terms(0.88, 0.88, 1.2e-5, 1e-15), SessionParameters(protocol="bb84", estimate_bits=0)
)
BLOCK_S = 4.5
PULSES_OF_A_BLOCK = (151_400, 2_900, 20, 2_890, 53, 2, 5, 42_000, 4)  # by their kind


def run() -> dict[str, float]:
    """Time maps of 3731 gates over 10 million clicks, best of three runs, on one core.

    Returns
    -------
    dict
        Seconds of processor time of a map, also of gates that reach past the period's end; times as
        fast as `gate_and_sift` of every gate in turn, from the time that one gate takes. And the
        seconds that BB84's rates of as many gates take, once they are counted.
    """
    events = random_events(CLICKS)
    sent = np.random.default_rng(2).integers(0, 2, len(events), dtype=np.uint8)
    within = Windows(STARTS, WIDTHS, PERIOD_TICKS)
    wrapping = Windows(WRAPPING_STARTS, WIDTHS, PERIOD_TICKS)
    gates = [Gate(int(STARTS[5]), int(WIDTHS[70]))] * 2
    kinds = np.random.default_rng(3).poisson(
        PULSES_OF_A_BLOCK, (*within.end_ticks.shape, len(PULSES_OF_A_BLOCK))
    )
    map_s, wrapping_s, gate_s, rates_s = best_s(
        lambda: count_windows(events, sent, within),
        lambda: count_windows(events, sent, wrapping, sent),
        lambda: gate_and_sift(events, gates, PERIOD_TICKS),
        lambda: bb84_rate_map(within, kinds, BLOCK_S, TICK_PS, BB84, BLOCK_S),
        repetitions=3,
        clock=time.process_time,
    )
    return {
        "map_s": map_s,
        "wrapping_map_s": wrapping_s,
        "million_clicks_per_s": CLICKS / map_s / 1e6,
        "ratio_to_gate_by_gate": gate_s * len(STARTS) * len(WIDTHS) / map_s,
        "bb84_rates_s": rates_s,
    }

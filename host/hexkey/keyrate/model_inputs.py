"""The models under the names, inputs and units of a table of reference values kept elsewhere.

Thin: each function turns named inputs into a call of the module that has the formula. Capital
letters and short names are the table's.
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from hexkey.keyrate import (
    b92,
    b92_certified,
    b92_experiment,
    bb84_single,
    bb84_single_finite,
    bb84_single_observed,
    decoy,
    decoy_one,
    decoy_two,
    domain,
    entanglement,
    gllp,
    limits,
    repeater,
    tails,
)
from hexkey.keyrate.b92_planned import planned_length_unproven
from hexkey.keyrate.b92_receiver import Kind, TrustedReceiver
from hexkey.keyrate.binomial import binomial_ppf
from hexkey.keyrate.decoy_finite import Bound, Intensities
from hexkey.keyrate.domain import Array
from hexkey.keyrate.entropy import binary_entropy
from hexkey.keyrate.outcome import Outcome, outcome

T = TypeVar("T")
Number = float | int | Array
Result = Number | Outcome
LinkName = str | Mapping[str, float]

LINKS = {
    "base": bb84_single.SinglePhotonLink(40e6, 0.0131, 0.24, 0.0176, 8e-7, 0.42),
    "impr": bb84_single.SinglePhotonLink(80e6, 0.264, 0.018, 0.01, 8e-7, 0.42),
}
"""The two columns of Tapşın et al., Table II."""

_B92_LEAKS: dict[str, b92.Leak] = {"eq7": "eq7", "max(eq7,1.16 n h)": "conservative"}
_BB84_LEAKS: dict[str, bb84_single_finite.Leak] = {
    "fec": "efficiency",
    "1.16 n h": "efficiency",
    "max(fec,eq7)": "larger",
}
_ORDERS: dict[str, repeater.Order] = {"seq": "sequential", "par": "parallel"}
_OBJECTIVES: dict[str, repeater.Objective] = {"K_use": "per_use", "K_bps": "per_second"}


def _pick(name: str, value: str, table: Mapping[str, T]) -> T:
    return table[domain.choice(name, value, tuple(table))]


def _link(link: LinkName) -> bb84_single.SinglePhotonLink:
    if isinstance(link, Mapping):
        return bb84_single.SinglePhotonLink(**link)
    return _pick("link", link, LINKS)


def _sound(name: str, value: str, sound: str) -> None:
    """Refuse a reading of the papers that is not implemented, because it is not sound."""
    domain.choice(name, value, (sound,))


def _h2(x: float) -> Number:
    return binary_entropy(x)


def _binom_ppf(eps: float, n: int, p: str) -> Number:
    return binomial_ppf(float(eps), n, float(p))


def _b92_leak_eq7(n: int, Q: float, eps_cor: float) -> Number:
    return b92.leak_eq7(n, Q, eps_cor)


def _b92_leak_eq7_tm(n: int, Q: float, eps_cor: float) -> Number:
    return b92.leak_eq7_tm(n, Q, eps_cor)


def _b92_key_sound(
    n: int, Q: float, eps_pa: float, eps_cor: float, leak: str | float = "eq7"
) -> Outcome:
    if isinstance(leak, str):
        return planned_length_unproven(n, Q, eps_pa, eps_cor, _pick("leak", leak, _B92_LEAKS))
    return planned_length_unproven(n, Q, eps_pa, eps_cor, leak)


def _b92_key_conservative(
    n: int, Q: float, eps_pa: float, eps_cor: float, leak: str = "max(eq7,1.16 n h)"
) -> Outcome:
    return _b92_key_sound(n, Q, eps_pa, eps_cor, leak)


def _b92_asym_fraction(Q: float) -> Number:
    return b92.asymptotic_fraction_unproven(Q)


def _b92_certified(
    Q: float,
    T: float = 1.0,
    receiver: Kind = "four outcomes",
    eta_trusted: float = 1.0,
    e_trusted: float = 0.0,
    p_multi: float = 0.0,
    f_ec: float = 1.0,
) -> Outcome:
    found = b92_certified.asymptotic_collective_rate(
        Q, T, TrustedReceiver(receiver, eta_trusted, e_trusted), p_multi, f_ec
    )
    return outcome(found.per_sifted, (True, found.reason))


def _bb84_asym_rate(
    link: LinkName, loss_db: float, eta_tr: float = 1.0, f_ec: float = 1.0
) -> Outcome:
    return bb84_single.asymptotic_rate(_link(link), loss_db, eta_tr, f_ec)


def _bb84_asym_opt(link: LinkName, loss_db: float, f_ec: float = 1.0) -> Outcome:
    return bb84_single.best_asymptotic_rate(_link(link), loss_db, f_ec)


def _bb84_asym_maxloss(link: LinkName, reading: str = "sound", f_ec: float = 1.0) -> Number:
    _sound("reading", reading, "sound")
    return bb84_single.largest_loss_db(_link(link), f_ec)


def _chernoff_upper(nexp: float, eps: float) -> Number:
    return tails.upper_count(nexp, eps)


def _gamma_u(n: float, k: float, lam: float, eps: float) -> Number:
    return tails.sampling_deviation_unproven(n, k, lam, eps)


def _bb84_finite_length(
    link: LinkName,
    loss_db: float,
    t_S: float,
    pX: float,
    eta_tr: float = 1.0,
    eps: float = 1e-10,
    eps_cor: float = 1e-15,
    eps_pe: float = 4e-10,
    leak: str = "1.16 n h",
    sample: str = "nmp",
) -> Outcome:
    _sound("sample", sample, "nmp")
    epsilons = bb84_single_finite.PlannedEpsilons(eps, eps_pe, eps_cor)
    return bb84_single_finite.planned_length(
        _link(link), loss_db, t_S, pX, eta_tr, epsilons, _pick("leak", leak, _BB84_LEAKS)
    )


def _bb84_finite_opt(
    link: LinkName, loss_db: float, t_S: float, leak: str = "fec", sample: str = "nmp"
) -> Outcome:
    _sound("sample", sample, "nmp")
    return bb84_single_finite.best_planned_length(
        _link(link), loss_db, t_S, leak=_pick("leak", leak, _BB84_LEAKS)
    )


def _bb84_finite_maxloss(
    link: LinkName, t_S: float, leak: str = "fec", sample: str = "nmp"
) -> Number:
    _sound("sample", sample, "nmp")
    return bb84_single_finite.largest_loss_db(
        _link(link), t_S, leak=_pick("leak", leak, _BB84_LEAKS)
    )


def _bb84_observed_length(
    sent_key: int,
    sent_test: int,
    clicks_key: int,
    clicks_test: int,
    errors_test: int,
    multiphoton_upper: float,
    leak_bits: float,
    verification_bits: float,
    eps_smoothing: float,
    eps_pa: float,
    bob_key_bias: float = 1.0,
    bob_test_bias: float = 1.0,
) -> Outcome:
    block = bb84_single_observed.ObservedBlock(
        sent_key,
        sent_test,
        clicks_key,
        clicks_test,
        errors_test,
        multiphoton_upper,
        bob_key_bias,
        bob_test_bias,
    )
    key = bb84_single_observed.key_length(
        block, leak_bits, verification_bits, eps_smoothing, eps_pa
    )
    return outcome(key.bits, (True, key.reason))


def _gllp_review(d_km: float) -> Outcome:
    return gllp.rate_bps(d_km)


def _gllp_review_maxdist() -> Number:
    return gllp.largest_distance_km()


def _luong(
    LA: float, LB: float, T2: float, p_d: float = 0.0, mode: str = "seq", out: str = "K_use"
) -> Result:
    rates = repeater.node_rates(repeater.Node(T2, p_d), LA, LB, _pick("mode", mode, _ORDERS))
    outputs: dict[str, Result] = {
        "Y": rates.yield_per_use,
        "e_X": rates.error_x,
        "e_Z": rates.error_z,
        "K_use": rates.per_use,
        "K_bps": rates.per_second,
    }
    return _pick("out", out, outputs)


def _luong_opt(
    loss_db: float, T2: float, p_d: float = 0.0, mode: str = "seq", objective: str = "K_use"
) -> Outcome:
    wanted = _pick("objective", objective, _OBJECTIVES)
    order = _pick("mode", mode, _ORDERS)
    rates = repeater.best_rates(repeater.Node(T2, p_d), loss_db, order, wanted)
    return rates.per_use if wanted == "per_use" else rates.per_second


def _luong_true_bps_opt(
    loss_db: float, T2: float, p_d: float = 0.0, mode: str = "seq", objective: str = "K_bps"
) -> Outcome:
    return _luong_opt(loss_db, T2, p_d, mode, objective)


def _luong_maxloss(
    T2: float, p_d: float = 0.0, mode: str = "seq", objective: str = "K_use"
) -> Number:
    _pick("objective", objective, _OBJECTIVES)  # both are positive at the same places
    return repeater.largest_loss_db(repeater.Node(T2, p_d), _pick("mode", mode, _ORDERS))


def _decoy_asym_rate(
    mu: float, loss_db: float, eta_rec: float, p_mis: float, p_dc: float, f_ec: float = 1.0
) -> Outcome:
    return decoy.asymptotic_rate(decoy.Receiver(eta_rec, p_mis, p_dc), loss_db, mu, f_ec)


def _decoy_asym_opt(
    loss_db: float, eta_rec: float, p_mis: float, p_dc: float, f_ec: float = 1.0
) -> Outcome:
    return decoy.best_asymptotic_rate(decoy.Receiver(eta_rec, p_mis, p_dc), loss_db, f_ec)


def _lim2014_length(
    mu1: float,
    mu2: float,
    mu3: float,
    p1: float,
    p2: float,
    pX: float,
    NS: float,
    loss_db: float,
    eta_rec: float,
    p_mis: float,
    p_dc: float,
    eps_sec: float = 1e-9,
    eps_cor: float = 1e-15,
    f_ec: float = 1.16,
    bound: Bound = "hoeffding",
) -> Outcome:
    return decoy_two.planned_length(
        decoy.Receiver(eta_rec, p_mis, p_dc),
        Intensities((mu1, mu2, mu3), (p1, p2, 1 - p1 - p2)),
        loss_db,
        NS,
        pX,
        eps_sec,
        eps_cor,
        f_ec,
        bound,
    )


def _rusca2018_length(
    mu1: float,
    mu2: float,
    p1: float,
    pX: float,
    NS: float,
    loss_db: float,
    eta_rec: float,
    p_mis: float,
    p_dc: float,
    eps_sec: float = 1e-9,
    eps_cor: float = 1e-15,
    f_ec: float = 1.16,
    bound: Bound = "hoeffding",
) -> Outcome:
    return decoy_one.planned_length(
        decoy.Receiver(eta_rec, p_mis, p_dc),
        Intensities((mu1, mu2), (p1, 1 - p1)),
        loss_db,
        NS,
        pX,
        eps_sec,
        eps_cor,
        f_ec,
        bound,
    )


def _bbm92_fraction(Q: float, e_phase: float | None = None, f_ec: float = 1.0) -> Outcome:
    return entanglement.bbm92_fraction(Q, e_phase, f_ec)


def _e91_fraction(Q: float, S: float, f_ec: float = 1.0) -> Outcome:
    return entanglement.e91_device_independent_fraction(Q, S, f_ec)


def _plob_bound(loss_db: float) -> Number:
    return limits.plob_bound(loss_db)


def _one_way_efficiency(n: int, Q: float, eps_cor: float) -> Number:
    return limits.one_way_efficiency(n, Q, eps_cor)


def _b92_expt_sifted(t0: float, dt: float) -> Number:
    return b92_experiment.expected(t0, dt).sifted_hz


def _b92_expt_qber(t0: float, dt: float) -> Number:
    return b92_experiment.expected(t0, dt).qber


def _window_fraction(t0: float, dt: float, tau: float = 4.58, period: float = 25.0) -> Number:
    return b92_experiment.window_fraction(t0, dt, tau, period)


MODELS: dict[str, Callable[..., Result]] = {
    "h2": _h2,
    "binom_ppf": _binom_ppf,
    "chernoff_upper": _chernoff_upper,
    "gamma_U": _gamma_u,
    "b92_leak_eq7": _b92_leak_eq7,
    "b92_leak_eq7_tm": _b92_leak_eq7_tm,
    "b92_key_sound": _b92_key_sound,
    "b92_key_conservative": _b92_key_conservative,
    "b92_asym_fraction": _b92_asym_fraction,
    "b92_certified": _b92_certified,
    "b92_expt_sifted": _b92_expt_sifted,
    "b92_expt_qber": _b92_expt_qber,
    "window_fraction": _window_fraction,
    "bb84_asym_rate": _bb84_asym_rate,
    "bb84_asym_opt": _bb84_asym_opt,
    "bb84_asym_maxloss": _bb84_asym_maxloss,
    "bb84_finite_length": _bb84_finite_length,
    "bb84_finite_opt": _bb84_finite_opt,
    "bb84_finite_maxloss": _bb84_finite_maxloss,
    "bb84_observed_length": _bb84_observed_length,
    "decoy_asym_rate": _decoy_asym_rate,
    "decoy_asym_opt": _decoy_asym_opt,
    "lim2014_length": _lim2014_length,
    "rusca2018_length": _rusca2018_length,
    "gllp_review": _gllp_review,
    "gllp_review_maxdist": _gllp_review_maxdist,
    "bbm92_fraction": _bbm92_fraction,
    "e91_fraction": _e91_fraction,
    "luong": _luong,
    "luong_opt": _luong_opt,
    "luong_true_bps_opt": _luong_true_bps_opt,
    "luong_maxloss": _luong_maxloss,
    "plob_bound": _plob_bound,
    "one_way_efficiency": _one_way_efficiency,
}
"""Model name to a function of keyword arguments. Probabilities as decimal strings (``p`` of
``binom_ppf``) mean the double next to them. B92's lengths are not proofs, see `b92`."""

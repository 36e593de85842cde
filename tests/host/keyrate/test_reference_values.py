"""Every model against values computed elsewhere, twice, in double precision and with 40 digits.

The numbers are restated from the table of reference values that the project's formulas were checked
with; the tolerances are the table's.
"""

from typing import Any

import pytest

from hexkey.keyrate.models import evaluate

EPSILONS = {"eps": 1e-10, "eps_cor": 1e-15, "eps_pe": 4e-10, "leak": "1.16 n h", "sample": "nmp"}
LUONG = {"LA": 30, "LB": 20, "T2": 0.005, "mode": "seq"}

VALUES: list[tuple[str, dict[str, Any], float, dict[str, float]]] = [
    ("h2", {"x": 0.0649}, 0.34659652387827056, {"rel": 1e-12}),
    ("binom_ppf", {"eps": 1e-15, "n": 1750000, "p": "0.9351"}, 1633828, {"abs": 0}),
    ("binom_ppf", {"eps": 1e-15, "n": 17500000, "p": "0.9351"}, 16356057, {"abs": 0}),
    ("binom_ppf", {"eps": 1e-15, "n": 1000, "p": "0.95"}, 887, {"abs": 0}),
    ("b92_leak_eq7", {"n": 17500, "Q": 0.0649, "eps_cor": 1e-15}, 7037.16260308046, {"rel": 1e-09}),
    (
        "b92_leak_eq7_tm",
        {"n": 17500, "Q": 0.0649, "eps_cor": 1e-15},
        7033.313772808113,
        {"rel": 1e-09},
    ),
    (
        "b92_key_sound",
        {"n": 17500, "Q": 0.0649, "eps_pa": 1e-10, "eps_cor": 1e-15, "leak": "eq7"},
        4282.1307457287485,
        {"rel": 1e-09},
    ),
    (
        "b92_key_conservative",
        {"n": 17500, "Q": 0.0649, "eps_pa": 1e-10, "eps_cor": 1e-15, "leak": "max(eq7,1.16 n h)"},
        4282.1307457287485,
        {"rel": 1e-09},
    ),
    (
        "b92_leak_eq7_tm",
        {"n": 175000, "Q": 0.0649, "eps_cor": 1e-15},
        63776.91247967091,
        {"rel": 1e-09},
    ),
    (
        "b92_key_sound",
        {"n": 175000, "Q": 0.0649, "eps_pa": 1e-10, "eps_cor": 1e-15, "leak": "eq7"},
        50449.579528038346,
        {"rel": 1e-09},
    ),
    (
        "b92_leak_eq7",
        {"n": 17500000, "Q": 0.0649, "eps_cor": 1e-15},
        6096910.77494386,
        {"rel": 1e-09},
    ),
    (
        "b92_key_conservative",
        {
            "n": 17500000,
            "Q": 0.0649,
            "eps_pa": 1e-10,
            "eps_cor": 1e-15,
            "leak": "max(eq7,1.16 n h)",
        },
        4398536.129918051,
        {"rel": 1e-09},
    ),
    (
        "b92_key_sound",
        {"n": 17500, "Q": 0.01, "eps_pa": 1e-10, "eps_cor": 1e-15, "leak": "eq7"},
        13858.10256070709,
        {"rel": 1e-09},
    ),
    ("b92_asym_fraction", {"Q": 0.0649}, 0.3068069522434589, {"rel": 1e-12}),
    (
        "bb84_asym_rate",
        {"link": "base", "loss_db": 0, "eta_tr": 1.0, "f_ec": 1.0},
        0.004072353875907255,
        {"rel": 1e-10},
    ),
    (
        "bb84_asym_rate",
        {"link": "base", "loss_db": 10, "eta_tr": 1.0, "f_ec": 1.0},
        0.0003857350272559176,
        {"rel": 1e-10},
    ),
    (
        "bb84_asym_opt",
        {"link": "base", "loss_db": 15, "f_ec": 1.0},
        0.00010576116809440635,
        {"rel": 1e-07},
    ),
    (
        "bb84_asym_maxloss",
        {"link": "base", "reading": "sound", "f_ec": 1.0},
        24.443373948335648,
        {"abs": 0.0001},
    ),
    (
        "bb84_asym_rate",
        {"link": "impr", "loss_db": 20, "eta_tr": 1.0, "f_ec": 1.0},
        0.0003117822973513339,
        {"rel": 1e-10},
    ),
    (
        "bb84_asym_opt",
        {"link": "impr", "loss_db": 20, "f_ec": 1.0},
        0.00034691272990854675,
        {"rel": 1e-07},
    ),
    (
        "bb84_asym_maxloss",
        {"link": "impr", "reading": "sound", "f_ec": 1.0},
        30.422040909528732,
        {"abs": 0.0001},
    ),
    ("chernoff_upper", {"nexp": 1000.0, "eps": 4e-10}, 1219.137278124834, {"rel": 1e-12}),
    (
        "gamma_U",
        {"n": 500000.0, "k": 2000000.0, "lam": 0.0176, "eps": 1e-10},
        0.0012710824792263053,
        {"rel": 1e-11},
    ),
    (
        "bb84_finite_length",
        EPSILONS | {"link": "base", "loss_db": 0, "t_S": 1, "pX": 0.9, "eta_tr": 1.0},
        102198.25420035867,
        {"rel": 1e-09},
    ),
    (
        "bb84_finite_length",
        EPSILONS | {"link": "base", "loss_db": 10, "t_S": 1, "pX": 0.8, "eta_tr": 1.0},
        5560.148555069906,
        {"rel": 1e-09},
    ),
    (
        "bb84_finite_maxloss",
        {"link": "base", "t_S": 1, "leak": "fec", "sample": "nmp"},
        17.68685284256935,
        {"abs": 0.002},
    ),
    (
        "bb84_finite_maxloss",
        {"link": "base", "t_S": 10, "leak": "fec", "sample": "nmp"},
        21.475615113973618,
        {"abs": 0.002},
    ),
    (
        "bb84_finite_opt",
        {"link": "base", "loss_db": 10, "t_S": 10},
        95428.48981503907,
        {"rel": 1e-06},
    ),
    (
        "bb84_finite_maxloss",
        {"link": "base", "t_S": 100, "leak": "fec", "sample": "nmp"},
        23.193923145532608,
        {"abs": 0.002},
    ),
    (
        "bb84_finite_length",
        EPSILONS | {"link": "impr", "loss_db": 10, "t_S": 1, "pX": 0.8, "eta_tr": 1.0},
        421050.26030048245,
        {"rel": 1e-09},
    ),
    (
        "bb84_finite_length",
        EPSILONS | {"link": "impr", "loss_db": 20, "t_S": 100, "pX": 0.85, "eta_tr": 0.9},
        1791180.4013077146,
        {"rel": 1e-09},
    ),
    (
        "bb84_finite_maxloss",
        {"link": "impr", "t_S": 1, "leak": "fec", "sample": "nmp"},
        25.347809225320816,
        {"abs": 0.002},
    ),
    (
        "bb84_finite_maxloss",
        {"link": "impr", "t_S": 10, "leak": "fec", "sample": "nmp"},
        28.30116245150566,
        {"abs": 0.002},
    ),
    (
        "bb84_finite_opt",
        {"link": "impr", "loss_db": 10, "t_S": 10},
        5936674.020258089,
        {"rel": 1e-06},
    ),
    ("gllp_review", {"d_km": 0}, 3362684.6652724785, {"rel": 1e-10}),
    ("gllp_review", {"d_km": 200}, 1169.2471386799973, {"rel": 1e-10}),
    ("gllp_review_maxdist", {}, 253.33080578006286, {"abs": 1e-06}),
    ("luong", LUONG | {"p_d": 0, "out": "e_X"}, 0.1649492421472635, {"rel": 1e-11}),
    ("luong", LUONG | {"p_d": 0, "out": "K_use"}, 0.002397145155520007, {"rel": 1e-11}),
    ("luong", LUONG | {"p_d": 0, "out": "K_bps"}, 6.848541588346097, {"rel": 1e-11}),
    ("luong", LUONG | {"p_d": 1e-06, "out": "Y"}, 0.012536686148489828, {"rel": 1e-11}),
    ("luong", LUONG | {"p_d": 1e-06, "out": "e_Z"}, 0.01981693801855039, {"rel": 1e-11}),
    (
        "luong_opt",
        {"loss_db": 20, "T2": 0.005, "p_d": 0, "mode": "seq", "objective": "K_use"},
        0.00023553938912978481,
        {"rel": 1e-07},
    ),
    (
        "luong_opt",
        {"loss_db": 50, "T2": 0.005, "p_d": 0, "mode": "seq", "objective": "K_use"},
        5.741659145249084e-08,
        {"rel": 1e-07},
    ),
    (
        "luong_true_bps_opt",
        {"loss_db": 20, "T2": 0.005, "p_d": 0, "mode": "seq"},
        0.25979525165891343,
        {"rel": 1e-07},
    ),
    (
        "luong_opt",
        {"loss_db": 10, "T2": 0.01, "p_d": 0, "mode": "seq", "objective": "K_use"},
        0.004701134897486294,
        {"rel": 1e-07},
    ),
    (
        "luong_opt",
        {"loss_db": 40, "T2": 0.01, "p_d": 0, "mode": "seq", "objective": "K_use"},
        3.0956722201848093e-06,
        {"rel": 1e-07},
    ),
    ("luong_maxloss", {"T2": 0.001, "p_d": 0, "mode": "seq"}, 14.224434465169907, {"abs": 0.001}),
    (
        "decoy_asym_rate",
        {"mu": 0.5, "loss_db": 20, "eta_rec": 0.42, "p_mis": 0.0176, "p_dc": 8e-07, "f_ec": 1.0},
        0.0008402163845973069,
        {"rel": 1e-10},
    ),
    (
        "decoy_asym_rate",
        {"mu": 0.5, "loss_db": 30, "eta_rec": 0.42, "p_mis": 0.0176, "p_dc": 8e-07, "f_ec": 1.0},
        8.150074038213259e-05,
        {"rel": 1e-10},
    ),
    (
        "decoy_asym_opt",
        {"loss_db": 20, "eta_rec": 0.42, "p_mis": 0.01, "p_dc": 8e-07},
        0.001113446854200019,
        {"rel": 1e-08},
    ),
    ("b92_expt_sifted", {"t0": 0.5, "dt": 10}, 45539.00280717711, {"rel": 1e-10}),
    ("b92_expt_qber", {"t0": 0.5, "dt": 10}, 0.034330544585279295, {"rel": 1e-10}),
    (
        "window_fraction",
        {"t0": 0.5, "dt": 10, "tau": 4.58, "period": 25},
        0.7989753551605989,
        {"rel": 1e-12},
    ),
    (
        "lim2014_length",
        {
            "mu1": 0.5,
            "mu2": 0.1,
            "mu3": 0.0,
            "p1": 0.9,
            "p2": 0.07,
            "pX": 0.9,
            "NS": 8e9,
            "loss_db": 10,
            "eta_rec": 0.42,
            "p_mis": 0.01,
            "p_dc": 8e-7,
            "eps_sec": 1e-9,
            "eps_cor": 1e-15,
            "f_ec": 1.16,
            "bound": "chernoff",
        },
        51583774.269091666,
        {"rel": 1e-9},
    ),
]


@pytest.mark.parametrize(("model", "inputs", "output", "tolerance"), VALUES)
def test_reference_value(
    model: str, inputs: dict[str, Any], output: float, tolerance: dict[str, float]
) -> None:
    allowed = pytest.approx(output, rel=tolerance.get("rel", 0), abs=tolerance.get("abs", 0))
    assert evaluate(model, inputs) == allowed

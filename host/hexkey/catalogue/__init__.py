"""Published experiments as data: `experiments.toml`, checked when it is read.

An experiment is what one row of a table says: what is not printed is None. `hexkey plan` predicts
from it (`hexkey.planning.predict`) and takes its sources from it.
"""

from hexkey.catalogue.experiment import Epsilons, Experiment, NodeParameters, Range
from hexkey.catalogue.load import experiment, experiments, parse

__all__ = [
    "Epsilons",
    "Experiment",
    "NodeParameters",
    "Range",
    "experiment",
    "experiments",
    "parse",
]

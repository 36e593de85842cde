"""What the roles' configurations state of a setup of BB84, for maps of a recording without one."""

from pathlib import Path

from hexkey.config import AliceSettings, BobSettings, load
from hexkey.errors import ConfigurationError
from hexkey.maps.bb84 import Stated
from hexkey.session.parameters import SessionParameters

_UNUSED = Path("unused")  # what a role needs to run, and maps do not


def stated_in(alice_config: Path | None, bob_config: Path | None) -> Stated:
    """Return what the configurations state; the session is Bob's, or else Alice's.

    Raises
    ------
    ConfigurationError
        One of them is unusable, or of another protocol.
    """
    told: dict[str, float | bool | None] = {}
    parameters: SessionParameters | None = None
    if alice_config is not None:
        alice = load(AliceSettings, alice_config, {"alice_record": _UNUSED, "store": _UNUSED})
        parameters = _of_bb84(alice.session, alice_config)
        if alice.source.measured:
            told["multiphoton_upper"] = alice.source.multiphoton_upper
            told["source_epsilon"] = alice.source.epsilon
    if bob_config is not None:
        bob = load(BobSettings, bob_config, {"port": "", "peer": "", "store": _UNUSED})
        parameters = _of_bb84(bob.session, bob_config)
        told["bob_key_probability"] = bob.key_basis_probability
        told["discard"] = bob.double_clicks == "discard"
    return Stated(parameters=parameters, **told)  # type: ignore[arg-type]


def _of_bb84(parameters: SessionParameters, path: Path) -> SessionParameters:
    if parameters.protocol != "bb84":
        raise ConfigurationError(
            f"the session of configuration {path} is of {parameters.protocol}: give one of bb84"
        )
    return parameters

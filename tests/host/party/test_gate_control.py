"""Who asks for another gate gets it once, in whole ticks, and not for nothing."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from tests.host.party.watched import Scene, scene

from hexkey.gate import Gate
from hexkey.monitor.hub import ChangeGate
from hexkey.party.watching import LEAST_SESSION_S, RENEWAL_TAGS, GateControl, Watching
from hexkey.store import RESERVE
from hexkey.window import Window

WINDOW = Window(Gate(50, 1000), 2_500, Fraction(10))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    made = scene(tmp_path, monkeypatch)
    with made.store:
        made.watching.heard({"event": "session", "label": "demonstration"})
        made.told.clear()
        yield made


class Asking:
    """The gate of one session, and how often it was ended for another."""

    def __init__(self, stage: Scene, window: Window = WINDOW, allowed: bool = True) -> None:
        self.control = GateControl(window, stage.watching, allowed)
        self.ended = 0
        self._stage = stage
        self.control.show()
        stage.clock.now_s += LEAST_SESSION_S

    def poll(self) -> None:
        self.control.poll(self._end)

    def ask(self, start_ns: float, width_ns: float) -> None:
        self._stage.hub.ask(ChangeGate(start_ns, width_ns))
        self.poll()

    def _end(self) -> None:
        self.ended += 1

    @property
    def gate(self) -> Gate | None:
        return None if self.control.asked is None else self.control.asked.gate


def shown(stage: Scene) -> tuple[float, float, tuple[float, float] | None]:
    gate = stage.watching.look().gate
    assert gate is not None
    return gate.start_ps, gate.width_ps, gate.asked


def refusal(stage: Scene) -> str | None:
    gate = stage.watching.look().gate
    assert gate is not None
    return gate.refused


def test_another_gate_ends_the_session_once(stage: Scene) -> None:
    asking = Asking(stage)
    asking.poll()
    assert shown(stage) == (500.0, 10_000.0, None)
    asking.ask(1.0, 6.0)
    assert (asking.gate, asking.ended) == (Gate(100, 600), 1)
    assert shown(stage) == (500.0, 10_000.0, (1_000.0, 6_000.0))
    assert stage.told == [{"event": "gate-asked", "start_ns": 1.0, "width_ns": 6.0}]
    for _ in range(5):
        asking.poll()
    assert asking.ended == 1


def test_the_last_gate_that_is_asked_for_meanwhile_waits_for_the_next_session(stage: Scene) -> None:
    asking = Asking(stage)
    asking.ask(1.0, 6.0)
    for width_ns in (7.0, 8.0, 9.0):
        asking.ask(1.0, width_ns)
    assert (asking.gate, asking.ended) == (Gate(100, 600), 1)
    assert asking.control.asked is not None
    following = Asking(stage, asking.control.asked)
    following.poll()
    assert (following.gate, following.ended) == (Gate(100, 900), 1)
    assert stage.hub.take_command() is None


def test_a_dragged_gate_is_one_session_more(stage: Scene) -> None:
    """However fast commands come: each session they end costs tag keys."""
    asking = Asking(stage)
    stage.clock.now_s -= LEAST_SESSION_S  # it has just begun
    for step in range(20):
        asking.ask(1.0 + step / 10, 6.0)
        assert shown(stage)[2] == pytest.approx((1_000 + 100 * step, 6_000))
        stage.clock.now_s += LEAST_SESSION_S / 20 - 1e-6
    assert (asking.gate, asking.ended) == (None, 0)
    stage.clock.now_s += 1e-3
    asking.poll()
    assert (asking.gate, asking.ended) == (Gate(290, 600), 1)


def test_a_gate_that_stands_is_not_asked_for_again(stage: Scene) -> None:
    asking = Asking(stage)
    for start_ns, width_ns in ((0.5, 10.0), (0.5049, 9.9951), (0.4951, 10.0049)):
        asking.ask(start_ns, width_ns)
    assert (asking.gate, asking.ended, stage.told) == (None, 0, [])


def test_a_gate_that_is_put_back_before_it_came_is_not_asked_for(stage: Scene) -> None:
    asking = Asking(stage)
    stage.clock.now_s -= LEAST_SESSION_S
    asking.ask(1.0, 6.0)
    asking.ask(0.5, 10.0)
    stage.clock.now_s += LEAST_SESSION_S
    asking.poll()
    assert (asking.gate, asking.ended, shown(stage)[2]) == (None, 0, None)


@pytest.mark.parametrize(
    ("start_ns", "width_ns", "gate"),
    [
        (1.234, 6.0, Gate(123, 600)),
        (1.2351, 5.9949, Gate(124, 599)),
        (0.0, 25.0, Gate(0, 2_500)),
        (24.99, 25.0, Gate(2_499, 2_500)),
        (0.1 + 0.2, 0.0051, Gate(30, 1)),
    ],
)
def test_a_gate_is_rounded_to_ticks(
    stage: Scene, start_ns: float, width_ns: float, gate: Gate
) -> None:
    asking = Asking(stage)
    asking.ask(start_ns, width_ns)
    assert asking.gate == gate
    [told] = stage.told
    assert (told["start_ns"], told["width_ns"]) == (gate.start_ticks / 100, gate.width_ticks / 100)


def test_ticks_that_no_decimal_number_of_nanoseconds_hits(stage: Scene) -> None:
    window = Window(Gate(38, 768), 1_920, Fraction(625, 48))
    asking = Asking(stage, window)
    asking.ask(19.99, 5.0)
    assert asking.gate == Gate(1_535, 384)


@pytest.mark.parametrize(
    ("start_ns", "width_ns"),
    [(25.0, 5.0), (24.996, 5.0), (-1.0, 5.0), (1.0, 0.0), (1.0, 0.0049), (1.0, 25.01), (1e9, 1e9)],
)
def test_a_gate_that_cannot_be_is_refused_and_the_session_goes_on(
    stage: Scene, start_ns: float, width_ns: float
) -> None:
    asking = Asking(stage)
    asking.ask(start_ns, width_ns)
    [refused] = stage.told
    assert refused["event"] == "gate-refused"
    assert "must start within the period of 25.0 ns and be no longer" in refused["message"]
    assert (asking.gate, asking.ended) == (None, 0)
    assert refusal(stage) == refused["message"]
    asking.ask(1.0, 6.0)
    assert asking.gate == Gate(100, 600)
    assert refusal(stage) is None


def test_a_recording_keeps_its_gate(stage: Scene) -> None:
    asking = Asking(stage, allowed=False)
    asking.ask(1.0, 6.0)
    assert (asking.gate, asking.ended) == (None, 0)
    assert stage.told == [
        {"event": "gate-refused", "message": "a recording is of one gate: end it first"}
    ]


@pytest.mark.parametrize("spare", [RENEWAL_TAGS - 1, RENEWAL_TAGS])
def test_the_reserve_of_tag_keys_is_not_spent_on_gates(stage: Scene, spare: int) -> None:
    while stage.store.remaining()[0] > RESERVE + spare:
        stage.store.draw_send_key()
    stage.watching.heard({"event": "session", "label": "demonstration"})
    stage.told.clear()
    asking = Asking(stage)
    asking.ask(1.0, 6.0)
    enough = spare == RENEWAL_TAGS
    assert asking.ended == enough
    assert [event["event"] for event in stage.told] == ["gate-asked" if enough else "gate-refused"]


def test_without_a_hub_nobody_asks(stage: Scene) -> None:
    old = stage.watching
    control = GateControl(WINDOW, Watching(old.state, old.progress, (), old.store))
    stage.clock.now_s += LEAST_SESSION_S
    control.poll(lambda: pytest.fail("nobody asked"))
    assert control.asked is None

"""The hub: the latest snapshot and one command, between threads."""

import threading

from hexkey.monitor.hub import ChangeGate, Hub
from hexkey.monitor.snapshot import Snapshot


def at(seconds: float) -> Snapshot:
    return Snapshot(1.7e9, "receiving", False, seconds, "a board")


def test_newer_command_replaces_one_that_waits() -> None:
    hub = Hub()
    assert hub.take_command() is None
    hub.ask(ChangeGate(1.0, 2.0))
    hub.ask(ChangeGate(3.0, 4.0))
    assert hub.take_command() == ChangeGate(3.0, 4.0)
    assert hub.take_command() is None


def test_each_yields_the_latest_until_the_hub_is_closed() -> None:
    hub = Hub()
    assert hub.latest() is None
    hub.publish(at(1.0))
    hub.publish(at(2.0))
    watching = hub.each()
    assert next(watching).seconds == 2.0

    def end() -> None:
        hub.publish(at(3.0))
        hub.close()

    later = threading.Thread(target=end)
    later.start()
    assert [snapshot.seconds for snapshot in watching] == [3.0]
    later.join()


def test_who_waits_is_woken_and_then_forgotten() -> None:
    hub, woken = Hub(), []
    with hub.waking(lambda: woken.append(1)):
        assert hub.watchers == 1
        hub.publish(at(1.0))
    assert hub.watchers == 0
    hub.publish(at(2.0))
    assert woken == [1]

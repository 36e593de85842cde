"""Plays edges into a channel and returns its tags: for figures of many edges.

`tagger_player.v` does it inside the simulator; the bench here only sets the channel up.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from numpy.typing import NDArray

from hexkey_gateware.slot import TICK_PS
from hexkey_gateware.tagger.channel import Channel
from hexkey_gateware.tagger.delay_line import verilog
from hexkey_gateware.verilog import export
from hexkey_sim.benches.edges import CLOCK_PS, write_delays
from hexkey_sim.benches.runner import run_model
from hexkey_sim.benches.streams import clocks
from hexkey_sim.benches.verilator import compiled_model

SETTLED = 40  # clocks until the line shows its source

Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What a channel made of edges.

    Attributes
    ----------
    rises_ps : (edges,) int64
        When its input rose.
    code_slots_ps, tag_slots_ps : (tags,) int64
        When the slot of each code and of each tag ended, ascending.
    codes : (tags,) int64
    fine : (tags,) int64
        Ticks before the slot's end.
    """

    rises_ps: Times
    code_slots_ps: Times
    codes: Times
    tag_slots_ps: Times
    fine: Times

    @property
    def tags_ps(self) -> Times:
        """The times that were told."""
        return self.tag_slots_ps - TICK_PS * self.fine


class Player:
    """A channel in its simulator, compiled once.

    Parameters
    ----------
    channel : Channel
        If it is a model of time, its delays come from the file `DELAYS_FILE`.
    folder : Path
        Takes the files of each run.
    clock_ps : int

    Attributes
    ----------
    codes : int
        How many the channel has.
    """

    def __init__(self, channel: Channel, folder: Path, clock_ps: int = CLOCK_PS) -> None:
        self.codes: int = channel.codes
        self._latencies = channel.CODE_LATENCY, channel.LATENCY
        self._folder, self._clock_ps = folder, clock_ps
        sources = {
            **verilog("model"),
            "channel.v": export(channel, "tagger_player_channel"),
            "tagger_player.v": Path(__file__).with_suffix(".v").read_text(),
        }
        arguments = (f"-GCLOCK_PS={clock_ps}",)
        self._model = compiled_model("tagger_player", sources, timing=True, args=arguments)

    def set_line(self, delays_ps: Sequence[int], jitter_ps: int) -> None:
        """Give the line its delays."""
        write_delays(self._folder, delays_ps, jitter_ps)

    def play(
        self, changes_ps: Times, source: int, table: Sequence[int] = (), *, seed: int = 1
    ) -> Played:
        """Return what the channel makes of changes of an input, under a table written before.

        Parameters
        ----------
        changes_ps : (changes,) int64
            When it changes, ascending, from some clock's edge on; the first one is a rise.
        source : int
        table : sequence of int
            Ticks of each code; the channel keeps its own if there are none.
        seed : int
        """
        folder = self._folder
        np.diff(changes_ps, prepend=0).tofile(folder / "changes.txt", sep="\n")
        (folder / "table.txt").write_text(" ".join(map(str, table)))
        env = {"SOURCE": str(source)}
        result = run_model(self._model, "tagger_player", folder, seed=seed, env=env)
        if (result.tests, result.failures) != (1, 0):
            raise RuntimeError(f"the player failed: {result.log}")
        begin_ps = int((folder / "begin.txt").read_text())
        columns = []
        for name, latency in zip(("codes", "tags"), self._latencies, strict=True):
            rows = np.fromfile(folder / f"{name}.txt", np.int64, sep=" ").reshape(-1, 2)
            columns += [rows[:, 0] - latency * self._clock_ps, rows[:, 1]]
        return Played(begin_ps + changes_ps[::2], *columns)


@cocotb.test()
async def plays(dut: Any) -> None:
    dut.go.value, dut.write_enable.value = 0, 0
    dut.source.value, dut.rst.value = int(os.environ["SOURCE"]), 1
    await clocks(dut, 2)
    dut.rst.value = 0
    for code, fine in enumerate(Path("table.txt").read_text().split()):
        dut.write_enable.value, dut.write_code.value, dut.write_fine.value = 1, code, int(fine)
        await clocks(dut, 1)
    dut.write_enable.value = 0
    await clocks(dut, SETTLED)
    dut.go.value = 1
    await RisingEdge(dut.done)

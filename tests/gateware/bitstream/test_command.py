"""`hexkey bitstream`, up to where the tools begin; and its table and files of a build."""

import json
from pathlib import Path

import pytest

from hexkey import cli
from hexkey.errors import ConfigurationError, DeviceError, HexkeyError
from hexkey_gateware.bitstream import load, report, tools
from hexkey_gateware.bitstream.checks import CellFigure, ClockFigure
from hexkey_gateware.bitstream.figures import Build, LineFigure
from hexkey_gateware.boards import find_board

BOARD = find_board("ulx3s-85f")


def _build(folder: Path, *problems: str) -> Build:
    return Build(
        board=BOARD.name,
        firmware="0.1 01234567",
        seed=3,
        folder=folder,
        bitstream=folder / "top.bit",
        clocks=(ClockFigure("fast", 200.0, 221.5),),
        cells=(CellFigure("LUTs", 836, 83640),),
        lines=(LineFigure("receiver.trigger", 129, 9, 75, 107),),
        tap_ps=35.5,
        seconds={"synthesis": 5.2},
        problems=problems,
    )


def _program(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_unknown_board_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["hexkey", "bitstream", "ulx4s"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "no board is called 'ulx4s'" in capsys.readouterr().err


def test_table_has_the_figures(tmp_path: Path) -> None:
    assert dict(report.rows(_build(tmp_path))) == {
        "firmware": "0.1 01234567, seed 3",
        "clock fast": "221.5 MHz, target 200.0",
        "LUTs": "836 of 83,640, 1.0 %",
        "tap, mean": "35.5 ps in the model, slow corner",
        "line trigger": "129 cells in row 9, columns 75 to 107",
        "took": "synthesis 5 s",
        "bitstream": str(tmp_path / "top.bit"),
    }


def test_summary_says_whether_it_is_good(tmp_path: Path) -> None:
    report.write_summary(_build(tmp_path, "clock fast: 199.0 MHz instead of 200.0"))
    found = json.loads((tmp_path / "summary.json").read_text())
    assert found["ok"] is False
    assert found["problems"] == ["clock fast: 199.0 MHz instead of 200.0"]
    assert found["cells"] == [{"kind": "LUTs", "used": 836, "available": 83640, "percent": 1.0}]


def _step(kind: str, cell: str, port: str, delay: float) -> dict[str, object]:
    end = {"cell": cell, "port": port}
    return {"type": kind, "delay": delay, "from": end, "to": end, "net": "a net"}


def test_critical_paths_run_over_carry_chains(tmp_path: Path) -> None:
    carries = [_step("logic", f"adder_{n}", "FCI", 0.25) for n in range(4)]
    path = [_step("clk-to-q", "flop", "Q", 0.5), *carries, _step("setup", "end", "DI", 0.0)]
    paths = [{"from": "posedge fast", "to": "posedge fast", "path": path}]
    text = report.critical_paths({"critical_paths": paths})
    assert [line.split()[:4] for line in text.splitlines()] == [
        ["posedge", "fast", "->", "posedge"],
        ["0.500", "ns", "clk-to-q", "flop.Q"],
        ["1.500", "ns", "logic", "adder_3.FCI"],
        ["1.500", "ns", "setup", "end.DI"],
    ]


def test_tool_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path, "yosys", "echo fine; echo 'ERROR: no such module.'; echo; exit 3")
    monkeypatch.setenv("YOSYS", program)
    with pytest.raises(HexkeyError, match=r"^yosys failed: ERROR: no such module; see .*a\.log$"):
        tools.run_tool(tools.YOSYS, [], tmp_path, "a.log")


def test_tool_that_comes_to_no_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPNR_ECP5", _program(tmp_path, "nextpnr", "exec sleep 60"))
    with pytest.raises(HexkeyError, match=r"no end in 1 s: try another --seed, or see .*a\.log$"):
        tools.run_tool(tools.NEXTPNR_ECP5, [], tmp_path, "a.log", 1.0)


def test_tool_that_is_missing_says_what_to_install() -> None:
    missing = tools.Tool("yosys", "NO_SUCH_VARIABLE", "no_such_package", "run")
    with pytest.raises(ConfigurationError, match=r"pip install 'hexkey\[bitstream\]'"):
        missing.command()


def test_loader_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENFPGALOADER", "no-such-loader")
    with pytest.raises(ConfigurationError, match="no-such-loader is not installed"):
        load.require_loader()


def test_loader_is_told_the_board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program(tmp_path, "loader", f'echo "$@" > {tmp_path}/told')
    monkeypatch.setenv("OPENFPGALOADER", program)
    load.load_bitstream(BOARD, Path("top.bit"))
    assert (tmp_path / "told").read_text() == "--board ulx3s top.bit\n"


def test_loader_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENFPGALOADER", _program(tmp_path, "loader", "exit 1"))
    with pytest.raises(DeviceError, match="ULX3S 85F: openFPGALoader ended with code 1"):
        load.load_bitstream(BOARD, Path("top.bit"))

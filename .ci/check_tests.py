"""Fail when no test ran, or one was skipped that is not on the list below."""

import sys
import xml.etree.ElementTree as ElementTree

_REAL = "recordings by others, which are not in this repository"
_TABLE = "reference values of others, which are not in this repository"
MAY_SKIP = {  # test id, of all its parameters -> why it may be skipped in CI
    "tests.cext.test_ldpc.test_every_path_is_the_reference": "processors without AVX-512",
    "tests.host.bench.test_hashing_benchmarks.test_libgf2x": "a peer, which nothing here installs",
    "tests.host.keyrate.test_models.test_every_reference_value_of_these_models": _TABLE,
    "tests.host.measure.test_references.test_arrivals_are_those_of_the_reference": _REAL,
    "tests.host.measure.test_references.test_delays_are_those_of_the_reference": _REAL,
    "tests.host.measure.test_report.test_the_hydraharp_at_80_mhz": _REAL,
    "tests.host.measure.test_report.test_the_hydraharp_without_a_sync": _REAL,
    "tests.host.measure.test_report.test_the_qutag": _REAL,
    "tests.host.party.test_detections_csv.test_real_link_is_reconciled": _REAL,
    "tests.host.tags.test_binary.test_real_qutag": _REAL,
    "tests.host.tags.test_binary.test_real_sfifteen": _REAL,
    "tests.host.tags.test_examine.test_real_recordings": _REAL,
    "tests.host.tags.test_fold_recordings.test_real_filtered_sync_is_followed": _REAL,
    "tests.host.tags.test_fold_recordings.test_real_pulse_numbers_need_no_trigger": _REAL,
    "tests.host.tags.test_legacy.test_real_ht3_is_as_its_reference": _REAL,
    "tests.host.tags.test_ptu.test_real_recordings_are_those_of_ptufile": _REAL,
}


def main(path: str) -> int:
    cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    skipped = {}
    for case in cases:
        if (found := case.find("skipped")) is not None:
            skipped[f"{case.get('classname')}.{case.get('name')}"] = found.get("message", "")
    ran = len(cases) - len(skipped)
    for name, why in skipped.items():
        print(f"skipped: {name}: {why}")
    if ran == 0:
        print("no test ran")
        return 1
    unlisted = [name for name in skipped if name.partition("[")[0] not in MAY_SKIP]
    if unlisted:
        print(f"{len(unlisted)} test(s) were skipped that are not on the list in {__file__}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

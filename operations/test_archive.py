"""Archives: written whole or not at all, checked to the last byte, imported whole or not at all."""

import gzip
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from kernel.clock import SystemClock, format_time
from kernel.config import load_settings
from kernel.contracts.case import Fact
from kernel.eventlog import EventLog
from kernel.eventlog.heads import Signer
from kernel.eventlog.testing import tamper
from kernel.testing import visits
from kernel.testing.cases import appends, corrected_and_concluded
from operations.consumers import CONSUMERS, following
from operations.testing_installation import Installation, serial
from services.filing.domain.serials import serial_of

Elsewhere = Callable[..., Installation]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "archive.jsonl.gz"


@pytest.fixture
def elsewhere(kind: str, installations: Elsewhere) -> Callable[[], Installation]:
    """Go to another installation, empty, with another key. From then on commands work there."""
    return lambda: installations(kind)


def exported(installation: Installation, file: Path, *words: str) -> None:
    done = installation.run("archive", "export", str(file), *words)
    assert done.exit_code == 0, done.stderr


def refused(installation: Installation, why: str, *words: str, code: int = 1) -> None:
    told = installation.run("archive", *words)
    assert (told.exit_code, why in told.stderr) == (code, True), told.stderr


def filed(installation: Installation, *numbers: int, life: Sequence[Fact] | None = None) -> None:
    """Cases whose numbers are serials."""
    for number in numbers:
        facts = corrected_and_concluded() if life is None else life
        installation.log.append(appends(serial_of(date(2026, 2, 9), 1, number), facts))


def left(file: Path) -> list[str]:
    return sorted(path.name for path in file.parent.glob(f"{file.name}*"))


def test_a_whole_log_is_the_same_elsewhere_and_verifies_and_replays(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    filed(installation, 1, 2)
    exported(installation, file)
    events, head = installation.log.read(0), installation.log.head()
    there = elsewhere()
    (told,) = there.lines("archive", "import", str(file))
    assert (told["events"], told["head"], told["head_chain"]) == (18, 18, head.chain.hex())
    assert (there.log.read(0), there.log.head()) == (events, head)
    assert there.lines("verify", "--repair")[0]["repaired"] == {"serials": 1}
    assert there.run("verify").exit_code == 0
    assert there.lines("replay", "progress", "--swap")[0]["tables"][0]["rows"] == 2
    there.file([7])
    assert there.run("verify", "--log", "filing").exit_code == 0


def test_ranges_are_imported_one_behind_the_other(
    installation: Installation, elsewhere: Elsewhere, file: Path, tmp_path: Path
) -> None:
    installation.file([1, 2])
    second = tmp_path / "second.jsonl.gz"
    exported(installation, file, "--to", "7")
    exported(installation, second, "--from", "8")
    head = installation.log.head()
    there = elsewhere()
    refused(there, "it goes on from position 7", "import", str(second))
    assert there.log.head().position == 0
    for part in (file, second):
        assert there.run("archive", "import", str(part)).exit_code == 0
    assert there.log.head() == head
    refused(there, "this log is at 18", "import", str(second))


def test_cases_that_have_ended_are_whole_and_replay_elsewhere(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    installation.file([1], corrected_and_concluded()[:4])
    installation.file([2, 3])
    installation.file([4])
    exported(installation, file, "--ended-before", format_time(installation.log.read(22)[0].recorded_at))
    (told,) = installation.lines("archive", "verify", str(file))
    assert (told["kind"], told["cases"], told["events"], told["first"]) == ("cases", 2, 18, 5)
    refused(installation, "nothing had ended", "export", f"{file}2", "--ended-before", "2020-01-01T00:00:00+08:00")
    bodies = [event.body for event in installation.log.read(4, 18)]
    there = elsewhere()
    assert there.lines("archive", "import", str(file))[0]["head"] == 18
    assert [event.body for event in there.log.read(0)] == bodies
    assert there.run("verify").exit_code == 0
    assert there.lines("replay", "progress", "--swap")[0]["tables"][0]["rows"] == 2
    refused(there, "cases go to an empty log", "import", str(file))


def test_cases_are_imported_in_the_order_in_which_they_were_recorded(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    life = corrected_and_concluded()
    installation.file([2], life[:4])
    installation.file([1])
    installation.log.append(appends(serial(2), life[4:], 4))
    bodies = [event.body for event in installation.log.read(0)]
    middle = installation.log.read(5, 1)[0].recorded_at
    exported(installation, file, "--ended-before", "2100-01-01T00:00:00+08:00")
    there = elsewhere()
    assert there.run("archive", "import", str(file)).exit_code == 0
    assert [event.body for event in there.log.read(0)] == bodies
    since = there.lines("log", "tail", "--since", format_time(middle), "--limit", "100")
    assert [event["position"] for event in since] == [
        event.position for event in there.log.read(0) if event.recorded_at >= middle
    ]


def test_nobody_is_told_elsewhere_of_what_was_told_here(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    filed(installation, 1)
    filed(installation, 2, life=corrected_and_concluded()[:2])
    installation.follow("notify")
    exported(installation, file)
    there = elsewhere()
    assert there.run("archive", "import", str(file)).exit_code == 0
    assert there.run("verify", "--repair").exit_code == 0
    rebuilt = there.lines("replay", "notify", "--swap")[0]
    assert (rebuilt["events"], rebuilt["tables"][0]["rows"]) == (11, 2)
    there.follow(*CONSUMERS)
    assert there.rows("notify", "SELECT count(*) FROM message") == [(0,)]
    assert there.run("verify").exit_code == 0
    # What happens there is told, also of cases that came along, and is missed where it is not.
    there.log.append(appends(serial_of(date(2026, 2, 9), 1, 2), corrected_and_concluded()[2:3], 2))
    there.file([7], corrected_and_concluded()[:1])
    there.follow(*CONSUMERS)
    assert there.rows("notify", "SELECT position FROM message ORDER BY position") == [(12,), (13,)]
    assert there.run("verify").exit_code == 0
    there.change("notify", "DELETE FROM message")
    assert [one["key"][1] for one in there.lines("verify")[0]["findings"]] == [12, 13]


def test_nobody_is_told_of_what_was_imported_to_a_running_hall(
    installation: Installation, elsewhere: Elsewhere, file: Path, tmp_path: Path
) -> None:
    filed(installation, 1, 2)
    exported(installation, file, "--to", "7")
    exported(installation, second := tmp_path / "second.jsonl.gz", "--from", "8")
    there = elsewhere()
    for part in (file, second):
        assert there.run("archive", "import", str(part)).exit_code == 0
        there.follow("notify")
    assert there.rows("notify", "SELECT count(*) FROM message") == [(0,)]
    assert there.rows("notify", "SELECT count(*) FROM case_contact") == [(2,)]
    with following(load_settings(), "notify") as one:
        assert (one.follower.checkpoint().position, one.reader.imported()) == (18, 18)


def test_visits_that_were_imported_are_kept_by_nobody_and_told_to_nobody(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    EventLog(installation.database("appointment"), SystemClock()).append(visits.appends("V-1", [visits.booked()]))
    exported(installation, file, "--log", "appointment")
    there = elsewhere()
    assert there.run("archive", "import", str(file)).exit_code == 0
    there.follow("notify-visits", "statistics")
    assert there.rows("notify", "SELECT count(*) FROM message") == [(0,)]
    assert there.run("verify").exit_code == 0
    EventLog(there.database("appointment"), SystemClock()).append(visits.appends("V-2", [visits.booked()]))
    assert [one["stream"] for one in there.lines("verify")[0]["findings"]] == ["V-2"]


def test_an_archive_of_some_cases_verifies_where_it_is_imported(
    installation: Installation, elsewhere: Elsewhere, file: Path
) -> None:
    filed(installation, 1, 3, 6)
    filed(installation, 2, 4, 5, life=corrected_and_concluded()[:2])
    exported(installation, file, "--ended-before", "2100-01-01T00:00:00+08:00")
    there = elsewhere()
    assert there.run("archive", "import", str(file)).exit_code == 0
    assert there.run("verify").exit_code == 1
    assert there.lines("verify", "--repair")[0]["repaired"] == {"serials": 1}
    assert there.rows("filing", "SELECT last, unused FROM serial_counter") == [(6, 3)]
    assert there.run("verify").exit_code == 0
    filed(there, 7)
    assert there.lines("verify", "--repair")[0]["repaired"] == {"serials": 1}
    filed(there, 9)  # of 8, which was given here, no case is on the log
    assert not there.lines("verify", "--repair")[0]["sound"]


def test_two_exports_to_one_file_do_not_write_into_each_other(installation: Installation, file: Path) -> None:
    installation.file([1])
    partial = file.with_name(file.name + ".partial")
    partial.write_bytes(b"of the other")
    refused(installation, "Another export writes", "export", str(file))
    assert partial.read_bytes() == b"of the other"
    assert left(file) == [partial.name]


def spoilt(file: Path, change: Callable[[bytes], bytes]) -> None:
    file.write_bytes(change(file.read_bytes()))


def relined(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: gzip.compress(b"".join(change(gzip.decompress(data).splitlines(keepends=True))))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: data[:-4], "truncated"),
        (lambda data: b"", "truncated"),
        (lambda data: b"not a gzip at all", "can't be decompressed"),
        (lambda data: data[:700] + bytes([data[700] ^ 1]) + data[701:], ""),
        (relined(lambda lines: lines[:-1]), "ends after 17 of 18 events: it was truncated"),
        (relined(lambda lines: [*lines, lines[-1]]), "longer than its manifest says"),
        (relined(lambda lines: [lines[1], lines[0], *lines[2:]]), "something is changed in lines 1 to 18"),
        (relined(lambda lines: [lines[0].replace(b"A", b"B"), *lines[1:]]), "something is changed"),
        (relined(lambda lines: [b"x" * 2_000_000]), ""),
    ],
    ids=["half", "no end", "empty", "no gzip", "a bit", "a line less", "a line more", "swapped", "changed", "too long"],
)
def test_a_spoilt_archive_is_refused_and_nothing_is_imported(
    installation: Installation, elsewhere: Elsewhere, file: Path, change: Callable[[bytes], bytes], why: str
) -> None:
    installation.file([1, 2])
    exported(installation, file)
    spoilt(file, change)
    refused(installation, why, "verify", str(file))
    there = elsewhere()
    refused(there, why, "import", str(file))
    assert (there.log.head().position, there.log.read(0)) == (0, [])
    assert there.run("verify").exit_code == 0


def test_a_changed_manifest_is_refused(installation: Installation, file: Path, tmp_path: Path) -> None:
    installation.file([1])
    exported(installation, file)
    manifest = tmp_path / "archive.jsonl.gz.manifest.json"
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "events": 8}))
    refused(installation, "altered after it was signed", "verify", str(file))
    manifest.write_text("{}")
    refused(installation, "not signed JSON", "import", str(file))
    manifest.write_text(json.dumps(told))
    refused(installation, "signed with the key", "verify", str(file), "--key", "00" * 32)
    assert installation.run("archive", "verify", str(file), "--key", told["key"]).exit_code == 0
    manifest.unlink()
    refused(installation, "No such file", "verify", str(file))


@pytest.mark.parametrize(
    "changes",
    [
        {"block": 10**12},
        {"digests": []},
        {"digests": ["zz" * 32]},
        {"before": "zz"},
        {"after": "00"},
        {"events": 10**12},
        {"events": "9"},
        {"bytes": None},
        {"first": 1.5},
        {"last": 10},
        {"kind": "cases"},
        {"cases": 1, "until": "now\x1b[2J", "kind": "cases"},
    ],
    ids=str,
)
def test_what_somebody_else_has_signed_is_not_believed_but_read_with_care(
    installation: Installation, file: Path, changes: dict[str, Any]
) -> None:
    installation.file([1])
    exported(installation, file)
    manifest = file.with_name(file.name + ".manifest.json")
    told = {**json.loads(manifest.read_text()), **changes}
    members = {name: value for name, value in told.items() if name not in ("key", "signature")}
    manifest.write_text(json.dumps(Signer(b"x" * 32).sign_members(members)))
    refused(installation, "its manifest lacks what a manifest says", "verify", str(file))
    refused(installation, "its manifest lacks what a manifest says", "import", str(file))


def test_a_broken_log_is_not_archived(installation: Installation, file: Path) -> None:
    installation.file([1])
    tamper(installation.database("filing"), "UPDATE event SET body = replace(body, '签注', '签住') WHERE position = 3")
    refused(installation, "broken at position 3", "export", str(file))
    refused(installation, "broken at position 3", "export", str(file), "--ended-before", "2100-01-01T00:00:00+08:00")
    assert left(file) == []


def test_a_full_disk_is_said_and_nothing_is_left(installation: Installation, file: Path) -> None:
    installation.file([1])
    file.with_name(file.name + ".manifest.json.partial").symlink_to("/dev/full")
    refused(installation, "No space left on device", "export", str(file))
    assert left(file) == []


def test_no_right_to_write_is_said(installation: Installation, file: Path) -> None:
    installation.file([1])
    refused(installation, "can't be written", "export", "/proc/archive.jsonl.gz")
    file.write_text("mine")
    refused(installation, "is there already", "export", str(file))
    assert file.read_text() == "mine"


def test_what_contradicts_itself_is_wrong_usage(installation: Installation, file: Path) -> None:
    refused(
        installation, "instead of", "export", str(file), "--to", "3", "--ended-before", "2026-01-01T00:00:00Z", code=2
    )
    refused(installation, "no position 5; its head is at 0", "export", str(file), "--from", "5")
    installation.file([1])
    refused(installation, "ends at 3, before it begins at 5", "export", str(file), "--from", "5", "--to", "3")

"""`yichuang verify`: whether the logs are as they were written, and what is kept of them is what they imply.

Reads only, unless told to repair.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from operations.commands.common import Failure, fail, json_option, logging_as_services_do, say, settings
from operations.commands.log import LOGS
from operations.commands.pace import Pace

if TYPE_CHECKING:
    from kernel.eventlog.heads import SignedHead
    from operations.verification import Verdict

_SHOWN = 100  # findings, where people read


@click.command()
@click.option("--log", "owner", type=click.Choice(LOGS), help="Only this log. Default: all of them.")
@click.option("--against", type=click.Path(dir_okay=False, path_type=Path), help="A head that `log head` has signed.")
@click.option("--repair", is_flag=True, help="Make again from the log what differs, and check once more.")
@json_option
def verify(owner: str | None, against: Path | None, repair: bool, as_json: bool) -> None:
    """Check the logs by their hash chains, every case's life, and what is kept of them: views, messages, counters.

    Exit code 1 if anything is wrong; each difference is named. What is parked, or was given up by `parked skip`,
    is not one, and is told.
    Nothing is repaired from a log that is broken, or not the one that its consumers have read.

    \b
    Example:
      yichuang verify --json
      yichuang verify --against head-2026-02-09.json
      yichuang verify --repair
    """
    with logging_as_services_do():
        held = None if against is None else _hold_against(against)
        verdicts = _checked(owner, as_json)
        mended: dict[str, int] = {}
        if repair and all(_can_be_trusted(one) for one in verdicts):
            mended = _repaired(verdicts)
            verdicts = _checked(owner, as_json) if mended else verdicts
        told, sentence = _told(verdicts, mended)
        if repair and "differences" not in told:
            sentence += "; nothing was repaired"
        if held is not None:
            told["against"] = {"log": held.log, "position": held.position, "at": held.at}
            sentence = f"{held.log}'s log is the one whose head was taken {held.at} at {held.position}\n{sentence}"
    if not told["sound"]:
        fail(told, sentence, as_json)
    say(told, sentence, as_json)


def _hold_against(file: Path) -> "SignedHead":
    from kernel.eventlog.heads import read
    from operations.verification import against

    try:
        text = file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"{file} can't be read: {error}") from None
    head = read(text)
    against(settings(), head)
    return head


def _checked(owner: str | None, as_json: bool) -> list["Verdict"]:
    from operations.verification import check

    names = [owner] if owner else LOGS
    paces = [(Pace(f"verify {name}", as_json), Pace(f"verify lives of {name}", as_json)) for name in names]
    return [check(settings(), name, *pace) for name, pace in zip(names, paces, strict=True)]


def _can_be_trusted(verdict: "Verdict") -> bool:
    """Whether it is the log that its consumers have read. Else what they keep is the last that is left of theirs."""
    from kernel.eventlog.verifying import Sound
    from operations.verification import doubting

    return isinstance(verdict.chain, Sound) and not doubting(settings(), verdict.log)


def _repaired(verdicts: list["Verdict"]) -> dict[str, int]:
    from operations.desk import audited
    from operations.verification import repair

    findings = [finding for verdict in verdicts for finding in verdict.findings]
    if not findings:
        return {}
    with audited(settings(), "verify.repair", "logs", findings=len(findings)) as act:
        act.outcome = repair(settings(), findings)
    return act.outcome


def _told(verdicts: list["Verdict"], mended: dict[str, int]) -> tuple[dict[str, Any], str]:
    """For JSON, and for people."""
    from kernel.eventlog.verifying import Broken
    from operations.verification import as_dict, doubting

    for verdict in verdicts:
        if isinstance(verdict.chain, Broken):
            sentence = f"{_whose(verdict)} is broken at position {verdict.chain.position}: {verdict.chain.reason}"
            told = {"log": verdict.log, "position": verdict.chain.position, "reason": verdict.chain.reason}
            return {"sound": False, **told}, sentence
        doubts = doubting(settings(), verdict.log)
        if doubts:
            position, reason = _difference(verdict.chain.head.position, doubts)
            sentence = f"{_whose(verdict)} is not the one that these have read: {', '.join(doubts)}; {reason}"
            told = {"log": verdict.log, "position": position, "reason": reason}
            return {"sound": False, **told, "consumers": list(doubts)}, sentence
    return _parity(verdicts, mended, as_dict)


def _parity(verdicts: list["Verdict"], mended: dict[str, int], as_dict: Any) -> tuple[dict[str, Any], str]:
    count = sum(verdict.count for verdict in verdicts)
    head = verdicts[0].chain.head  # type: ignore[union-attr]
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    logs = {one.log: {"position": one.chain.head.position, "looked": one.looked} for one in verdicts}  # type: ignore[union-attr]
    behind = {name: lacking for one in verdicts for name, lacking in one.behind.items()}
    skipped = {name: positions for one in verdicts for name, positions in one.skipped.items()}
    parked = {name: cases for one in verdicts for name, cases in one.parked.items()}
    told = {
        "sound": not count,
        "position": head.position,
        "chain": head.chain.hex(),
        "logs": logs,
        "differences": count,
        "findings": list(map(as_dict, findings)),
        "repaired": mended,
        "behind": behind,
        "skipped": skipped,
        "parked": parked,
    }
    repaired = "".join(f"; repaired {number} of {name}" for name, number in mended.items())
    repaired += "".join(f"; {name} is {number} events behind" for name, number in behind.items())
    repaired += "".join(f"; {name} goes on without {len(given_up)} skipped" for name, given_up in skipped.items())
    repaired += "".join(f"; {name} has {cases} cases parked: yichuang parked list" for name, cases in parked.items())
    if not count:
        return told, f"sound up to {_heads(verdicts)}{repaired}"
    shown = "\n".join(f"  {finding}" for finding in findings[:_SHOWN])
    return told, f"the log is sound, but {count} differences were found{repaired}:\n{shown}"


def _heads(verdicts: list["Verdict"]) -> str:
    """Of the logs that hold anything; of the first one, where none does."""
    heads = [(one.log, one.chain.head) for one in verdicts]  # type: ignore[union-attr]
    told = [one for one in heads if one[1].position] or heads[:1]
    return ", ".join(f"position {head.position} of {log}'s log, chain {head.chain.hex()}" for log, head in told)


def _whose(verdict: "Verdict") -> str:
    return "the log" if verdict.log == LOGS[0] else f"{verdict.log}'s log"


def _difference(head: int, doubts: dict[str, int]) -> tuple[int, str]:
    """The first position where the log is known to be another, and a sentence. `doubts`: positions by consumer."""
    furthest = max(doubts.values())
    if furthest > head:
        return head + 1, f"it ends at position {head}, and was read up to {furthest}: its tail was cut off"
    position = min(doubts.values())
    return position, f"at position {position} the chain is another: what is at or before it was written anew"

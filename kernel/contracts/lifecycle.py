"""The life of a case, as published: which facts may follow in which state, and who may say them.

Pure data. filing decides by it, progress shows by it, verification checks by it.
"""

from enum import StrEnum

from kernel.contracts.case import (
    CaseAccepted,
    CaseApproved,
    CaseConcluded,
    CaseDeclined,
    CaseExtended,
    CaseIncomplete,
    CaseLapsed,
    CaseRated,
    CaseReceived,
    CaseRefused,
    CaseResumed,
    CaseStep,
    CaseSuspended,
    CaseWithdrawn,
    Fact,
)


class State(StrEnum):
    """Where a case stands."""

    NEW = "new"
    RECEIVED = "received"
    INCOMPLETE = "incomplete"
    ACCEPTED = "accepted"
    SUSPENDED = "suspended"
    DECIDED = "decided"
    CONCLUDED = "concluded"


class Speaker(StrEnum):
    """Who may say a fact."""

    APPLICANT = "applicant"
    DEPARTMENT = "department"
    CLOCK = "clock"


TRANSITIONS: dict[State, dict[type[Fact], State]] = {
    State.NEW: {
        CaseReceived: State.RECEIVED,
    },
    State.RECEIVED: {
        CaseIncomplete: State.INCOMPLETE,
        CaseAccepted: State.ACCEPTED,
        CaseDeclined: State.CONCLUDED,
        CaseWithdrawn: State.CONCLUDED,
    },
    State.INCOMPLETE: {
        CaseReceived: State.RECEIVED,
        CaseWithdrawn: State.CONCLUDED,
        CaseLapsed: State.CONCLUDED,
    },
    State.ACCEPTED: {
        CaseStep: State.ACCEPTED,
        CaseSuspended: State.SUSPENDED,
        CaseExtended: State.ACCEPTED,
        CaseApproved: State.DECIDED,
        CaseRefused: State.DECIDED,
        CaseWithdrawn: State.CONCLUDED,
    },
    State.SUSPENDED: {
        CaseResumed: State.ACCEPTED,
        CaseWithdrawn: State.CONCLUDED,
    },
    State.DECIDED: {
        CaseConcluded: State.CONCLUDED,
    },
    State.CONCLUDED: {
        CaseRated: State.CONCLUDED,
    },
}

SPEAKERS: dict[type[Fact], frozenset[Speaker]] = {
    CaseReceived: frozenset({Speaker.APPLICANT}),
    CaseIncomplete: frozenset({Speaker.DEPARTMENT}),
    CaseAccepted: frozenset({Speaker.DEPARTMENT, Speaker.CLOCK}),
    CaseDeclined: frozenset({Speaker.DEPARTMENT}),
    CaseStep: frozenset({Speaker.DEPARTMENT}),
    CaseSuspended: frozenset({Speaker.DEPARTMENT}),
    CaseResumed: frozenset({Speaker.DEPARTMENT}),
    CaseExtended: frozenset({Speaker.DEPARTMENT}),
    CaseApproved: frozenset({Speaker.DEPARTMENT}),
    CaseRefused: frozenset({Speaker.DEPARTMENT}),
    CaseConcluded: frozenset({Speaker.DEPARTMENT}),
    CaseWithdrawn: frozenset({Speaker.APPLICANT}),
    CaseLapsed: frozenset({Speaker.CLOCK}),
    CaseRated: frozenset({Speaker.APPLICANT}),
}


def allowed(state: State) -> list[str]:
    """The types that may follow in `state`, in the table's order."""
    return [fact.TYPE for fact in TRANSITIONS[state]]


def reachable(state: State, fact: type[Fact], speaker: Speaker) -> bool:
    """Whether `fact` may still come to be allowed after other facts that `speaker` can say."""
    seen, front = {state}, [state]
    while front:
        here = front.pop()
        if fact in TRANSITIONS[here]:
            return True
        for step, there in TRANSITIONS[here].items():
            if speaker in SPEAKERS[step] and there not in seen:
                seen.add(there)
                front.append(there)
    return False

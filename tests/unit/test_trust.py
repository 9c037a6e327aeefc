"""Whose word counts: rules over what GitHub tells, without GitHub."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from autorun.core.github.commands_text import Order
from autorun.core.github.trust import (
    Actor,
    Deed,
    Facts,
    Note,
    Rules,
    commands,
    commenters,
    orders,
    refused_command,
    shown,
    trusted,
    verdict,
    whom_to_ask,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANA, MAX, EVE, GONE = Actor(login="ana"), Actor(login="max"), Actor(login="eve"), Actor()
BOT = Actor(login="helper[bot]")
ROLES = {"ana": "write", "max": "admin", "eve": "read"}
RULES = Rules()
WORDS = ["/autorun", "/autorun retry go on", "/autorun status", "/autorun dance", "fine", ""]


def at(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def deed(minute: int, by: Actor) -> Deed:
    return Deed(at=at(minute), by=by)


def note(minute: int, by: Actor, body: str = "fine", *, edited: int | None = None, ours: bool = False) -> Note:
    return Note(
        id=minute, at=at(minute), by=by, body=body, edited_at=None if edited is None else at(edited), ours=ours
    )


def labelled(by: Actor = ANA, *, edited_at: datetime | None = None, changes: tuple[Deed, ...] = ()) -> Facts:
    """An issue that bears the label since the tenth minute."""
    return Facts(label="autorun", labelled=True, labelling=deed(10, by), edited_at=edited_at, changes=changes)


ACTORS = st.sampled_from([ANA, MAX, EVE, BOT, GONE])
DEEDS = st.builds(deed, st.integers(0, 30), ACTORS)
NOTES = st.builds(
    note,
    st.integers(0, 30),
    ACTORS,
    st.sampled_from(WORDS),
    edited=st.none() | st.integers(0, 30),
    ours=st.booleans(),
)
FACTS = st.builds(
    Facts,
    label=st.just("autorun"),
    labelled=st.booleans(),
    labelling=st.none() | DEEDS,
    changes=st.lists(DEEDS, max_size=4).map(tuple),
    edited_at=st.none() | st.integers(0, 30).map(at),
    notes=st.lists(NOTES, max_size=6).map(tuple),
    asked_by=st.none() | st.integers(0, 30),
)


# ------------ laws


@given(FACTS)
def test_a_text_is_approved_only_as_someone_trusted_left_it(facts: Facts) -> None:
    """Without an objection there is an approval by a writer, and no stranger changed the text since."""
    found = verdict(facts, RULES, ROLES)
    if found.objection:
        assert found.objection.endswith((".", "`/autorun`."))
        return
    assert found.approval is not None
    assert found.approval.by in {ANA, MAX}
    assert all(change.by in {ANA, MAX} for change in facts.changes if change.at >= found.approval.at)
    if facts.edited_at is not None and facts.edited_at >= found.approval.at:
        assert any(change.at >= facts.edited_at for change in facts.changes)


@given(FACTS)
def test_nobody_counts_whose_role_was_not_asked(facts: Facts) -> None:
    """What decides needs no role but of those who are named as to be asked; nobody asks for an app's."""
    asked = whom_to_ask(facts)
    assert asked <= set(ROLES)
    told = {login: role for login, role in ROLES.items() if login in asked}
    assert verdict(facts, RULES, told) == verdict(facts, RULES, ROLES)


@given(FACTS)
def test_an_agent_reads_only_what_writers_had_said_by_then(facts: Facts) -> None:
    """Nothing of ours, of strangers, or that was written or changed after the approval."""
    approval = deed(15, ANA)
    seen = shown(facts, approval, RULES, ROLES)
    assert {each.by.login for each in seen} <= set(commenters(facts, approval))
    for each in seen:
        assert each.by in {ANA, MAX}
        assert not each.ours
        assert each.stands_since < approval.at


@given(FACTS, st.none() | st.integers(0, 30).map(at))
def test_a_command_counts_once_and_from_a_writer(facts: Facts, since: datetime | None) -> None:
    """It is as it was written, newer than what was answered last, unless it started this run."""
    for said, spoken in commands(facts, RULES, ROLES, since=since):
        assert (said, spoken) in list(orders(facts))
        assert spoken.order in {Order.WORK, Order.RETRY, Order.APPROVE}
        assert said.by in {ANA, MAX}
        assert said.edited_at is None
        assert since is None or said.at > since or said.id == facts.asked_by


# ------------ what is said


@pytest.mark.parametrize(
    ("by", "roles", "why"),
    [
        (ANA, ROLES, ""),
        (EVE, ROLES, "whose role here is read (it takes admin, maintain, write)"),
        (ANA, {}, "whose role GitHub did not tell"),
        (BOT, {"helper[bot]": "admin"}, "an app that `trust.bots` does not name"),
        (GONE, {"": "admin"}, "whose role nobody can tell"),
    ],
)
def test_who_may_not_command_is_told_why(by: Actor, roles: dict[str, str], why: str) -> None:
    """A role is a person's, an app's word counts by its name alone, and an account that is gone says nothing."""
    assert refused_command(by, RULES, roles) == why
    assert trusted(by, RULES.command_roles, RULES, roles) is (why == "")


def test_an_app_is_trusted_by_its_exact_name() -> None:
    """And no person by that way of writing."""
    rules = Rules(bots=frozenset({"helper[bot]"}))
    assert refused_command(BOT, rules, {}) == ""
    assert refused_command(Actor(login="helper"), rules, {})


def test_where_no_role_is_enough_it_is_said() -> None:
    """A configuration that trusts nobody is named as the cause."""
    assert refused_command(ANA, Rules(command_roles=frozenset()), ROLES).endswith(
        "(it takes none that is configured)"
    )


@pytest.mark.parametrize(
    ("facts", "objection"),
    [
        (labelled(), ""),
        (replace(labelled(), labelled=False), "The label `autorun` is not on this issue."),
        (replace(labelled(), labelling=None), "Nobody can be told to have put the label `autorun` on"),
        (labelled(EVE), "put on by eve, whose role here is read (it takes admin, maintain, write): someone who may"),
        (labelled(GONE), "put on by an account that is gone, whose role nobody can tell"),
        (labelled(changes=(deed(5, EVE),)), ""),
        (labelled(changes=(deed(10, EVE),)), "changed by eve, whose role here is read"),
        (labelled(changes=(deed(11, EVE), deed(12, MAX))), "changed by eve, whose role here is read"),
        (labelled(changes=(deed(12, MAX),), edited_at=at(12)), ""),
        (labelled(edited_at=at(9)), ""),
        (labelled(edited_at=at(12)), "changed by an account that is gone after ana had approved it"),
        (labelled(changes=(deed(11, MAX),), edited_at=at(12)), "changed by an account that is gone after ana"),
    ],
)
def test_an_approval_holds_until_someone_else_changes_the_text(facts: Facts, objection: str) -> None:
    """An edit that GitHub tells of and whose author it does not know is a stranger's."""
    found = verdict(facts, RULES, ROLES).objection
    assert objection in found
    assert bool(found) is bool(objection)


def test_a_command_approves_without_a_label_only_if_it_started_this_run() -> None:
    """Elsewhere it needs the label to be on."""
    facts = Facts(label="autorun", labelled=False, notes=(note(20, MAX, "/autorun"),))
    assert verdict(facts, RULES, ROLES).objection == "The label `autorun` is not on this issue."
    assert verdict(replace(facts, asked_by=20), RULES, ROLES).approval == deed(20, MAX)


def test_a_command_lets_go_on_if_it_is_new_or_started_this_run() -> None:
    """What was said before our last word is answered; without such a word every command is new."""
    notes = (
        note(1, ANA, "/autorun"),
        note(2, ANA, "fine"),
        note(3, EVE, "/autorun"),
        note(4, MAX, "/autorun retry"),
        note(5, MAX, "/autorun stop"),
    )
    facts = replace(labelled(), notes=notes)

    def counted(facts: Facts, since: datetime | None) -> list[int]:
        return [said.id for said, _ in commands(facts, RULES, ROLES, since=since)]

    assert counted(facts, None) == [1, 4]
    assert counted(facts, at(2)) == [4]
    assert counted(facts, at(4)) == []
    assert counted(replace(facts, asked_by=1), at(4)) == [1]


def test_an_agent_reads_comments_as_they_stood_at_the_approval() -> None:
    """Not later ones, nor those changed later, of strangers, or ours; whom to ask comes latest first, each once."""
    notes = (
        note(1, ANA),
        note(2, MAX, edited=5),
        note(3, MAX, edited=12),
        note(4, EVE),
        note(5, MAX, ours=True),
        note(6, BOT),
        note(7, ANA),
        note(10, MAX),
    )
    facts, approval = replace(labelled(), notes=notes), deed(10, ANA)
    assert [each.id for each in shown(facts, approval, RULES, ROLES)] == [1, 2, 7]
    assert commenters(facts, approval) == ("ana", "eve", "max")


def test_a_later_command_approves_what_was_changed_meanwhile() -> None:
    """The newest word of someone trusted is the one that counts; a status question is no approval."""
    facts = labelled(changes=(deed(15, EVE),))
    asked = replace(facts, notes=(note(20, MAX, "/autorun status"),))
    approved = replace(facts, notes=(note(20, MAX, "/autorun retry"),))
    assert "changed by eve" in verdict(asked, RULES, ROLES).objection
    assert verdict(approved, RULES, ROLES).approval == deed(20, MAX)
    assert verdict(approved, RULES, ROLES).objection == ""


def test_whoever_could_have_approved_or_changed_is_asked_for() -> None:
    """Changes before any approval matter to nobody."""
    facts = replace(labelled(changes=(deed(5, EVE), deed(11, MAX))), notes=(note(20, EVE, "/autorun"),))
    assert whom_to_ask(facts) == {"ana", "max", "eve"}
    assert whom_to_ask(labelled(changes=(deed(9, EVE),))) == {"ana"}
    assert whom_to_ask(labelled(changes=(deed(10, EVE),))) == {"ana", "eve"}
    assert whom_to_ask(Facts(label="autorun", labelled=False, changes=(deed(5, EVE),))) == frozenset()

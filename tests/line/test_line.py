"""One task down the line: what each kind of ending leaves in the record, the branch and the tracker."""

import pytest

from autorun.claim import Hold
from autorun.core.errors import AutorunError
from autorun.core.ledger import codec
from autorun.core.model import AgentResult, Assignment, Ending, Reason, StopReason, TaskState
from autorun.core.money.budget import Budget, Spent
from autorun.core.report.journal import Happening
from autorun.session import Ended, Session
from kit.repos import commit_all, git, write_files
from kit.workshop import CENTS, ActedAgent, Workshop, check, completed, ends, needs_input, removes, says, writes


def test_a_completed_task_becomes_a_branch_and_a_pull_request(shop: Workshop) -> None:
    """The change is one commit on the work branch, the record and the file say in review, the cost is booked."""
    shop.task("hello")
    ran = shop.run(
        {"hello": [writes({"hello.txt": "hi\n"})]}, verify=check("test ! -e hello.txt || grep hi hello.txt")
    )
    record = shop.record("hello")
    assert record.state is TaskState.IN_REVIEW
    assert record.holder is None
    assert record.proposal is None
    assert record.attempts[-1].usage == CENTS
    assert shop.git("log", "--format=%s", "main..autorun/file-hello") == "Do it"
    assert "Autorun-Task: file/hello" in shop.git("log", "-1", "--format=%B", "autorun/file-hello")
    assert shop.git("diff", "--name-only", "main", "autorun/file-hello") == "hello.txt"
    assert (shop.root / ".ai-agents/pull-requests/hello.md").exists()
    assert shop.status_of("hello") == "in_review"
    assert ran.report.end.reason is Ended.EMPTY


def test_the_users_tree_index_and_branch_are_untouched(shop: Workshop) -> None:
    """A dirty checkout stays as it is, whatever happens in the worktree."""
    shop.task("hello")
    write_files(shop.root, {"README.md": "dirty\n", "new.txt": "untracked\n"})
    shop.run({"hello": [writes({"hello.txt": "hi\n", "README.md": "theirs\n"})]})
    assert (shop.root / "README.md").read_text() == "dirty\n"
    assert (shop.root / "new.txt").exists()
    assert not (shop.root / "hello.txt").exists()
    assert shop.git("symbolic-ref", "HEAD") == "refs/heads/main"


def test_a_claim_without_a_change_is_not_done(shop: Workshop) -> None:
    """Completed with no difference: told once, then blocked with the question what should change."""
    shop.task("idle")
    ran = shop.run({"idle": [says(completed()), says(completed("Nothing to do."))]})
    record = shop.record("idle")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.BLOCKED, Reason.NO_CHANGE)
    assert "no file" in ran.agent.messages("idle")[1]
    assert "autorun/file-idle" not in shop.git("branch", "--list", "--all")


def test_a_regression_goes_back_to_the_agent_in_the_same_conversation(shop: Workshop) -> None:
    """Green at base and red after: the output is the next message; green again is published, as one commit."""
    shop.task("fix")
    ran = shop.run(
        {
            "fix": [
                writes({"bad.txt": "x"}),
                removes("bad.txt", writes({"ok.txt": ""})),
            ]
        },
        verify=check("test ! -e bad.txt || { echo 'bad is there'; exit 1; }"),
    )
    assert "bad is there" in ran.agent.messages("fix")[1]
    assert ran.agent.told[1].session is not None
    assert shop.git("diff", "--name-only", "main", "autorun/file-fix") == "ok.txt"
    assert shop.record("fix").attempts[-1].usage.turns == 2 * CENTS.turns


def test_checks_that_stay_red_pause_the_task(shop: Workshop) -> None:
    """After the repairs the task waits for a human; nothing is pushed."""
    shop.task("bad")
    shop.run({"bad": [writes({"bad.txt": "x"}), says(completed())]}, verify=check("test ! -e bad.txt"))
    record = shop.record("bad")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.PAUSED, Reason.CHECKS_FAILED)
    assert not record.branch


def test_what_was_red_before_is_no_evidence_against_the_change(shop: Workshop) -> None:
    """A check that fails on the base too does not stop a publication, and is named as already failing."""
    shop.task("any")
    shop.run({"any": [writes({"any.txt": ""})]}, verify=check("false"))
    assert shop.record("any").state is TaskState.IN_REVIEW
    assert "already failing" in (shop.root / ".ai-agents/pull-requests/any.md").read_text()


def test_what_the_checks_leave_behind_is_not_published(shop: Workshop) -> None:
    """Files that verification writes, before and after the agent, are not part of the change."""
    shop.task("one")
    shop.run(
        {
            "one": [
                writes({"one.txt": "", "bad": ""}),
                removes("bad", says(completed())),
            ]
        },
        verify=check("date +%N > report-$$.txt; test ! -e bad"),
    )
    assert shop.git("diff", "--name-only", "main", "autorun/file-one") == "one.txt"


def test_a_protected_path_is_refused_with_the_way_to_allow_it(shop: Workshop) -> None:
    """A workflow edit is sent back, then blocks the task; the rest of the change is not published either."""
    shop.task("ci")
    ran = shop.run({"ci": [writes({".github/workflows/x.yml": "on: push\n", "ok.txt": ""}), says(completed())]})
    record = shop.record("ci")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.BLOCKED, Reason.POLICY)
    assert record.outcome is not None
    assert "protected_paths" in record.outcome.remedy
    assert ".github/workflows/x.yml" in ran.agent.messages("ci")[1]


def test_a_question_blocks_the_task_and_the_session_goes_on(shop: Workshop) -> None:
    """A task that needs input is blocked with its question; the next one is worked."""
    shop.task("ask", priority="high")
    shop.task("next")
    ran = shop.run({"ask": [says(needs_input())], "next": [writes({"n.txt": ""})]})
    assert shop.record("ask").state is TaskState.BLOCKED
    assert shop.record("next").state is TaskState.IN_REVIEW
    assert ran.report.count(TaskState.BLOCKED) == 1


@pytest.mark.parametrize("ending", [Ending.CRASHED, Ending.SILENT, Ending.NO_STATEMENT, Ending.TIME_LIMIT])
def test_a_failed_attempt_waits_and_at_last_fails(shop: Workshop, ending: Ending) -> None:
    """Each vain attempt is counted and backs off; it is not tried twice in one session, nor after the last."""
    shop.task("hard")
    for number in (1, 2, 3):
        ran = shop.run({"hard": [ends(ending)] * 2}, max_attempts=3)
        assert len(ran.agent.told) == 1
        assert shop.record("hard").burned == number
        assert shop.run({"hard": []}).agent.told == [], "it backs off"
        shop.clock.pass_(hours=5)
    assert shop.record("hard").state is TaskState.FAILED
    assert shop.run({"hard": []}).agent.told == []


def test_an_outage_is_waited_out(shop: Workshop) -> None:
    """A service that fails twice and then answers costs time, not an attempt."""
    shop.task("calm")
    turns = [ends(Ending.API_DOWN), ends(Ending.RATE_LIMITED), writes({"calm.txt": ""})]
    shop.run({"calm": turns})
    assert shop.record("calm").state is TaskState.IN_REVIEW
    assert shop.record("calm").burned == 0
    assert shop.record("calm").attempts[-1].usage.cost_usd == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("ending", "why"),
    [(Ending.UNAUTHORISED, Ended.ERROR), (Ending.USAGE_WINDOW, Ended.LIMIT), (Ending.BAD_REQUEST, Ended.ERROR)],
)
def test_what_would_hit_every_task_ends_the_session(shop: Workshop, ending: Ending, why: Ended) -> None:
    """A refused credential or a spent window stops the session, burns no attempt, and leaves the task to do."""
    shop.task("a")
    shop.task("b")
    ran = shop.run({"a": [ends(ending, "No.")], "b": []})
    assert ran.report.end.reason is why
    assert len(ran.agent.told) == 1
    record = shop.record("a")
    assert (record.state, record.burned) == (TaskState.TODO, 0)


def test_a_stop_settles_the_task_and_ends_the_session(shop: Workshop) -> None:
    """Asked to end while the agent works: the task is to do again, its cost booked, nothing published."""
    shop.task("a")
    shop.task("b")

    def interrupted(assignment: Assignment) -> AgentResult:
        shop.stop_reasons.append(StopReason.SIGTERM)
        return ends(Ending.STOPPED, "Stopped.", {"half.txt": ""})(assignment)

    ran = shop.run({"a": [interrupted], "b": []})
    record = shop.record("a")
    assert (record.state, record.holder, record.burned) == (TaskState.TODO, None, 0)
    assert record.attempts[-1].usage.cost_usd == CENTS.cost_usd
    assert ran.report.end.stopped_by is StopReason.SIGTERM
    assert shop.status_of("a") == "todo"


def test_unfinished_work_goes_on_in_the_same_conversation(shop: Workshop) -> None:
    """The next run restores the files, continues the session, and publishes both runs' work as one change."""
    shop.task("long")

    def interrupted(assignment: Assignment) -> AgentResult:
        shop.stop_reasons.append(StopReason.SIGTERM)
        return ends(Ending.STOPPED, "Stopped.", {"half.txt": "1\n", "bin.dat": "\0\1"})(assignment)

    first = shop.run({"long": [interrupted]})
    shop.stop_reasons.clear()
    second = shop.run({"long": [writes({"rest.txt": "2\n"})]})
    assert second.agent.told[0].session == first.agent.told[0].session or second.agent.told[0].session is not None
    assert "stopped before you could finish" in second.agent.messages("long")[0]
    assert shop.git("diff", "--name-only", "main", "autorun/file-long").split() == ["bin.dat", "half.txt", "rest.txt"]


def test_an_answer_reaches_the_agent(shop: Workshop) -> None:
    """A blocked task whose file a human edited goes on, and the new text is what the agent reads."""
    shop.task("ask")
    shop.run({"ask": [says(needs_input("Red or blue?"))]})
    assert shop.run({"ask": []}).agent.told == []
    path = shop.root / ".ai-agents/state/ask.md"
    path.write_text(path.read_text().replace("## Acceptance", "It is blue.\n\n## Acceptance"))
    ran = shop.run({"ask": [writes({"blue.txt": ""})]})
    assert "It is blue." in ran.agent.messages("ask")[0]
    assert shop.record("ask").state is TaskState.IN_REVIEW


def test_an_understood_failure_is_a_failed_attempt(shop: Workshop) -> None:
    """The task says what went wrong and is given back."""
    shop.task("x")
    ran = shop.run({"x": [lambda _: (_ for _ in ()).throw(AutorunError("the disk is full"))]})
    record = shop.record("x")
    assert record.outcome is not None
    assert "the disk is full" in record.outcome.sentence
    assert record.holder is None
    assert ran.report.settled[0].outcome.state is TaskState.TODO


def test_a_bug_still_settles_the_task(shop: Workshop) -> None:
    """An exception nobody expected passes on, after the claim was given back."""
    shop.task("x")

    def breaks(assignment: Assignment) -> AgentResult:
        raise ZeroDivisionError(assignment)

    with pytest.raises(ZeroDivisionError):
        shop.run({"x": [breaks]})
    record = shop.record("x")
    assert record.holder is None
    assert record.burned == 1


def test_a_notifier_that_fails_costs_its_message_only(shop: Workshop) -> None:
    """Whatever a notifier suffers, the outcome is the same."""

    def fail(entry: object) -> None:
        raise RuntimeError(entry)

    shop.task("x")
    shop.notes.tell = fail  # type: ignore[method-assign]  # this fake is told to fail
    assert shop.run({"x": [writes({"x.txt": ""})]}).report.count(TaskState.IN_REVIEW) == 1


def test_a_task_that_was_closed_meanwhile_is_not_worked(shop: Workshop) -> None:
    """Between plan and work a human ended the task: the claim is given back and the agent never starts."""
    shop.task("a", priority="high")
    shop.task("b")

    def ends_b(assignment: Assignment) -> AgentResult:
        path = shop.root / ".ai-agents/state/b.md"
        path.write_text(path.read_text().replace("---\n", "---\nstatus: done\n", 1))
        return writes({"a.txt": ""})(assignment)

    ran = shop.run({"a": [ends_b], "b": []})
    assert [a.task.key for a in ran.agent.told] == ["a"]
    assert shop.record("b").holder is None


def test_a_branch_moved_by_a_human_stops_us(shop: Workshop) -> None:
    """A commit of somebody else on the work branch is never overwritten: the task is blocked, saying so."""
    shop.task("mine")
    git(shop.root, "branch", "autorun/file-mine", "main")
    shop.run({"mine": [writes({"m.txt": ""})]})
    record = shop.record("mine")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.BLOCKED, Reason.HUMAN_PUSHED)
    assert shop.git("rev-parse", "autorun/file-mine") == shop.git("rev-parse", "main")


def test_a_merged_pull_request_means_done(shop: Workshop) -> None:
    """The next run finds the branch merged and settles the task, in the record and in its file."""
    shop.task("hello")
    shop.run({"hello": [writes({"hello.txt": "hi\n"})]})
    shop.git("stash", "--quiet")
    shop.git("merge", "--quiet", "--no-ff", "autorun/file-hello")
    shop.run({})
    assert shop.record("hello").state is TaskState.DONE
    assert shop.status_of("hello") == "done"


def test_a_closed_pull_request_means_no(shop: Workshop) -> None:
    """A deleted branch closes the pull request; the task is cancelled and not picked again."""
    shop.task("hello")
    shop.run({"hello": [writes({"hello.txt": "hi\n"})]})
    shop.git("branch", "-D", "autorun/file-hello")
    assert shop.run({"hello": []}).agent.told == []
    assert shop.record("hello").state is TaskState.CANCELLED


def test_a_retry_after_no_gets_a_branch_of_its_own(shop: Workshop) -> None:
    """A named task is worked again after its pull request was closed, on the next branch."""
    shop.task("hello")
    shop.run({"hello": [writes({"hello.txt": "hi\n"})]})
    shop.git("branch", "-D", "autorun/file-hello")
    shop.run({})
    shop.run({"hello": [writes({"hello.txt": "ho\n"})]}, only=("hello",))
    assert shop.record("hello").branch == "autorun/file-hello+2"


def test_a_retry_in_review_adds_to_the_open_pull_request(shop: Workshop) -> None:
    """Asked for again while in review, the work goes on from the branch's head and stays one pull request."""
    shop.task("hello")
    shop.run({"hello": [writes({"hello.txt": "hi\n"})]})
    shop.run({"hello": [writes({"more.txt": "more\n"})]}, only=("hello",))
    assert len(shop.git("log", "--format=%h", "main..autorun/file-hello").split()) == 2
    assert len(list((shop.root / ".ai-agents/pull-requests").iterdir())) == 1
    assert shop.record("hello").state is TaskState.IN_REVIEW


def test_a_dead_runners_task_is_taken_over_at_once(shop: Workshop) -> None:
    """A holder that died is charged its reservation and an attempt; the next run finishes the task."""
    shop.task("hello")

    with shop.bench(ActedAgent({}), reserve_usd=0.5) as bench:
        task = bench.world.tasks.backlog().tasks[0]
        hold = Hold.take(bench, task, None, Spent())
        assert bench.world.ledger.history().seen[task.id].record.holder is not None
    assert shop.run({"hello": []}).agent.told == [], "a holder that may live keeps its task"
    shop.graves.dead_nonces.add(hold.record.holder.nonce if hold.record.holder else "")
    ran = shop.run({"hello": [writes({"hello.txt": ""})]})
    record = shop.record("hello")
    assert record.state is TaskState.IN_REVIEW
    assert record.burned == 1
    assert record.charged_usd == pytest.approx(0.5 + CENTS.cost_usd)
    assert any("died" in text for text in shop.notes.texts(Happening.WARNING))
    assert len(ran.agent.told) == 1


def test_a_lost_lease_publishes_nothing(shop: Workshop) -> None:
    """A runner whose task was taken over writes neither branch nor record, and goes on with the next task."""
    shop.task("a", priority="high")
    shop.task("b")

    def robbed(assignment: Assignment) -> AgentResult:
        shop.clock.pass_(hours=1)
        with shop.bench(ActedAgent({})) as thief:
            seen = thief.world.ledger.history().seen
            task = next(t for t in thief.world.tasks.backlog().tasks if t.id.key == "a")
            Hold.take(thief, task, seen[task.id], Spent())
        return writes({"a.txt": ""})(assignment)

    ran = shop.run({"a": [robbed], "b": [writes({"b.txt": ""})]})
    assert "autorun/file-a" not in shop.git("branch", "--list", "--all")
    assert shop.record("a").fence == 2
    assert [one.task.id.key for one in ran.report.settled] == ["b"]


def test_tasks_do_not_see_each_others_edits(shop: Workshop) -> None:
    """Every task starts from the base."""
    shop.task("a")
    shop.task("b")
    shop.run({"a": [writes({"a.txt": ""})], "b": [writes({"b.txt": ""})]})
    assert shop.git("diff", "--name-only", "main", "autorun/file-b") == "b.txt"


def test_our_own_files_are_never_committed(shop: Workshop) -> None:
    """What lies in .ai-agents beside state and configuration stays out of the change."""
    shop.task("a")
    shop.run({"a": [writes({"a.txt": "", ".ai-agents/session/x": "", ".ai-agents/logs/y": ""})]})
    assert shop.git("diff", "--name-only", "main", "autorun/file-a") == "a.txt"


def test_a_pull_request_that_was_never_opened_is_opened_by_the_next_run(shop: Workshop) -> None:
    """A branch published by a run that died before it proposed: reconcile proposes it, once."""
    shop.task("a")
    shop.run({"a": [writes({"a.txt": ""})]})
    (note,) = (shop.root / ".ai-agents/pull-requests").iterdir()
    note.unlink()
    with shop.bench(ActedAgent({})) as bench:
        seen = next(iter(bench.world.ledger.history().seen.values()))
        trail = bench.world.ledger.trail(seen.record.task)
        published = next(one.record for one in trail if one.record.proposal is not None)
        bench.world.ledger.write(published, over=seen)
    shop.run({})
    assert note.exists()
    assert shop.record("a").proposal is None
    assert shop.record("a").pull_request is not None


def test_commits_carry_on_with_stated_titles_only_as_text(shop: Workshop) -> None:
    """A title that tries to be several lines or a command is one plain line in the commit."""
    shop.task("a")
    evil = completed(title="::error::x\nAutorun-Task: other/1\n\nmore")
    shop.run({"a": [writes({"a.txt": ""}, evil)]})
    subject = shop.git("log", "-1", "--format=%s", "autorun/file-a")
    assert shop.git("log", "-1", "--format=%(trailers:key=Autorun-Task,valueonly)", "autorun/file-a") == "file/a"
    assert "\n" not in subject


def test_a_dirty_base_is_what_is_committed(shop: Workshop) -> None:
    """Work starts from the branch's commit, not from the user's uncommitted edits."""
    shop.task("a")
    commit_all(shop.root, "Latest")
    write_files(shop.root, {"README.md": "uncommitted\n"})
    shop.run({"a": [lambda a: writes({"seen.txt": (a.workspace.path / "README.md").read_text()})(a)]})
    assert shop.git("show", "autorun/file-a:seen.txt") == "# Example"


def test_what_git_cannot_record_blocks_the_task(shop: Workshop) -> None:
    """A nested repository's files would be dropped silently: the task is blocked, naming the place."""
    shop.task("a")

    def nests(assignment: Assignment) -> AgentResult:
        place = assignment.workspace.path / "sub" / ".GIT"
        place.mkdir(parents=True)
        (place / "config").write_text("x")
        return says(completed())(assignment)

    shop.run({"a": [nests]})
    record = shop.record("a")
    assert (record.state, record.outcome and record.outcome.reason) == (TaskState.BLOCKED, Reason.POLICY)
    assert record.outcome is not None
    assert ".GIT" in record.outcome.sentence


def test_money_is_in_the_record_before_it_is_spent(shop: Workshop) -> None:
    """A call beyond what the record is charged renews it first; what is settled is what was spent."""
    shop.task("a")
    charged: list[float] = []

    def spends(assignment: Assignment) -> AgentResult:
        for usd in (0.1, 0.4, 0.9):
            bench.covers[assignment.task](usd)
            charged.append(shop.record("a").charged_usd)
        return writes({"a.txt": ""})(assignment)

    with shop.bench(ActedAgent({"a": [spends]}), reserve_usd=0.5) as bench:
        Session(bench=bench).run()
    assert charged == pytest.approx([0.5, 0.5, 1.4])
    assert shop.record("a").charged_usd == CENTS.cost_usd


def test_a_spent_session_leaves_the_task_for_the_next(shop: Workshop) -> None:
    """The session's limit ends the session, not the task: no attempt is burned, and the next session goes on."""
    shop.task("a")
    budget = Budget(usd_per_session=0.3, usd_per_task=5.0)
    ran = shop.run({"a": [ends(Ending.COST_LIMIT, files={"half.txt": ""})]}, budget=budget)
    assert ran.report.end.reason is Ended.LIMIT
    assert "cost_limit_per_session" in ran.report.end.remedy
    assert (shop.record("a").state, shop.record("a").burned) == (TaskState.TODO, 0)
    shop.run({"a": [writes({"rest.txt": ""})]}, budget=budget)
    assert shop.git("diff", "--name-only", "main", "autorun/file-a").split() == ["half.txt", "rest.txt"]


def test_a_tasks_own_limit_is_a_failed_attempt(shop: Workshop) -> None:
    """What the task may cost is spent: the attempt failed, and the session goes on."""
    shop.task("a", priority="high")
    shop.task("b")
    turns = {"a": [ends(Ending.COST_LIMIT)], "b": [writes({"b.txt": ""})]}
    shop.run(turns, budget=Budget(usd_per_session=10.0, usd_per_task=0.3))
    assert shop.record("a").burned == 1
    assert shop.record("b").state is TaskState.IN_REVIEW


def test_the_day_counts_every_run(shop: Workshop) -> None:
    """What other sessions spent in 24 hours counts; a day later it does not."""
    shop.task("a", priority="high")
    shop.task("b")
    budget = Budget(usd_per_day=CENTS.cost_usd)
    first = shop.run({"a": [writes({"a.txt": ""})], "b": [writes({"b.txt": ""})]}, budget=budget)
    assert first.report.end.sentence.endswith("in 24 hours")
    assert shop.run({"b": []}, budget=budget).report.settled == ()
    shop.clock.pass_(hours=25)
    assert shop.run({"b": [writes({"b.txt": ""})]}, budget=budget).report.count(TaskState.IN_REVIEW) == 1


def test_a_day_with_an_unreadable_record_is_not_spent_on(shop: Workshop) -> None:
    """A limit for the day that cannot be reckoned forbids to begin, says so, and names what helps."""
    shop.task("a")
    shop.git("update-ref", "refs/autorun/tasks/file/broken", "HEAD")
    ran = shop.run({"a": []}, budget=Budget(usd_per_day=100.0))
    assert ran.report.end.reason is Ended.LIMIT
    assert "unreadable records: 1" in ran.report.end.sentence
    assert "autorun doctor" in ran.report.end.remedy
    assert any("refs/autorun/tasks/file/broken" in text for text in shop.notes.texts(Happening.WARNING))
    assert shop.run({"a": [writes({"a.txt": ""})]}).report.count(TaskState.IN_REVIEW) == 1


def test_a_secret_in_the_agents_words_reaches_nobody(shop: Workshop) -> None:
    """What the agent says of its blocker is public: known secrets in it are struck out."""
    shop.task("a")
    secret = "s3cr3t-value-of-the-runner"
    shop.run({"a": [says(needs_input(f"The key is {secret}"))]}, secrets=(secret,))
    outcome = shop.record("a").outcome
    assert outcome is not None
    assert secret not in str(outcome)
    assert "The key is" in outcome.sentence


def test_a_secret_in_the_change_is_not_published(shop: Workshop) -> None:
    """A file or a statement that holds a secret of ours goes back, and then blocks the task."""
    shop.task("a")
    secret = "s3cr3t-value-of-the-runner"
    ran = shop.run({"a": [writes({"a.txt": secret}), says(completed())]}, secrets=(secret,))
    assert shop.record("a").state is TaskState.BLOCKED
    assert secret not in ran.agent.messages("a")[1]


def test_names_that_collide_with_the_bases_are_refused(shop: Workshop) -> None:
    """A new name that folds onto an existing one, or a path that a filter owns, blocks the task."""
    write_files(shop.root, {".gitattributes": "*.bin filter=lfs\n", "big.bin": "pointer\n"})
    shop.task("a")
    shop.task("b")
    turns = {
        "a": [writes({"readme.md": "x"}), says(completed())],
        "b": [writes({"big.bin": "changed\n", ".gitattributes": ""}), says(completed())],
    }
    shop.run(turns)
    for key, name in (("a", "readme.md"), ("b", "big.bin")):
        outcome = shop.record(key).outcome
        assert outcome is not None
        assert outcome.reason is Reason.POLICY, outcome
        assert name in outcome.sentence


def test_people_find_what_was_asked_and_what_came_of_it(shop: Workshop) -> None:
    """The task's folder holds the brief, the result and the change."""
    shop.task("a")
    shop.run({"a": [writes({"a.txt": "hi"})]}, verify=check("true"))
    folder = shop.scratch / "session/tasks/a"
    assert "Task a" in (folder / "brief.md").read_text()
    assert codec.load_record((folder / "result.json").read_text()) == shop.record("a")
    assert "+hi" in (folder / "diff.patch").read_text()
    assert "$ true" in (folder / "verify.log").read_text()

"""A double of Linear on loopback: stateful, executed by graphql-core on Linear's published schema.

A field that is not modelled fails loudly and is noted in `violations`.
"""

import functools
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import graphql

from github_double.server import Reply, Request, Server
from kit.linear_graphql import MOST_COMPLEX, NotModelled, Refusal, Row, parsed, resolve, schema

KEY = "lin_api_" + "k" * 40
STATES = (
    ("Triage", "triage"),
    ("Backlog", "backlog"),
    ("Todo", "unstarted"),
    ("In Progress", "started"),
    ("In Review", "started"),
    ("Done", "completed"),
    ("Canceled", "canceled"),
    ("Duplicate", "duplicate"),
)


@dataclass
class LinearDouble:
    """A workspace. `mutations` names every change asked for, `queries` every question, `replies` go out first.

    `read_only` refuses changes; `drops_html` loses HTML comments, as rich text does; `lost` counts down answers that
    are cut off after the work was done.
    """

    key: str = KEY
    read_only: bool = False
    drops_html: bool = False
    lost: int = 0
    replies: list[Reply] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    mutations: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    dearest: float = 0.0
    users: list[Row] = field(default_factory=list)
    teams: list[Row] = field(default_factory=list)
    labels: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    deleted_comments: set[str] = field(default_factory=set)
    time: datetime = datetime(2026, 11, 20, 12, tzinfo=UTC)
    me: Row = field(init=False)
    url: str = ""

    def __post_init__(self) -> None:
        self.me = self.user("robin")
        self.me["isMe"] = True

    # ------------ people's hands

    def now(self) -> str:
        """The time; every look at it takes a second."""
        self.time += timedelta(seconds=1)
        return self.time.isoformat().replace("+00:00", "Z")

    def user(self, name: str, *, guest: bool = False, app: bool = False, active: bool = True) -> Row:
        """Let someone in."""
        row = self._row(name=name.title(), displayName=name, guest=guest, app=app, active=active, isMe=False)
        self.users.append(row)
        return row

    def team(self, key: str = "ENG", name: str = "Engineering", states: Sequence[tuple[str, str]] = STATES) -> Row:
        """Found a team."""
        row = self._row(key=key, name=name, projects=[], states=[])
        for position, (called, kind) in enumerate(states):
            row["states"].append(self._row(name=called, type=kind, position=float(position)))
        self.teams.append(row)
        return row

    def project(self, team: Row, name: str) -> Row:
        """Begin a project."""
        row = self._row(name=name, slugId=uuid.uuid4().hex[:12])
        team["projects"].append(row)
        return row

    def label(self, name: str, team: Row | None = None) -> Row:
        """Return a label of the workspace or of a team, made if need be."""
        for row in self.labels:
            if row["name"] == name and row["team"] is team:
                return row
        self.labels.append(self._row(name=name, team=team))
        return self.labels[-1]

    def issue(
        self, title: str, description: str | None = "", *, by: Row | None = None, team: Row | None = None, **more: Any
    ) -> Row:
        """Write an issue; `more` sets fields."""
        team = team or self.teams[0]
        number = 1 + sum(each["team"] is team for each in self.issues)
        row = self._row(
            identifier=f"{team['key']}-{number}",
            number=float(number),
            title=title,
            description=description,
            priority=0.0,
            archivedAt=None,
            trashed=None,
            team=team,
            state=next(each for each in team["states"] if each["type"] == "unstarted"),
            project=None,
            creator=by or self.me,
            botActor=None,
            labels=[],
            inverseRelations=[],
            comments=[],
            history=[],
            attachments=[],
        )
        row["url"] = f"https://linear.app/acme/issue/{row['identifier']}"
        row.update(more)
        self.issues.append(row)
        return row

    def queue(self, issue: Row, name: str = "autorun", *, by: Row | None = None, bot: str = "") -> None:
        """Set a label, as a person or as an integration."""
        issue["labels"].append(self.label(name))
        self.note(issue, by=None if bot else by or self.me, bot=bot, addedLabelIds=[issue["labels"][-1]["id"]])

    def edit(self, issue: Row, *, by: Row | None = None, bot: str = "", **texts: str) -> None:
        """Change title or description."""
        entry: Row = {"toTitle": texts["title"]} if "title" in texts else {}
        if "description" in texts:
            editors = None if bot else [by or self.me]
            entry |= {"updatedDescription": True, "descriptionUpdatedBy": editors}
        issue.update(texts)
        self.note(issue, by=None if bot else by or self.me, bot=bot, **entry)

    def comment(self, issue: Row, body: str, *, by: Row | None = None, outside: bool = False) -> Row:
        """Say something; `outside` comes through a synced channel."""
        author = None if outside else by or self.me
        row = self._comment(issue, str(uuid.uuid4()), body, author)
        row["externalUser"] = {"id": "x"} if outside else None
        return row

    def move(self, issue: Row, state: str) -> None:
        """Drag the issue into a column."""
        issue["state"] = next(each for each in issue["team"]["states"] if each["name"] == state)

    def blocks(self, blocker: Row, blocked: Row, kind: str = "blocks") -> None:
        """Relate two issues."""
        blocked["inverseRelations"].append(self._row(type=kind, issue=blocker))

    def find(self, key: str) -> Row:
        """Return the issue with that identifier."""
        return next(each for each in self.issues if each["identifier"] == key)

    def names(self, issue: Row) -> set[str]:
        """The names of an issue's labels."""
        return {each["name"] for each in issue["labels"]}

    def note(self, issue: Row, *, by: Row | None, bot: str = "", **changes: Any) -> None:
        """Write down what happened to an issue."""
        entry = {"addedLabelIds": None, "toTitle": None, "updatedDescription": None, "descriptionUpdatedBy": None}
        at = self.now()
        issue["history"].append(
            self._row(
                updatedAt=at, createdAt=at, actor=by, botActor={"type": bot} if bot else None, **(entry | changes)
            )
        )

    def _comment(self, issue: Row, new_id: str, body: str, author: Row | None) -> Row:
        row = self._row(
            id=new_id, body=self._kept(body), user=author, editedAt=None, botActor=None, externalUser=None
        )
        issue["comments"].append(row)
        return row

    def _row(self, **fields: Any) -> Row:
        return {"id": str(uuid.uuid4()), "createdAt": self.now()} | fields

    def _kept(self, body: str) -> str:
        return re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL) if self.drops_html else body

    # ------------ the roots of the schema

    def root(self, kind: str) -> Row:
        """Return what queries or mutations begin with."""
        if kind == "Mutation":
            names = ("issueUpdate", "issueLabelCreate", "commentCreate", "commentUpdate", "attachmentLinkURL")
            return {name: functools.partial(self._change, name) for name in names}
        return {
            "viewer": self.me,
            "teams": self.teams,
            "issues": self.issues,
            "issueLabels": self.labels,
            "team": lambda id: self._by_id(self.teams, id, "Team"),  # noqa: A006 - the schema's argument
            "issue": lambda id: self._by_id(self.issues, id, "Issue"),  # noqa: A006 - as above
        }

    def _by_id(self, rows: Sequence[Row], wanted: str, what: str) -> Row:
        for row in rows:
            if wanted in {row["id"], row.get("identifier")}:
                return row
        raise Refusal(f"Entity not found: {what}")

    def _change(self, name: str, **args: Any) -> Row:
        self.mutations.append(name)
        if self.read_only:
            raise Refusal("You do not have permission to do this.", "forbidden", "FORBIDDEN")
        payload: Row = getattr(self, f"_{name}")(**args)
        return {"success": True} | payload

    def _issueUpdate(self, id: str, input: Row) -> Row:  # noqa: A002, N802 - the schema's names
        issue = self._by_id(self.issues, id, "Issue")
        known = {each["id"]: each for each in self.labels}
        for name, value in input.items():
            if name == "stateId":
                issue["state"] = self._by_id(issue["team"]["states"], value, "WorkflowState")
            elif name == "addedLabelIds":
                issue["labels"] += [known[each] for each in value]
                self.note(issue, by=self.me, addedLabelIds=list(value))
            elif name == "removedLabelIds":
                issue["labels"] = [each for each in issue["labels"] if each["id"] not in value]
            else:
                raise NotModelled(f"issueUpdate with {name}")
        return {"issue": issue}

    def _issueLabelCreate(self, input: Row) -> Row:  # noqa: A002, N802 - as above
        team = self._by_id(self.teams, input["teamId"], "Team")
        if any(each["name"] == input["name"] and each["team"] in (None, team) for each in self.labels):
            raise Refusal("duplicate label name")
        return {"issueLabel": self.label(input["name"], team)}

    def _commentCreate(self, input: Row) -> Row:  # noqa: A002, N802 - as above
        issue = self._by_id(self.issues, input["issueId"], "Issue")
        taken = self.deleted_comments | {each["id"] for one in self.issues for each in one["comments"]}
        if uuid.UUID(input["id"]).version != 4 or input["id"] in taken:
            raise Refusal(f"The id {input['id']} cannot be used.")
        return {"comment": self._comment(issue, input["id"], input["body"], self.me)}

    def _commentUpdate(self, id: str, input: Row) -> Row:  # noqa: A002, N802 - as above
        row = self._by_id([each for one in self.issues for each in one["comments"]], id, "Comment")
        if row["user"] is not self.me:
            raise Refusal("Only its author edits a comment.", "forbidden", "FORBIDDEN")
        row |= {"body": self._kept(input["body"]), "editedAt": self.now()}
        return {"comment": row}

    def _attachmentLinkURL(self, issueId: str, url: str, title: str) -> Row:  # noqa: N802, N803 - as above
        attachments = self._by_id(self.issues, issueId, "Issue")["attachments"]
        attachments[:] = [each for each in attachments if each["url"] != url] + [self._row(url=url, title=title)]
        return {"attachment": attachments[-1]}

    # ------------ serving

    def answer(self, request: Request) -> Reply:
        """Answer one HTTP request."""
        asked = json.loads(request.body)
        if self.replies:
            return self.replies.pop(0)
        if request.headers.get("Authorization") != self.key:
            problem = Refusal("Authentication required", "authentication error", "AUTHENTICATION_ERROR")
            return reply(401, {"errors": [problem.formatted]})
        document, cost, faults = parsed(asked["query"])
        self.dearest = max(self.dearest, cost)
        (operation,) = [each for each in document.definitions if isinstance(each, graphql.OperationDefinitionNode)]
        if faults or cost > MOST_COMPLEX:
            self.violations += [each.message for each in faults] or [f"a query costs {cost}"]
            return reply(400, {"errors": [{"message": "; ".join(self.violations)}]})
        if operation.operation is graphql.OperationType.QUERY:
            self.queries.append(operation.name.value if operation.name else "")
        done = graphql.execute_sync(
            schema(),
            document,
            self.root(operation.operation.value.title()),
            variable_values=asked.get("variables"),
            field_resolver=resolve,
        )
        ours = [each for each in done.errors or () if not isinstance(each.original_error or each, Refusal)]
        self.violations += [each.message for each in ours]
        if self.lost > 0 and operation.operation is graphql.OperationType.MUTATION:
            self.lost -= 1
            return Reply(cut=True)
        errors = {"errors": [each.formatted for each in done.errors]} if done.errors else {}
        return reply(200, {"data": done.data} | errors)


def reply(status: int, document: Any, **headers: str) -> Reply:
    """A JSON reply; underscores in names of headers stand for hyphens."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Reply(status=status, headers=named, body=json.dumps(document).encode())


def limited(resets_at: datetime, *, status: int = 400) -> Reply:
    """The reply to a client that has asked too much."""
    reset = str(int(resets_at.timestamp() * 1000))
    problem = Refusal("Rate limit exceeded", "ratelimited", "RATELIMITED")
    headers = {
        "X_RateLimit_Requests_Remaining": "0",
        "X_RateLimit_Requests_Reset": reset,
        "X_RateLimit_Complexity_Remaining": "9000",
        "X_RateLimit_Complexity_Reset": str(int(reset) + 3_600_000),
    }
    return reply(status, {"errors": [problem.formatted]}, **headers)


@contextmanager
def serving(double: LinearDouble) -> Iterator[LinearDouble]:
    """Serve a double; nothing that it does not model may have been asked."""
    schema()
    server = Server(double.answer)
    double.url = f"{server.origin}/graphql"
    try:
        yield double
    finally:
        server.close()
    assert double.violations == []

"""What is asked of GitHub, in its own language. One query reads a hundred issues with all that trust depends on."""

from collections.abc import Iterable

from autorun.adapters.tasks.github.labels import STATUS

_ACTOR = "__typename login"
NOTE = f"id databaseId createdAt lastEditedAt viewerDidAuthor body author {{ {_ACTOR} }}"
DEED = f"""
    __typename
    ... on LabeledEvent {{ createdAt actor {{ {_ACTOR} }} label {{ name }} }}
    ... on RenamedTitleEvent {{ createdAt actor {{ {_ACTOR} }} }}
"""
EDIT = f"editedAt editor {{ {_ACTOR} }}"
KINDS = "[LABELED_EVENT, RENAMED_TITLE_EVENT]"


def _issue(*, notes: int, deeds: int, edits: int) -> str:
    return f"""
      id number title body url createdAt lastEditedAt closed stateReason locked
      author {{ {_ACTOR} }}
      repository {{ nameWithOwner }}
      labels(first: 100) {{ nodes {{ id name }} }}
      userContentEdits(first: {edits}) {{ pageInfo {{ hasNextPage endCursor }} nodes {{ {EDIT} }} }}
      timelineItems(last: {deeds}, itemTypes: {KINDS}) {{
        pageInfo {{ hasPreviousPage startCursor }} nodes {{ {DEED} }} }}
      comments(last: {notes}) {{ pageInfo {{ hasPreviousPage startCursor }} nodes {{ {NOTE} }} }}
      blockedBy(first: 50) {{ nodes {{ number closed repository {{ nameWithOwner }} }} }}
"""


_ROOM = "nameWithOwner isArchived hasIssuesEnabled queue: label(name: $label) { id }" + "".join(
    f' s{number}: label(name: "{label.name}") {{ id }}' for number, label in enumerate(STATUS.values())
)
_STATUS_NAMES = ", ".join(f'"{label.name}"' for label in STATUS.values())
_PAGE = "pageInfo { hasNextPage endCursor } nodes { ...issue }"

# Open issues in the queue; closed ones that still show a status of ours.
LISTS = {"open": "labels: [$label], states: [OPEN]", "closed": f"labels: [{_STATUS_NAMES}], states: [CLOSED]"}
_EVERY_ISSUE = _issue(notes=30, deeds=50, edits=30)

ONE = f"""
query($owner: String!, $name: String!, $label: String!, $number: Int!) {{
  repository(owner: $owner, name: $name) {{
    {_ROOM}
    issue(number: $number) {{ {_issue(notes=100, deeds=100, edits=100)} }}
  }}
}}
"""

# What a list of an issue holds beyond its first page.
MORE_NOTES = f"""
query($id: ID!, $at: String) {{ node(id: $id) {{ ... on Issue {{
  page: comments(last: 100, before: $at) {{ pageInfo {{ hasPreviousPage startCursor }} nodes {{ {NOTE} }} }} }} }} }}
"""
MORE_DEEDS = f"""
query($id: ID!, $at: String) {{ node(id: $id) {{ ... on Issue {{
  page: timelineItems(last: 100, before: $at, itemTypes: {KINDS}) {{
    pageInfo {{ hasPreviousPage startCursor }} nodes {{ {DEED} }} }} }} }} }}
"""
MORE_EDITS = f"""
query($id: ID!, $at: String) {{ node(id: $id) {{ ... on Issue {{
  page: userContentEdits(first: 100, after: $at) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ {EDIT} }} }} }} }} }}
"""

PULL_REQUEST = """
query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    issueOrPullRequest(number: $number) {
      __typename
      ... on PullRequest { headRefName isCrossRepository }
    }
  }
}
"""


def backlog(lists: Iterable[str]) -> str:
    """Return the query for the next page of some of the LISTS, each after the cursor that bears its name.

    A list that is at its end is not named at all: what a query could bring is charged, whatever it brings.
    """
    names = sorted(lists)
    cursors = "".join(f", ${name}: String" for name in names)
    pages = "".join(
        f"""
    {name}: issues(first: 100, after: ${name}, {LISTS[name]}, orderBy: {{field: CREATED_AT, direction: ASC}}) {{
      {_PAGE} }}"""
        for name in names
    )
    return f"""
query($owner: String!, $name: String!, $label: String!{cursors}) {{
  repository(owner: $owner, name: $name) {{
    {_ROOM}{pages}
  }}
}}
fragment issue on Issue {{ {_EVERY_ISSUE} }}
"""


def closed_ones(numbers: list[int]) -> str:
    """Return the query that tells which of some issues and pull requests are closed."""
    fields = "".join(
        f" n{number}: issueOrPullRequest(number: {number})"
        " { ... on Issue { closed } ... on PullRequest { closed } }"
        for number in numbers
    )
    return f"query($owner: String!, $name: String!) {{ repository(owner: $owner, name: $name) {{ id{fields} }} }}"

"""Every question and order we send to Linear, as constants; values travel as variables only.

Linear charges a query by what it could return: a tenth for each field, one for each object, times the size of each
page around it; one query may cost 10 000. The page sizes here keep the dearest one below that; longer lists go on
page by page. One issue is asked for as a page of one, which costs a twentieth.
"""

_PERSON = "fragment Person on User { id name displayName active guest app isMe }"

_COMMENTS = """
fragment Comments on CommentConnection {
  nodes { id body createdAt editedAt user { ...Person } botActor { type } externalUser { id } }
  pageInfo { hasNextPage endCursor }
}
"""
_HISTORY = """
fragment History on IssueHistoryConnection {
  nodes {
    createdAt
    updatedAt
    addedLabelIds
    toTitle
    updatedDescription
    actor { ...Person }
    botActor { type }
    descriptionUpdatedBy { ...Person }
  }
  pageInfo { hasNextPage endCursor }
}
"""
_LABELS = """
fragment Labels on IssueLabelConnection {
  nodes { id name }
  pageInfo { hasNextPage endCursor }
}
"""
_RELATIONS = """
fragment Relations on IssueRelationConnection {
  nodes { type issue { identifier trashed state { type } } }
  pageInfo { hasNextPage endCursor }
}
"""
_ATTACHMENTS = """
fragment Attachments on AttachmentConnection {
  nodes { url }
  pageInfo { hasNextPage endCursor }
}
"""
_ISSUE = """
fragment Whole on Issue {
  id
  identifier
  number
  title
  description
  priority
  url
  createdAt
  archivedAt
  trashed
  state { id name type }
  project { id }
  creator { ...Person }
  botActor { type }
  labels(first: 10) { ...Labels }
  inverseRelations(first: 10) { ...Relations }
  comments(first: 20) { ...Comments }
  history(first: 20) { ...History }
}
"""
_WHOLE = _PERSON + _LABELS + _RELATIONS + _COMMENTS + _HISTORY + _ISSUE

VIEWER = _PERSON + "query Viewer { viewer { ...Person } }"

TEAMS = """
query Teams($after: String) {
  teams(first: 100, after: $after) { nodes { id key name } pageInfo { hasNextPage endCursor } }
}
"""

PROJECTS = """
query Projects($team: String!, $after: String) {
  team(id: $team) {
    projects(first: 100, after: $after) { nodes { id slugId name } pageInfo { hasNextPage endCursor } }
  }
}
"""

STATES = """
query States($team: String!, $after: String) {
  team(id: $team) {
    states(first: 100, after: $after) { nodes { id name type position } pageInfo { hasNextPage endCursor } }
  }
}
"""

STATUS_LABELS = (
    _LABELS
    + """
query StatusLabels($filter: IssueLabelFilter!, $after: String) {
  issueLabels(first: 100, after: $after, filter: $filter) { ...Labels }
}
"""
)

ISSUES = (
    _WHOLE
    + """
query Issues($filter: IssueFilter!, $after: String) {
  issues(first: 20, after: $after, filter: $filter) {
    nodes { ...Whole }
    pageInfo { hasNextPage endCursor }
  }
}
"""
)

ISSUE = (
    _WHOLE
    + """
query Issue($filter: IssueFilter!) {
  issues(first: 1, filter: $filter, includeArchived: true) { nodes { ...Whole } }
}
"""
)

MORE_LABELS = (
    _LABELS
    + """
query MoreLabels($issue: String!, $after: String) {
  issue(id: $issue) { labels(first: 100, after: $after) { ...Labels } }
}
"""
)

MORE_RELATIONS = (
    _RELATIONS
    + """
query MoreRelations($issue: String!, $after: String) {
  issue(id: $issue) { inverseRelations(first: 100, after: $after) { ...Relations } }
}
"""
)

MORE_COMMENTS = (
    _PERSON
    + _COMMENTS
    + """
query MoreComments($issue: String!, $after: String) {
  issue(id: $issue) { comments(first: 100, after: $after) { ...Comments } }
}
"""
)

MORE_HISTORY = (
    _PERSON
    + _HISTORY
    + """
query MoreHistory($issue: String!, $after: String) {
  issue(id: $issue) { history(first: 100, after: $after) { ...History } }
}
"""
)

ATTACHMENTS = (
    _ATTACHMENTS
    + """
query Attachments($issue: String!, $after: String) {
  issue(id: $issue) { attachments(first: 100, after: $after) { ...Attachments } }
}
"""
)

UPDATE_ISSUE = """
mutation UpdateIssue($id: String!, $input: IssueUpdateInput!) {
  issueUpdate(id: $id, input: $input) { success }
}
"""

CREATE_LABEL = """
mutation CreateLabel($input: IssueLabelCreateInput!) {
  issueLabelCreate(input: $input) { success issueLabel { id name } }
}
"""

CREATE_COMMENT = """
mutation CreateComment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success }
}
"""

UPDATE_COMMENT = """
mutation UpdateComment($id: String!, $input: CommentUpdateInput!) {
  commentUpdate(id: $id, input: $input) { success }
}
"""

LINK = """
mutation Link($issue: String!, $url: String!, $title: String!) {
  attachmentLinkURL(issueId: $issue, url: $url, title: $title) { success }
}
"""

"""A stateful double of GitHub: REST, GraphQL, git and events, held to GitHub's published descriptions."""

from github_double import failures
from github_double.hub import GitHubDouble
from github_double.issues import Comment, Issue
from github_double.pulls import PullRequest
from github_double.repository import Repository
from github_double.site import ACTIONS_BOT, Clock

__all__ = ["ACTIONS_BOT", "Clock", "Comment", "GitHubDouble", "Issue", "PullRequest", "Repository", "failures"]

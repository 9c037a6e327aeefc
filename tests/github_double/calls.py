"""What the double was asked, for tests that count."""

import fnmatch
from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request. `kind` is `GET /repos/{owner}/...`, `GRAPHQL root+fields` or `GIT push`; status 0 is no answer."""

    kind: str
    path: str
    status: int
    login: str


class Calls(list[Call]):
    """Every request in the order of the answers."""

    @property
    def api(self) -> "Calls":
        """Those that count against a rate limit: REST and GraphQL, not git."""
        return Calls(each for each in self if not each.kind.startswith("GIT "))

    def matching(self, pattern: str) -> "Calls":
        """Those whose kind or `METHOD path` matches a shell pattern; a `[` stands for itself."""
        wanted = pattern.replace("[", "[[]")
        return Calls(
            each
            for each in self
            if fnmatch.fnmatchcase(each.kind, wanted)
            or fnmatch.fnmatchcase(f"{each.kind.partition(' ')[0]} {each.path}", wanted)
        )

    def count(self, pattern: object = "*") -> int:
        """Count the calls that match a shell pattern."""
        return len(self.matching(str(pattern)))

    def table(self) -> str:
        """Return the counts by kind and status, the most frequent first."""
        counted = Counter((each.kind, each.status) for each in self)
        rows = sorted(counted.items(), key=lambda row: (-row[1], row[0]))
        lines = [f"{number:5}  {status:3}  {kind}" for (kind, status), number in rows]
        return "\n".join(["calls  status  kind", *lines, f"{len(self):5}  in all"])

"""What git and its server answer, read: which refusals are final, whose they are, and what helps against them."""

from dataclasses import dataclass
from typing import Self

from autorun.core.errors import (
    AutorunError,
    BranchRefused,
    CredentialRefused,
    ProviderError,
    PublishingRefused,
)

_GRANT = "grant the token `contents: write`, and allow pushes to `refs/autorun/*`"
_COLLATERAL = ("atomic push fail", "atomic transaction failed")
_RACED = ("stale info", "atomic transaction failed", "failed to update ref", "cannot lock ref", "fetch first")
# What a server says, in lower case, when nothing of ours will ever be accepted.
_REFUSALS = (
    ("does not support --atomic", "use a git server that supports atomic pushes (any of git 2.4 or newer)"),
    ("returned error: 403", _GRANT),
    ("write access to repository not granted", _GRANT),
)
_UNAUTHORISED = (
    "returned error: 401",
    "authentication failed",
    "could not read username",
    "terminal prompts disabled",
)
_MISSING = ("not found", "does not appear to be a git repository", "returned error: 404", "returned error: 30")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushAnswer:
    """What a push said: the server's reason for each ref it refused, and the words around it."""

    accepted: bool
    refusals: dict[str, str]
    said: str

    @classmethod
    def read(cls, porcelain: str, said: str, *, accepted: bool) -> Self:
        """Read what `git push --porcelain` wrote, and what it said beside that."""
        refusals = {}
        for line in porcelain.splitlines():
            flag, *rest = line.split("\t")
            if flag == "!" and len(rest) > 1:
                refusals[rest[0].partition(":")[2]] = rest[1].partition("(")[2].removesuffix(")")
        return cls(accepted=accepted, refusals=refusals, said=said)

    def own_reason(self, ref: str) -> str:
        """The reason given for this ref itself, not for the other one or for a race."""
        reason = self.refusals.get(ref, "")
        return "" if any(sign in reason for sign in (*_COLLATERAL, *_RACED)) else reason

    def hopeless(self, url: str) -> AutorunError | None:
        """Return the error if the server took no look at the refs and never will."""
        if self.refusals:
            return None
        said = self.said.lower()
        for sign, hint in _REFUSALS:
            if sign in said:
                return PublishingRefused(f"{url} accepts no push of ours: {_last(self.said, sign)}", hint=hint)
        return access_refused(url, self.said)

    def branch_refused(self, url: str, ref: str) -> BranchRefused:
        """Return the error that tells why the server does not take a branch."""
        told = _told(self.refusals[ref], self.said)
        return BranchRefused(f"{url} refuses {ref.removeprefix('refs/heads/')}: {told}", hint=_remedy(self.said))

    def record_refused(self, url: str, ref: str) -> PublishingRefused:
        """Return the error that tells why the server does not take a record."""
        return PublishingRefused(f"{url} refuses {ref}: {_told(self.refusals[ref], self.said)}", hint=_GRANT)


def access_refused(url: str, said: str) -> ProviderError | None:
    """Return the error if a server lets us not even look."""
    lowered = said.lower()
    if any(sign in lowered for sign in _UNAUTHORISED):
        return CredentialRefused(f"{url} does not accept our credential: {_last(said)}")
    if "returned error: 403" in lowered:
        return ProviderError(f"{url} forbids access: {_last(said)}", hint="grant the token `contents: write`")
    if any(sign in lowered for sign in _MISSING):
        hint = "check the address and the token's reach"
        return ProviderError(f"{url} is no repository we can see: {_last(said)}", hint=hint)
    return None


def unreachable(url: str, said: str) -> ProviderError:
    """Return the error of a server that gives no usable answer."""
    return ProviderError(f"{url} cannot be reached: {_last(said)}", hint="run again once it answers")


def _told(reason: str, said: str) -> str:
    """Return the server's reason with what it said beside it."""
    remarks = (line.removeprefix("remote:").removeprefix("error:").strip() for line in said.splitlines())
    told = (remark for remark in remarks if remark and not remark.startswith(("failed to push", "To ")))
    return "; ".join([reason, *told])[:600]


def _last(said: str, sign: str = "") -> str:
    """Return the last line that holds `sign` and tells why, without git's own remark that a push failed."""
    lines = [line.strip() for line in said.splitlines() if sign in line.lower()]
    telling = [line for line in lines if line and not line.startswith("error: failed to push")]
    return telling[-1][:300] if telling else "it gave no reason"


def _remedy(said: str) -> str:
    if "workflow" in said.lower():
        return "a token that may change workflows is needed, or the task must leave `.github/workflows` alone"
    return "allow pushes to `autorun/*` in the repository's rules, then answer `/autorun retry`"

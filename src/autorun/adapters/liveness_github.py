"""Which Actions runs are over: their attempts can hold no task any more."""

from autorun.core.errors import ProviderError
from autorun.core.ledger.record import Holder
from autorun.effects import host
from autorun.effects.github import GitHub


class ActionsLiveness:
    """Knows the dead of this machine, and the finished attempts of `repository`'s runs.

    `run_id` and `run_attempt` are our own: an earlier attempt of the same run is over without a question.
    """

    def __init__(self, hub: GitHub, repository: str, *, run_id: str = "", run_attempt: int = 0) -> None:
        self._hub = hub
        self._repository = repository
        self._run_id = run_id
        self._run_attempt = run_attempt
        self._over: dict[tuple[str, int], bool] = {}

    def dead(self, holder: Holder) -> bool:
        """Tell whether the holder is known to be dead; False when GitHub does not tell."""
        if (here := host.alive(holder)) is not None:
            return not here
        if not holder.run_id.isdecimal() or holder.run_attempt < 1:
            return False
        if holder.run_id == self._run_id:
            return holder.run_attempt < self._run_attempt
        attempt = (holder.run_id, holder.run_attempt)
        if attempt not in self._over:
            self._over[attempt] = self._asked(*attempt)
        return self._over[attempt]

    def _asked(self, run_id: str, attempt: int) -> bool:
        run = self._hub.repository(self._repository).get_workflow_run(int(run_id))
        doing = f"Reading run {run_id} of {self._repository}"
        try:  # it is told as its latest attempt
            now = self._hub.call(doing, run.complete, repeatable=True)
            return self._hub.call(
                doing, lambda: now.run_attempt > attempt or now.status == "completed", repeatable=True
            )
        except ProviderError:
            return False

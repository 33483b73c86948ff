"""Who is told of a run: people and programs, and Prometheus."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reverify.cli._common import complain, write_file
from reverify.cli.audit._common import history_of
from reverify.errors import UsageError

if TYPE_CHECKING:
    from reverify.audits.telling.targets import Target
    from reverify.cli.audit._options import Asked
    from reverify.model.audit import Drift, Run


class Telling:
    """Who is told of the run; looked at before it begins, not after six hours.

    Raises:
        UsageError: a target makes no sense, or what it takes is not set.
    """

    def __init__(
        self, notify: Sequence[str], metrics: Path | None, asked: "Asked"
    ) -> None:
        self._targets: list[Target] = []
        self._metrics = metrics
        self._settings = asked.settings
        if metrics is not None and not metrics.absolute().parent.is_dir():
            raise UsageError(f"--metrics {metrics}: there is no folder for it")
        if notify:
            from reverify.audits.telling.means import means_for  # noqa: PLC0415
            from reverify.audits.telling.targets import read_target  # noqa: PLC0415
            from reverify.runtime import web  # noqa: PLC0415

            self._targets = [read_target(each) for each in notify]
            http = None if asked.settings.offline else web(asked.settings)
            self._means = means_for(
                self._targets, asked.settings, http=http, environ=os.environ
            )

    def tell(self, run: "Run", drift: "Drift") -> None:
        """Tell all; who cannot be told is complained of, and changes no verdict."""
        if run.summary is None or not run.summary.total:
            return
        if self._targets:
            from reverify.audits.telling.notice import notice_of  # noqa: PLC0415
            from reverify.audits.telling.sending import send  # noqa: PLC0415

            notice = notice_of(run, drift)
            if notice is not None:
                for problem in send(notice, self._targets, self._means):
                    complain(problem)
        if self._metrics is not None:
            from reverify.audits.overview import overview  # noqa: PLC0415
            from reverify.audits.telling.metrics import metrics  # noqa: PLC0415
            from reverify.services import SystemClock  # noqa: PLC0415

            with history_of(self._settings) as history:
                now = SystemClock().now()
                found = overview(history, run, now, most=0, changes=False)
            write_file(self._metrics, metrics(found._replace(drift=drift)))

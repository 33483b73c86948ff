"""The user's own credentials of git, for hosts that the user named alone."""

import re
from collections.abc import Mapping

from reverify.services.git.command import Git

_KEPT = (
    "HOME PATH USER LOGNAME LANG XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME"
    " XDG_RUNTIME_DIR DBUS_SESSION_BUS_ADDRESS GNUPGHOME GH_TOKEN GITLAB_TOKEN"
).split()
"""What helpers need. No proxies among them: git would pass by our own."""
_WHERE = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
_KEY = re.compile(r"credential\.(?:.*\.)?(?:helper|username|usehttppath)")


class Credentials:
    """The helpers that the user has set up for git; nothing else of those settings.

    Args:
        environ: the environment of the user.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.variables = {name: environ[name] for name in _KEPT if name in environ}
        self._where: dict[str, str | None] = {
            **self.variables,
            **{name: environ.get(name) for name in _WHERE},
        }
        self._settings: tuple[str, ...] | None = None

    def settings(self) -> tuple[str, ...]:
        """The settings that name the helpers, `credential.helper=store` say.

        Raises:
            ServiceError: there is no git.
        """
        if self._settings is None:
            with Git() as git:
                process = git.start(
                    *("config", "--includes", "--show-scope", "-z", "--list"),
                    variables=self._where,
                )
                output, _ = process.communicate()
            self._settings = tuple(_read(output.decode("utf-8", "surrogateescape")))
        return self._settings


def _read(text: str) -> list[str]:
    """The settings of credentials, in order, that are not our own."""
    words = text.split("\0")
    found = []
    for scope, item in zip(words[::2], words[1::2], strict=False):
        name, _, value = item.partition("\n")
        if scope in {"system", "global"} and _KEY.fullmatch(name):
            found.append(f"{name}={value}")
    return found

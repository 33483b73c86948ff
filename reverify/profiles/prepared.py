"""What the engine keeps of the profiles it has read, a set for each one it judges by.

roc-validator can judge many crates with what it once read of a profile, but keeps it
where it is lost (in a `Validator`) or mixed up with that of other profiles (in two
tables of its classes). Here each profile that is judged by gets tables of its own, as
in a process of its own, and those of a profile that was prepared are used again.

Where the engine has no such tables, nothing is kept, and each crate is judged anew.
"""

import copy
from typing import Any

Key = tuple[str, str]
_TABLES = (
    "_Validator__prepared_profile_catalogs",
    "_Validator__prepared_validation_plans",
)


class Tables:
    """The tables of one profile.

    Args:
        profiles: an empty table of profiles.
    """

    def __init__(self, profiles: Any) -> None:  # noqa: ANN401 - the engine has no types
        self.profiles = profiles
        self.checks: dict[int, Any] = {}
        self.of_validators: dict[str, dict[Any, Any]] = {name: {} for name in _TABLES}


class Preparation:
    """The tables of all profiles that were prepared, and of the one in use."""

    def __init__(self) -> None:
        from rocrate_validator.models import Profile, Validator  # noqa: PLC0415
        from rocrate_validator.requirements.shacl.checks import (  # noqa: PLC0415
            SHACLCheck,
        )

        self._profile, self._check = Profile, SHACLCheck
        self._kept: dict[Key, Tables] = {}
        self._now: Tables | None = None
        profiles = vars(Profile).get("_Profile__profiles_map")
        known = profiles is not None and "__instances__" in vars(SHACLCheck)
        self._empty = copy.deepcopy(profiles) if known else None
        self._lend_to(Validator)

    def use(self, key: Key, *, keep: bool = False) -> None:
        """Let the engine use the tables of a profile; empty ones, if it has none.

        Args:
            key: the profile, and the folder of extra profiles.
            keep: whether to have them again when it is used next.
        """
        if self._empty is None:
            return
        self._now = self._kept.get(key) or Tables(copy.deepcopy(self._empty))
        self._profile._Profile__profiles_map = self._now.profiles  # noqa: SLF001
        self._check.__instances__ = self._now.checks
        if keep:
            self._kept[key] = self._now

    def forget(self, key: Key) -> None:
        """Have nothing of a profile any more."""
        self._kept.pop(key, None)

    def _lend_to(self, validator: Any) -> None:  # noqa: ANN401
        begin = validator.__init__

        def begin_prepared(this: Any, *args: Any, **named: Any) -> None:  # noqa: ANN401
            begin(this, *args, **named)
            if self._now and all(hasattr(this, name) for name in _TABLES):
                for name, table in self._now.of_validators.items():
                    setattr(this, name, table)

        validator.__init__ = begin_prepared

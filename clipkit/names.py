"""A typo in a name is answered with the name that was probably meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def known(name: str, names: Iterable[str], kind: str) -> str:
    """`name` itself if it is one of `names`.

    Raises:
        ValueError: it is not; the message has the nearest name and the whole list. `kind` says what was
            named.
    """
    names = list(names)
    if name in names:
        return name
    by_lower_case = {n.lower(): n for n in names}
    near = get_close_matches(str(name).lower(), by_lower_case, n=1)
    hint = f" Did you mean {by_lower_case[near[0]]!r}?" if near else ""
    raise ValueError(f"there is no {kind} {name!r}.{hint} There are: {', '.join(map(repr, names))}.")

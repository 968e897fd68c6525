"""The organization in paths such as `/organizations/{organization}/jobs`, of whoever asks."""

from urllib.parse import quote

from harness.untrusted.token_claims import claims_of
from harness.vocabulary.paths import ORGANIZATION

_QUOTED = quote(ORGANIZATION)
_NOBODY = "00000000-0000-0000-0000-000000000000"


class PathOrganization:
    """Fills in the organization of a request's token, where a path leaves it open.

    A check that asks for another one, such as a stranger's, writes it into the path itself.
    """

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def note(self, token: str, organization: str) -> None:
        """Keep which organization a token is of."""
        self._of[token] = organization

    def filled(self, path: str, authorization: str) -> str:
        """Give the path with the organization in it; a path that names one stays as it is."""
        for placeholder in (ORGANIZATION, _QUOTED):
            if placeholder in path:
                return path.replace(placeholder, quote(self._asking(authorization), safe=""))
        return path

    def _asking(self, authorization: str) -> str:
        """The organization that asks, else the one that a token of a check's own making names.

        Without a token, and with one that names none: any that there is, so that it is the token
        that the backend has to refuse.
        """
        token = authorization.rpartition(" ")[2]
        if token in self._of:
            return self._of[token]
        claims = str(claims_of(token))
        known = list(dict.fromkeys(self._of.values()))
        return next((one for one in known if one in claims), known[0] if known else _NOBODY)

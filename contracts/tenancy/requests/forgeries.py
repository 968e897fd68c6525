"""Invalid tokens that need the issuer's secret to make: expired, for others, with odd claims."""

import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

from contracts.tenancy.requests.credentials import (
    ANOTHER_SECRET,
    NOT_A_TOKEN,
    UNAUTHORIZED,
    Credential,
    bearer,
    invalid_credentials,
    wrongly_signed,
)
from contracts.tenancy.requests.key_forgeries import KeyForger
from contracts.tenancy.requests.personas import LONG_AGO_S, organization_claims
from harness.client import Organization, TokenRecipe
from harness.client.tokens.tokens import ABSENT, claims_of, signed, unsigned
from harness.signing.algorithms import DIGESTS

NO_ORGANIZATION = frozenset({403})
NOT_KNOWN = frozenset({401, 403})
"""For a user whom the backend does not find: the contract knows no such case."""
REFUSED = frozenset({400, 401, 403})
"""Where the contract does not say which refusal."""


class Forger:
    """Makes invalid tokens of an organization's owner."""

    def __init__(self, recipe: TokenRecipe, org: Organization, attacker_url: str) -> None:
        self.recipe = recipe
        self.org = org
        self.attacker_url = attacker_url
        self.header = recipe.header

    def claims(self, **changes: object) -> dict[str, Any]:
        """The claims of the owner's token, with changes; `ABSENT` removes a claim."""
        return claims_of(
            self.recipe,
            user=self.org.users["owner"],
            organization=self.org.id,
            role="owner",
            changes=changes,
        )

    def token(self, claims: object, header: Mapping[str, object] | None = None) -> str:
        """A token with any claims, signed as the issuer does."""
        return self.recipe.issue(claims, header)

    def credentials(self) -> Iterator[Credential]:
        """Every credential that must not be accepted."""
        yield from invalid_credentials(self.org)
        for expected, kinds in (
            (UNAUTHORIZED, self._badly_signed()),
            (UNAUTHORIZED, self._out_of_time()),
            (UNAUTHORIZED, self._for_others()),
            (REFUSED, self._odd_times_and_audiences()),
            (NOT_A_TOKEN, self._malformed()),
        ):
            yield from bearer(expected, kinds)
        if self.recipe.names_organization:
            yield from self.about_claims()
        else:
            yield from bearer(NOT_KNOWN, self._of_unknown_users())

    def about_claims(self) -> Iterator[Credential]:
        """Those whose claims name no organization, or none that can be."""
        yield from bearer(NO_ORGANIZATION, self._without_organization())
        yield from bearer(frozenset({401, 403}), self._with_an_odd_organization())

    def _of_unknown_users(self) -> Iterator[tuple[str, str]]:
        """A backend that looks the organization up finds none for these users."""
        unknown = claims_of(self.recipe, user=str(uuid4()), organization=self.org.id, role="owner")
        yield "a user of no organization!", self.token(unknown)
        named = {"organization_id": self.org.id, "role": "owner"}
        claimed = {**unknown, **named, "app_metadata": named}
        yield "a user of no organization whose claims name one!", self.token(claimed)

    def _badly_signed(self) -> Iterator[tuple[str, str]]:
        good = self.claims()
        for number, spelling in enumerate(("none", "None", "NONE", "nOnE")):
            mark = "" if number else "!"
            yield f"alg: {spelling}{mark}", unsigned({"alg": spelling, "typ": "JWT"}, good)
        yield "alg: none, without the last dot", unsigned({"alg": "none"}, good)[:-1]
        yield "alg: none, with a signature", self.token(good, {"alg": "none"})
        sealed = self.token(self.claims(sub=self.org.users["viewer"]))
        head, _, signature = sealed.split(".")
        payload = self.token(good).split(".")[1]
        yield "claims changed after signing!", f"{head}.{payload}.{signature}"
        accepted_before, _, _ = self.org.tokens["owner"].rpartition(".")
        forged = wrongly_signed(self.header, good).split(".")[2]
        yield "an accepted token with another signature!", f"{accepted_before}.{forged}"
        if self.recipe.key is not None:
            yield from KeyForger(self.recipe, good, self.attacker_url).forgeries()
        else:
            yield from self._badly_signed_with_a_secret(good, f"{head}.{payload}")

    def _badly_signed_with_a_secret(
        self, good: dict[str, Any], message: str
    ) -> Iterator[tuple[str, str]]:
        secret, used = self.recipe.secret, self.recipe.algorithm
        yield "no signature", unsigned(self.header, good)
        yield "wrong key!", wrongly_signed(self.header, good)
        for weak in ("", "secret", self.org.id):
            yield f"signed with {weak!r}", signed(self.header, good, secret=weak, algorithm=used)
        for other in set(DIGESTS) - {used}:
            token = signed({"alg": other, "typ": "JWT"}, good, secret=secret, algorithm=other)
            yield f"signed by {other}!", token
            yield (
                f"signed by {other}, declared as {used}",
                signed(self.header, good, secret=secret, algorithm=other),
            )
        for asymmetric in ("RS256", "ES256", "PS256", "EdDSA"):
            yield f"declared as {asymmetric}", self.token(good, {"alg": asymmetric})
        for missing in ({}, {"alg": None}, {"alg": [used]}, {"alg": ""}):
            yield f"the header {missing}", self.token(good, {"typ": "JWT", **missing})
        yield "a signature cut short", self.token(good)[:-3]
        yield "a signature of one letter", f"{message}.A"
        own_key = urlsafe_b64encode(ANOTHER_SECRET.encode()).rstrip(b"=").decode()
        for name, header, key in (
            ("kid that is a file", {"kid": "../../../../dev/null"}, ""),
            ("kid that is SQL", {"kid": "x' UNION SELECT 'key' -- "}, "key"),
            ("jwk in the header", {"jwk": {"kty": "oct", "k": own_key}}, ANOTHER_SECRET),
        ):
            yield name, signed({**self.header, **header}, good, secret=key, algorithm=used)

    def _out_of_time(self) -> Iterator[tuple[str, str]]:
        now = int(time.time())
        for name, exp in {
            "expired a day ago!": now - LONG_AGO_S,
            "expired ten minutes ago": now - 600,
            "expired in 1970": 0,
            "expired before 1970": -1,
            "without exp!": ABSENT,
        }.items():
            yield name, self.token(self.claims(exp=exp))

    def _for_others(self) -> Iterator[tuple[str, str]]:
        audience = self.recipe.audience
        if audience is None:
            return
        for name, aud in {
            "for another audience!": "another-audience",
            "for an audience of which ours is a part": f"{audience}-other",
            "for a part of our audience": audience[:-1],
            "for a list of other audiences": ["another-audience", f"{audience}2"],
            "without aud!": ABSENT,
        }.items():
            yield name, self.token(self.claims(aud=aud))

    def _odd_times_and_audiences(self) -> Iterator[tuple[str, str]]:
        for exp in (None, "1"):
            yield f"exp is {exp!r}", self.token(self.claims(exp=exp))
        if self.recipe.audience is None:
            return
        audiences: list[object] = ["", None, [], {self.recipe.audience: True}, 7]
        for aud in audiences:
            yield f"aud is {aud!r}", self.token(self.claims(aud=aud))

    def _malformed(self) -> Iterator[tuple[str, str]]:
        yield "claims that are not JSON", self.token(b"\xff{")
        yield "claims that are a list", self.token([self.claims()])
        yield "claims that are a text", self.token("owner")
        yield "a header that is not JSON", self.recipe.issue(self.claims(), b"{")
        yield "claims nested without end", self.token(b"[" * 2000)

    def _without_organization(self) -> Iterator[tuple[str, str]]:
        nothing: dict[str, Any] = dict.fromkeys(organization_claims(self.recipe), ABSENT)
        yield "no app_metadata!", self.token(self.claims(**nothing))
        for name in nothing:
            yield f"{name} is null", self.token(self.claims(**{name: None}))
            yield f"{name} is empty", self.token(self.claims(**{name: {}}))
        for organization in (ABSENT, None):
            yield f"the organization is {organization!r}", self._of(organization)

    def _with_an_odd_organization(self) -> Iterator[tuple[str, str]]:
        own = self.org.id
        for organization in (
            "", "not-an-id", 7, True, [own], {"id": own}, "*", "%", f"{own},{own}",
            f"{own}' OR '1'='1", own[:-1], f"{own}\0",
        ):  # fmt: skip
            yield f"the organization is {organization!r}", self._of(organization)

    def _of(self, organization: object) -> str:
        """A correctly signed token with this value as the organization."""
        return self.token(
            claims_of(
                self.recipe,
                user=self.org.users["owner"],
                organization=organization,
                role="owner",
            )
        )

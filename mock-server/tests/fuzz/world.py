"""The world that is judged, as the Schemathesis process knows it: where it is, and tokens for each thing to prove."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import Self

VARIABLE = "ADMIN_API_FUZZ_WORLD"


@dataclass(frozen=True)
class JudgedWorld:
    """All that laws and requests need of it. Access tokens, for no request of the API's own can revoke them."""

    base_url: str
    #: With every scope.
    token: str
    #: By scope: with every scope but this one.
    without: dict[str, str]
    client_id: str
    client_secret: str

    def environment(self) -> dict[str, str]:
        """What tells a child process of it: the laws all of it, schemathesis.toml the credentials."""
        return {
            VARIABLE: json.dumps(asdict(self)),
            "ADMIN_API_FUZZ_TOKEN": self.token,
            "ADMIN_API_FUZZ_CLIENT_ID": self.client_id,
            "ADMIN_API_FUZZ_CLIENT_SECRET": self.client_secret,
        }

    @classmethod
    def of_environment(cls) -> Self:
        """As the parent told it."""
        return cls(**json.loads(os.environ[VARIABLE]))

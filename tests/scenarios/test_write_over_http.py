"""README's block of writes over HTTP, by a shell against `gateway serve`: LDAP knows who was made, and the password opens."""

import json
import os
import subprocess
from pathlib import Path

from tests.app.installation import BASE_DN, Installation
from tests.scenarios.guide import fenced


def test_readmes_writes_are_done_and_reach_ldap(tmp_path: Path) -> None:
    installation = Installation(tmp_path, os.environ)
    installation.configure()
    [block] = [block for block in fenced("bash") if "Idempotency-Key" in block]
    with installation.serve() as serving:
        added = installation("application", "add", "personnel", "--grant", "write", "--grant", "passwords", "--json").json
        path = added["base_url"].split("/v2/")[1]
        access = {
            "BASE": f"http://{serving.addresses['http']}/v2/{path}",
            "ID": added["client_id"],
            "SECRET": added["secret"],
        }
        shell = subprocess.run(["bash", "-ec", block], env={**os.environ, **access}, capture_output=True, text=True, check=True)
        made, group, found = map(json.loads, shell.stdout.replace("}{", "}\n{").splitlines())
        assert made["userId"] == found["userId"]
        assert group["groupId"]
        name = f"uid=anna,ou=people,{BASE_DN}"
        assert serving.bind(name, made["password"]) == "success"
        assert serving.bind(name, "wrong") == "invalidCredentials"

"""Proves what the containers of a cluster may do, by what Compose and the engine say: locked_down.py CONFIG INSPECT ENV."""

import json
import sys

config, inspect, environment = (open(path).read() for path in sys.argv[1:])
variables = dict(line.removeprefix("export ").split("=", 1) for line in environment.splitlines() if "=" in line)
user_info = variables["EUTERPE_BROKER"].split("://")[1].split("@")[0]
secrets = {user_info.split(":")[1], variables["AWS_SECRET_ACCESS_KEY"], variables["AWS_ACCESS_KEY_ID"]}
assert all(len(secret) >= 20 for secret in secrets), "secrets are made up, and long"

for name, text in (("docker compose config", config), ("docker inspect", inspect)):
    assert not any(secret in text for secret in secrets), f"{name} shows a secret"
assert "0.0.0.0" not in config, "docker compose config has 0.0.0.0"

containers = json.loads(inspect)
assert len(containers) >= 5, "fewer containers than services"
for container in containers:
    name, host = container["Name"], container["HostConfig"]
    assert container["Config"]["User"] == "10001:10001", f"{name} runs as {container['Config']['User']!r}"
    assert host["ReadonlyRootfs"], f"{name} may write to its root file system"
    assert host["CapDrop"] == ["ALL"] and not host["CapAdd"] and not host["Privileged"], f"{name} has rights"
    assert host["SecurityOpt"] == ["no-new-privileges:true"], f"{name}: {host['SecurityOpt']}"
    assert host["Memory"] > 0, f"{name} has no limit of memory"
    for port, places in (host["PortBindings"] or {}).items():
        for place in places:
            assert place["HostIp"] == "127.0.0.1", f"{name} publishes {port} at {place}"

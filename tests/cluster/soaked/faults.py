"""What befalls the containers of a cluster, one fault at a time; what lasts goes on meanwhile."""

import json
import os
import subprocess
import time

PAUSE, APART = (float(os.environ.get(name, "40")) for name in ("PAUSE", "APART"))
PROJECT = f"label=com.docker.compose.project={os.environ['COMPOSE_PROJECT_NAME']}"


def docker(*words):
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def containers(service):
    found = docker("ps", "--quiet", "--filter", PROJECT, "--filter", f"label=com.docker.compose.service={service}")
    return sorted(found.split())


VHOST = os.environ["EUTERPE_BROKER"].rsplit("/", 1)[1]


def rabbitmqctl(*words):
    return docker("exec", containers("rabbitmq")[0], "rabbitmqctl", "-q", *words)


class Faults:
    def __init__(self, luck):
        self.luck = luck
        self.nodes = containers("node")
        assert len(self.nodes) == 3, self.nodes
        self.network = next(iter(json.loads(docker("inspect", self.nodes[0]))[0]["NetworkSettings"]["Networks"]))
        self.away = {}  # node: until when, and what ends it
        self.struck = 0

    def wait(self, seconds):
        """Lets time go by; who was paused or cut off for long enough goes on."""
        until = time.monotonic() + seconds
        while True:
            now = time.monotonic()
            for node in [node for node, (over, _) in self.away.items() if over <= now]:
                docker(*self.away.pop(node)[1])
            if now >= until:
                return
            time.sleep(min(0.2, until - now))  # real containers know no other time

    def until_all_are_back(self):
        while self.away:
            self.wait(0.2)

    def one(self):
        """A node to strike, of those that are there; one at least is always left."""
        while len(self.away) > 1:
            self.wait(0.2)
        self.struck += 1
        return self.luck.choice([node for node in self.nodes if node not in self.away])

    def kill(self):
        # By the engine's kernel: after `docker kill` a container is not started again.
        node = self.one()
        process = docker("inspect", "--format", "{{.State.Pid}}", node)
        if process == "0":
            return f"node {node[:6]} has not come back yet from its last death"
        docker("run", "--rm", "--pid", "host", "euterpe-stand-in/debian:trixie", "sh", "-c", f"kill -KILL {process}")
        return f"node {node[:6]} is killed; its container starts again"

    def pause(self):
        node = self.one()
        docker("pause", node)
        self.away[node] = (time.monotonic() + PAUSE, ("unpause", node))
        return f"node {node[:6]} is paused for {PAUSE:g} s"

    def part(self):
        node = self.one()
        docker("network", "disconnect", self.network, node)
        back = ("network", "connect", "--alias", "node", self.network, node)
        self.away[node] = (time.monotonic() + APART, back)
        return f"node {node[:6]} is cut off from broker and store for {APART:g} s"

    def restart(self):
        how = self.luck.choice([0, 30])
        docker("restart", "--time", str(how), containers("rabbitmq")[0])
        return f"the broker is {'stopped' if how else 'killed'} and started again"

    def alarm(self):
        rabbitmqctl("set_vm_memory_high_watermark", "0.00001")
        self.wait(15)
        rabbitmqctl("set_vm_memory_high_watermark", "0.4")
        return "the broker is short of memory for 15 s"

    def store(self):
        docker("restart", "--time", str(self.luck.choice([0, 10])), containers("object-store")[0])
        return "the object store is started again"

"""Publishes entities in portions with a fault after each, waits for the end, counts, and reports: soak.py EUTERPE GRAPH LEDGERS FILE."""

import json
import os
import platform
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from bucket import Bucket
from faults import VHOST, Faults, docker, rabbitmqctl

EUTERPE, GRAPH, LEDGERS, REPORT = sys.argv[1:]
JOBS = ["base", "left", "right", "join", "tail"]
USUAL = {"KILLS": 50, "PAUSES": 10, "RESTARTS": 5, "PARTITIONS": 3, "ALARMS": 1, "STORES": 2}
KINDS = {"KILLS": "kill", "PAUSES": "pause", "RESTARTS": "restart", "PARTITIONS": "part", "ALARMS": "alarm", "STORES": "store"}
ENTITIES, SLOW = int(os.environ.get("ENTITIES", "20000")), os.environ.get("SLOW", "30")
COUNTS = {name: int(os.environ.get(name, usual)) for name, usual in USUAL.items()}
SEED = int(os.environ.get("SEED", time.time_ns() // 1_000_000))
# How long the queues may take to be empty after the last fault.
PATIENCE = float(os.environ.get("PATIENCE", "7200"))
began = time.monotonic()
events = []


def event(what):
    events.append((int(time.monotonic() - began), what))
    print(f"{events[-1][0]:>5} s  {what}", flush=True)


def euterpe(*words, given=None, codes=(0,)):
    """The last fact that a verb prints, and its exit code."""
    ended = subprocess.run([EUTERPE, "--json", *words], input=given, capture_output=True, text=True)
    assert ended.returncode in codes, f"{words} ended with {ended.returncode}: {ended.stderr[-2000:]}"
    return json.loads(ended.stdout.splitlines()[-1])


def publish(ids):
    """Publishes in a portion; a server that a fault has just hit is waited for, as a person would."""
    for tries_left in range(20, -1, -1):
        try:
            return euterpe("publish", GRAPH, "--ids", "-", given="\n".join(ids) + "\n")["run"]
        except AssertionError as error:
            if not tries_left:
                raise
            event(f"a portion could not be published, and is tried again: {str(error).splitlines()[-1][:160]}")
            faults.wait(3)


def waiting():
    lines = [line.split("\t") for line in rabbitmqctl("list_queues", "-p", VHOST, "name", "messages").splitlines()]
    return sum(int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit() and line[0].startswith("euterpe."))


def until_quiet():
    quiet, until = 0, time.monotonic() + PATIENCE
    while quiet < 4:  # the broker counts only now and then
        left = waiting()
        assert time.monotonic() < until, f"{left} messages are still there"
        quiet = 0 if left else quiet + 1
        time.sleep(3)


def content(entity):
    base, side = entity, f"{entity}\nb: {entity}"
    join = f"{entity}\nl: {side}\nr: {side}"
    return {"base": base, "left": side, "right": side, "join": join, "tail": f"{entity}\nj: {join}"}


luck = random.Random(SEED)
order = [KINDS[name] for name, count in COUNTS.items() for _ in range(count)]
luck.shuffle(order)
faults = Faults(luck)
event(f"seed {SEED}: {ENTITIES} entities, faults: " + ", ".join(f"{count} {name.lower()}" for name, count in COUNTS.items()))
ids = [f"t-{number:06}" for number in range(ENTITIES)]
portions = len(order) + 1
runs, size, most = [], ENTITIES / portions, 0
for at in range(portions):
    runs.append(publish(ids[round(at * size) : round((at + 1) * size)]))
    faults.wait(1 + luck.random() * 3)
    if at < len(order):
        most = max(most, waiting())
        event(getattr(faults, order[at])())
faults.until_all_are_back()
event("all faults are over")
until_quiet()
event("the queues are empty")

dead, opened = 0, 0
for run in runs:
    account = euterpe("runs", "check", GRAPH, run, codes=(0, 1, 4))
    dead, opened = dead + account["dead"], opened + account["open"]
broken = sum(euterpe("runs", "check", GRAPH, run, "--hashes", codes=(0, 1, 4))["hashes"]["broken"] for run in runs)
event(f"every run is accounted for: open {opened}, dead {dead}, of another hash than its stamp {broken}")
bucket, asked = Bucket("euterpe"), {f"soak/out/{job}/{entity}.txt": text for entity in ids for job, text in content(entity).items()}
found = {key for key in bucket.keys("soak/out/") if "/.euterpe/" not in key}
lost, unrelated = sorted(set(asked) - found), sorted(found - set(asked))
half = [key for key, body in bucket.contents(sorted(found & set(asked))) if body.decode(errors="replace") != asked[key]]
event(f"every object is read: lost {len(lost)}, half-written {len(half)}, unrelated {len(unrelated)}")

starts = Counter()
for line in Path(LEDGERS, "ledger").read_text().splitlines():
    what, job, entity = line.split("\t")[:3]
    starts[job, entity] += {"start": 1, "fail": -1}.get(what, 0)
starts = {work: count for work, count in starts.items() if count}
twice = sum(max(count - 1, 0) for count in starts.values())
unasked = sorted(set(starts) - {(job, entity) for job in JOBS for entity in ids})
restarts = sum(int(docker("inspect", "--format", "{{.RestartCount}}", node)) for node in faults.nodes)
seconds = int(time.monotonic() - began)
version = rabbitmqctl("version")
verdict = {
    "lost": len(lost), "half-written": len(half), "unrelated": len(unrelated) + len(unasked), "open": opened, "dead": dead,
    "of another hash than its stamp": broken,
}
page = f"""RabbitMQ {version}, the S3 server of the tests, three nodes of eight workers, each a container; {os.cpu_count()} cores, Linux \
{platform.release().split("-")[0]}, all on one machine.

Seed {SEED}: {ENTITIES} entities through a diamond of five jobs, one of them in Python, {SLOW} ms each.

| second | what happened |
|---|---|
""" + "".join(f"| {second} | {what} |\n" for second, what in events) + f"""
| what | count |
|---|---|
| works that were asked for | {len(asked)} |
""" + "".join(f"| {what} | {count} |\n" for what, count in verdict.items()) + f"""\
| works that were begun again after a fault, or done twice | {twice} ({twice * 100 / len(asked):.2f} %) |
| nodes that were struck | {faults.struck} |
| containers that the engine started again | {restarts} |
| most messages that waited when a fault came | {most} |

It took {seconds} s.
"""
Path(REPORT).write_text(page)
print(page)
for what, keys in (("lost", lost), ("half-written", half), ("unrelated", unrelated), ("unasked", unasked)):
    if keys:
        print(f"{what}: {keys[:10]}")
bound = faults.struck * 8 + COUNTS["RESTARTS"] * 24
assert not any(verdict.values()), verdict
assert twice <= bound, f"{twice} works were done twice; at most {bound} were in hand when a fault came"

"""Three tasks in a row that do nothing, over quorum queues with publisher confirms and late acknowledgements."""

import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"])
app.conf.update(
    broker_transport_options={"confirm_publish": True},
    task_acks_late=True,
    task_default_queue="celery-bench",
    task_default_queue_type="quorum",
    task_ignore_result=True,
    worker_prefetch_multiplier=50,
)

BEGUN, ENDED = (os.open(name, os.O_CREAT | os.O_APPEND | os.O_WRONLY) for name in ("begun", "ended"))
seen = False


@app.task
def first(entity):
    global seen
    if not seen:  # each process says once that it has begun
        seen = True
        os.write(BEGUN, b".")
    return entity


@app.task
def second(entity):
    return entity


@app.task
def third(entity):
    os.write(ENDED, b".")


def fill(count):
    for number in range(count):
        (first.s(f"t-{number:07}") | second.s() | third.s()).apply_async()

#!/usr/bin/env python3
"""Times rounds of Flower's simulation engine. Usage: bench_fed_flower.py OUT.json CLIENTS ROUNDS

FedAvg of 200 000 float32 numbers; a client adds a change that was drawn before, so a round is overhead all but for that. OUT.json gets
{"seconds": median of a round, "who": ..., "clients": ...}. The first two rounds start workers and are left out.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import flwr
import numpy
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp
from flwr.serverapp.strategy import FedAvg
from flwr.simulation import run_simulation

PARAMETERS = 200_000
out, clients, rounds = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
begins, ends = [], []
client_app, server_app = ClientApp(), ServerApp()


@client_app.train()
def train(message: Message, context: Context) -> Message:
    (model,) = message.content["arrays"].to_numpy_ndarrays()
    change = numpy.full(PARAMETERS, 1e-3, numpy.float32)
    content = RecordDict({"arrays": ArrayRecord([model + change]), "metrics": MetricRecord({"num-examples": 1})})
    return Message(content=content, reply_to=message)


class Timed(FedAvg):
    def configure_train(self, *arguments, **named):
        begins.append(time.perf_counter())
        return super().configure_train(*arguments, **named)

    def aggregate_train(self, *arguments, **named):
        result = super().aggregate_train(*arguments, **named)
        ends.append(time.perf_counter())
        return result


@server_app.main()
def serve(grid: Grid, context: Context) -> None:
    strategy = Timed(fraction_evaluate=0.0, min_train_nodes=clients, min_available_nodes=clients)
    strategy.start(grid=grid, initial_arrays=ArrayRecord([numpy.zeros(PARAMETERS, numpy.float32)]), num_rounds=rounds)


run_simulation(server_app, client_app, num_supernodes=clients, backend_config={"client_resources": {"num_cpus": 1, "num_gpus": 0.0}})
spent = [end - begin for begin, end in zip(begins, ends)][2:]
out.write_text(json.dumps({"seconds": statistics.median(spent), "who": f"Flower {flwr.__version__}, simulation", "clients": clients}) + "\n")

"""Runs a policy of gridfed_train without gridfed: policy.py POLICY.h5 OBSERVATION... prints the action.

From Python: act = read_policy("policy_local_0.h5"); act(observations) with observations [size] or [rows, size] in the units of the dataset."""

import sys

import h5py
import numpy as np


def read_policy(path, client=0):
    """The policy of a client as a function of observations: tanh(W_n relu(... relu(W_1 x + b_1) ...) + b_n), in [-1, 1]."""
    with h5py.File(path) as file:
        if file.attrs["kind"] != b"policy":
            raise ValueError(f"'{path}' is no policy file: its kind is {file.attrs['kind'].decode()}")
        group = file[f"client_{client:03d}"]
        layers = [(group[f"layer_{i}/weights"][()], group[f"layer_{i}/biases"][()]) for i in range(group.attrs["layers"])]

    def act(observations):
        x = np.asarray(observations, dtype=np.float32)
        for weights, biases in layers[:-1]:
            x = np.maximum(x @ weights.T + biases, 0)
        return np.tanh(x @ layers[-1][0].T + layers[-1][1])

    return act


if __name__ == "__main__":
    print(*read_policy(sys.argv[1])([float(value) for value in sys.argv[2:]]))

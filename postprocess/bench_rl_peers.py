"""Times IQL and CQL of d3rlpy and of a plain PyTorch loop, one thread, batch 256: bench_rl_peers.py OUT.json

The networks, sizes and data are those of tests/bench/rl_timings.cpp: 17 observations, 6 actions, IQL of 2 x 256, CQL of 3 x 256 with 10 actions of
each kind. A plain loop's update is written as a user would write it: modules, autograd, torch.optim.Adam. Each figure is the best of five repeats."""

import json
import math
import sys
import time

import d3rlpy
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

OBSERVATIONS, ACTIONS, ROWS, BATCH = 17, 6, 20000, 256
SECONDS, REPEATS = 4.0, 5


def rate(update):
    """Updates a second of the process's own processor time, which other programs disturb less than the clock on the wall."""
    for _ in range(3):
        update()
    best = 0.0
    for _ in range(REPEATS):
        start, count, elapsed = time.process_time(), 0, 0.0
        while elapsed < SECONDS / REPEATS:
            update()
            count += 1
            elapsed = time.process_time() - start
        best = max(best, count / elapsed)
    return best


def data():
    draw = np.random.default_rng(1)
    normal = lambda *shape: draw.normal(size=shape).astype(np.float32)
    timeouts = np.zeros(ROWS, dtype=np.float32)
    timeouts[999::1000] = 1
    return {"observations": normal(ROWS, OBSERVATIONS), "next": normal(ROWS, OBSERVATIONS), "rewards": normal(ROWS), "timeouts": timeouts,
            "actions": draw.uniform(-1, 1, (ROWS, ACTIONS)).astype(np.float32), "terminals": np.zeros(ROWS, dtype=np.float32)}


def of_d3rlpy(values):
    """Its update with its own sampling of a batch, as its fit() does, and the update alone."""
    dataset = d3rlpy.dataset.MDPDataset(values["observations"], values["actions"], values["rewards"], values["terminals"], values["timeouts"])
    encoder = lambda widths: d3rlpy.models.encoders.VectorEncoderFactory(widths)
    two, three = encoder([256, 256]), encoder([256, 256, 256])
    configs = {"iql": d3rlpy.algos.IQLConfig(actor_encoder_factory=two, critic_encoder_factory=two, value_encoder_factory=two, batch_size=BATCH),
               "cql": d3rlpy.algos.CQLConfig(actor_encoder_factory=three, critic_encoder_factory=three, alpha_learning_rate=0.0, batch_size=BATCH)}
    result = {}
    for name, config in configs.items():
        algorithm = config.create(device=False)
        algorithm.build_with_dataset(dataset)
        batch = dataset.sample_transition_batch(BATCH)
        result[name] = {"with_sampling": rate(lambda: algorithm.update(dataset.sample_transition_batch(BATCH))),
                        "updates_per_second": rate(lambda: algorithm.update(batch))}
    return result


def network(inputs, widths, outputs):
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width), nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def adam(rate, *modules):
    return torch.optim.Adam([p for m in modules for p in (m.parameters() if isinstance(m, nn.Module) else [m])], lr=rate)


def follow(targets, sources, tau=0.005):
    with torch.no_grad():
        for target, source in zip(targets, sources):
            for t, s in zip(target.parameters(), source.parameters()):
                t.lerp_(s, tau)


class Plain:
    def __init__(self, values):
        self.values = {name: torch.from_numpy(array) for name, array in values.items()}

    def batch(self):
        rows = torch.randint(ROWS, (BATCH,))
        return [self.values[name][rows] for name in ("observations", "actions", "rewards", "next", "terminals")]


class PlainIql(Plain):
    def __init__(self, values):
        super().__init__(values)
        widths = [256, 256]
        critic = lambda: network(OBSERVATIONS + ACTIONS, widths, 1)
        self.value, self.policy = network(OBSERVATIONS, widths, 1), network(OBSERVATIONS, widths, ACTIONS)
        self.q, self.target = [critic(), critic()], [critic(), critic()]
        self.log_std = nn.Parameter(torch.zeros(ACTIONS))
        self.optimizers = [adam(3e-4, self.value), adam(3e-4, *self.q), adam(3e-4, self.policy, self.log_std)]
        self.schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizers[2], 1000000)

    def update(self):
        s, a, r, next_s, end = self.batch()
        sa = torch.cat([s, a], 1)
        with torch.no_grad():
            target = torch.min(self.target[0](sa), self.target[1](sa))[:, 0]
            goal = r + 0.99 * (1 - end) * self.value(next_s)[:, 0]
        u = target - self.value(s)[:, 0]
        value_loss = (torch.abs(0.7 - (u < 0).float()) * u * u).mean()
        q_loss = sum(F.mse_loss(q(sa)[:, 0], goal) for q in self.q)
        weight = torch.exp(3 * u.detach()).clamp(max=100)
        policy = torch.distributions.Normal(torch.tanh(self.policy(s)), self.log_std.clamp(-5, 2).exp())
        policy_loss = -(weight * policy.log_prob(a).sum(1)).mean()
        for optimizer, loss in zip(self.optimizers, (value_loss, q_loss, policy_loss)):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        self.schedule.step()
        follow(self.target, self.q)


class PlainCql(Plain):
    def __init__(self, values):
        super().__init__(values)
        widths = [256, 256, 256]
        critic = lambda: network(OBSERVATIONS + ACTIONS, widths, 1)
        self.policy = network(OBSERVATIONS, widths, 2 * ACTIONS)
        self.q, self.target = [critic(), critic()], [critic(), critic()]
        self.log_temperature = nn.Parameter(torch.zeros(()))
        self.optimizers = [adam(1e-4, self.log_temperature), adam(3e-4, *self.q), adam(1e-4, self.policy)]

    def sample(self, s, count):
        mean, log_std = self.policy(s).chunk(2, 1)
        log_std = log_std.clamp(-20, 2)
        noise = torch.randn(count, *mean.shape)
        u = mean + log_std.exp() * noise
        density = (-0.5 * noise**2 - log_std - 0.5 * math.log(2 * math.pi) - 2 * (math.log(2) - u - F.softplus(-2 * u))).sum(2)
        return torch.tanh(u), density

    def update(self, k=10):
        s, a, r, next_s, end = self.batch()
        action, density = self.sample(s, 1)
        temperature_loss = -(self.log_temperature.exp() * (density.detach() - ACTIONS)).mean()
        at_policy = torch.cat([s, action[0]], 1)
        policy_loss = (self.log_temperature.exp().detach() * density[0] - torch.min(self.q[0](at_policy), self.q[1](at_policy))[:, 0]).mean()
        with torch.no_grad():
            next_action = torch.tanh(self.policy(next_s)[:, :ACTIONS])
            next_sa = torch.cat([next_s, next_action], 1)
            goal = r + 0.99 * (1 - end) * torch.min(self.target[0](next_sa), self.target[1](next_sa))[:, 0]
            now, now_density = self.sample(s, k)
            then, then_density = self.sample(next_s, k)
            uniform = torch.rand(k, BATCH, ACTIONS) * 2 - 1
            actions = torch.cat([uniform, now, then])
            densities = torch.cat([torch.full((k, BATCH), ACTIONS * math.log(0.5)), now_density, then_density])
            fan = torch.cat([s.expand(3 * k, BATCH, OBSERVATIONS), actions], 2).reshape(-1, OBSERVATIONS + ACTIONS)
        sa = torch.cat([s, a], 1)
        q_loss = 0
        for q in self.q:
            at_data = q(sa)[:, 0]
            spread = torch.logsumexp(q(fan).reshape(3 * k, BATCH) - densities, 0)
            q_loss = q_loss + F.mse_loss(at_data, goal) + 5 * (spread - at_data).mean()
        for optimizer, loss in zip(self.optimizers, (temperature_loss, None, policy_loss)):
            if loss is not None:
                optimizer.zero_grad()
                loss.backward()
        self.optimizers[1].zero_grad()
        q_loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        follow(self.target, self.q)


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    values = data()
    a = torch.randn(256, 256)
    peak = 2 * 256**3 * rate(lambda: a @ a) * 1e-9
    result = {"torch": torch.__version__, "d3rlpy_version": d3rlpy.__version__, "gemm_gflops": peak, "d3rlpy": of_d3rlpy(values),
              "plain": {"iql": {"updates_per_second": rate(PlainIql(values).update)}, "cql": {"updates_per_second": rate(PlainCql(values).update)}}}
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(result, file, indent=2)


main()

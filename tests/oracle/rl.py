"""Usage: rl.py RL_UPDATE FOLDER: one update of IQL and CQL, with and without a multiplier, against d3rlpy from the same networks and batch.

Gradients agree within 1e-4 of the largest of their layer, parameters and targets after one Adam step within 1e-4. All our gradients are taken
at one point, d3rlpy steps one network after the other: each of its losses is differentiated here from the networks as they were before."""

import os
import subprocess
import sys

try:
    import d3rlpy
    import h5py
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}: run ./gridfed bench rl, or set GRIDFED_PEERS to a python that has torch and d3rlpy")
    sys.exit(77)

import d3rlpy.models.torch.distributions as distributions

TOLERANCE = 1e-4
failures = 0
largest = {}


def expect(name, ours, theirs, scale=1.0):
    global failures
    error = float(np.max(np.abs(np.asarray(ours) - np.asarray(theirs)))) / scale
    kind = name.split()[0]
    largest[kind] = max(largest.get(kind, 0.0), error)
    if not error <= TOLERANCE:
        failures += 1
        print(f"FAILED: {name} differs by {error:.2e}")


def linears(module):
    return [m for m in module.modules() if isinstance(m, torch.nn.Linear)]


def pairs(group, module, rows=None):
    """(name, ours, the parameter) of every linear layer; a policy's last layer is split in mean and log_std as rows says."""
    layers, result = linears(module), []
    for i, layer in enumerate(layers):
        ours = group[str(min(i, len(group) - 1))]
        part = slice(None) if rows is None or i < len(group) - 1 else slice(rows * (i - len(group) + 1), rows * (i - len(group) + 2))
        result += [(f"layer {i} weights", ours["weights"][part], layer.weight), (f"layer {i} biases", ours["biases"][part], layer.bias)]
    return result


def load(group, module, rows=None):
    with torch.no_grad():
        for _, ours, parameter in pairs(group, module, rows):
            parameter.copy_(torch.from_numpy(ours))


def expect_gradients(name, group, module, rows=None):
    for layer, ours, parameter in pairs(group, module, rows):
        expect(f"gradient of {name}, {layer}", ours, parameter.grad.numpy(), max(1e-3, float(np.abs(ours).max())))


def expect_values(name, group, module, rows=None):
    for layer, ours, parameter in pairs(group, module, rows):
        expect(f"{name}, {layer}", ours, parameter.detach().numpy())


def batch_of(file):
    from d3rlpy.torch_utility import TorchMiniBatch

    get = lambda name: torch.from_numpy(file[f"batch/{name}"][()])
    column = lambda name: get(name).reshape(-1, 1)
    rewards = column("rewards")
    return TorchMiniBatch(observations=get("observations"), actions=get("actions"), rewards=rewards, next_observations=get("next_observations"),
                          next_actions=get("actions"), returns_to_go=torch.zeros_like(rewards), terminals=column("terminals"),
                          intervals=torch.ones_like(rewards), device="cpu")


def make(config, file):
    algorithm = config.create(device=False)
    algorithm.create_impl((file["batch/observations"].shape[1],), file["batch/actions"].shape[1])
    return algorithm._impl


def encoder():
    return d3rlpy.models.encoders.VectorEncoderFactory([32, 32])


def check_iql(file):
    impl = make(d3rlpy.algos.IQLConfig(actor_learning_rate=1e-4, critic_learning_rate=3e-4, actor_encoder_factory=encoder(),
                                       critic_encoder_factory=encoder(), value_encoder_factory=encoder()), file)
    modules, batch, before = impl._modules, batch_of(file), file["before"]
    load(before["0"], modules.value_func)
    load(before["3"], modules.policy)
    for k in (0, 1):
        load(before[str(1 + k)], modules.q_funcs[k])
        load(file[f"targets_before/{k}"], modules.targ_q_funcs[k])
    impl.compute_actor_grad(batch)
    expect_gradients("IQL's policy", file["gradient/3"], modules.policy)
    # d3rlpy's log_std is -5 + 7 sigmoid(x), -1.5 at x = 0, so its slope in x is 7 / 4 of that in log_std
    ours = 1.75 * file["gradient/4/0/biases"][()]
    expect("gradient of IQL's log_std", ours, modules.policy._logstd.grad.numpy()[0], float(np.abs(ours).max()))
    modules.actor_optim.step()
    expect_values("parameters of IQL's policy", file["after/3"], modules.policy)
    impl.compute_critic_grad(batch)
    expect_gradients("IQL's value", file["gradient/0"], modules.value_func)
    for k in (0, 1):
        expect_gradients(f"IQL's Q{k + 1}", file[f"gradient/{1 + k}"], modules.q_funcs[k])
    modules.critic_optim.step()
    impl.update_critic_target()
    expect_values("parameters of IQL's value", file["after/0"], modules.value_func)
    for k in (0, 1):
        expect_values(f"parameters of IQL's Q{k + 1}", file[f"after/{1 + k}"], modules.q_funcs[k])
        expect_values(f"targets of IQL's Q{k + 1}", file[f"targets_after/{k}"], modules.targ_q_funcs[k])


class Drawn(torch.distributions.Normal):
    """Normal numbers from a list instead of a generator."""

    queue = []

    def rsample(self, sample_shape=torch.Size()):
        return self.loc + self.scale * Drawn.queue.pop(0)


def check_cql(file, threshold):
    steered = threshold >= 0
    config = d3rlpy.algos.CQLConfig(actor_encoder_factory=encoder(), critic_encoder_factory=encoder(), alpha_threshold=max(threshold, 0.0),
                                    alpha_learning_rate=3e-4 if steered else 0.0)
    impl = make(config, file)
    modules, batch, before = impl._modules, batch_of(file), file["before"]
    actions = batch.actions.shape[1]
    load(before["2"], modules.policy, actions)
    for k in (0, 1):
        load(before[str(k)], modules.q_funcs[k])
        load(file[f"targets_before/{k}"], modules.targ_q_funcs[k])
    fan, policy = torch.from_numpy(file["draws/fan"][()]), torch.from_numpy(file["draws/policy"][()])
    samples = fan.shape[1] // 3
    by_sample = lambda first: fan[:, first * samples:(first + 1) * samples].transpose(0, 1)
    uniform = fan[:, :samples].reshape(-1, actions)
    distributions.Normal = Drawn
    torch.Tensor.uniform_ = lambda self, low, high: self.copy_(uniform)
    log_temperature = next(modules.log_temp.parameters())

    # the policy at the temperature as it was: 1
    Drawn.queue = [policy]
    temp_optim = modules.temp_optim
    object.__setattr__(modules, "temp_optim", None)
    impl.compute_actor_grad(batch)
    expect_gradients("CQL's policy", file["gradient/2"], modules.policy, actions)
    distribution = d3rlpy.models.torch.build_squashed_gaussian_distribution(modules.policy(batch.observations))
    object.__setattr__(modules, "temp_optim", temp_optim)
    Drawn.queue = [policy]
    impl.update_temp(distribution.sample_with_log_prob()[1])
    ours = file["gradient/3/0/biases"][()]
    expect("gradient of CQL's temperature", ours, log_temperature.grad.numpy().reshape(-1), float(np.abs(ours).max()))
    expect("parameters of CQL's temperature", file["after/3/0/biases"][()], log_temperature.detach().numpy().reshape(-1))

    if steered:  # d3rlpy steps the multiplier first: look at its slope, then put it back
        log_alpha = next(modules.log_alpha.parameters())
        Drawn.queue = [by_sample(1), by_sample(2)]
        impl.update_alpha(impl._compute_conservative_loss(batch.observations, batch.actions, batch.next_observations, batch.returns_to_go).detach())
        ours = file["gradient/4/0/biases"][()]
        expect("gradient of CQL's multiplier", ours, log_alpha.grad.numpy().reshape(-1), float(np.abs(ours).max()))
        expect("parameters of CQL's multiplier", file["after/4/0/biases"][()], log_alpha.detach().numpy().reshape(-1))
        with torch.no_grad():
            log_alpha.zero_()
        object.__setattr__(modules, "alpha_optim", None)
    Drawn.queue = [by_sample(1), by_sample(2)]
    impl.compute_critic_grad(batch)
    for k in (0, 1):
        expect_gradients(f"CQL's Q{k + 1}", file[f"gradient/{k}"], modules.q_funcs[k])
    modules.critic_optim.step()
    modules.actor_optim.step()
    impl.update_critic_target()
    expect_values("parameters of CQL's policy", file["after/2"], modules.policy, actions)
    for k in (0, 1):
        expect_values(f"parameters of CQL's Q{k + 1}", file[f"after/{k}"], modules.q_funcs[k])
        expect_values(f"targets of CQL's Q{k + 1}", file[f"targets_after/{k}"], modules.targ_q_funcs[k])


def main():
    program, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    torch.set_num_threads(1)
    cases = [("iql", -1.0, lambda file: check_iql(file)), ("cql", -1.0, lambda file: check_cql(file, -1.0)), ("cql", 2.0, lambda file: check_cql(file, 2.0))]
    uniform = torch.Tensor.uniform_
    normal = distributions.Normal
    for algorithm, threshold, check in cases:
        path = os.path.join(folder, f"{algorithm}_{threshold:g}.h5")
        subprocess.run([program, "--algorithm", algorithm, f"--threshold={threshold}", "--file", path], check=True, stdout=subprocess.DEVNULL)
        torch.Tensor.uniform_, distributions.Normal = uniform, normal
        with h5py.File(path) as file:
            check(file)
    for kind, error in largest.items():
        print(f"{kind}: largest difference {error:.1e}")
    print(f"{failures} failures of IQL and CQL against d3rlpy {d3rlpy.__version__}")
    sys.exit(failures > 0)


main()

"""Prints updates a second of our learners beside d3rlpy and a plain PyTorch loop: bench_rl.py OURS.json PEERS.json OUT.json"""

import json
import os
import sys

GOALS = {("iql", "d3rlpy"): 3.0, ("iql", "plain"): 1.5, ("cql", "d3rlpy"): 1.5}


def main(ours_path, peers_path, out_path):
    with open(ours_path, encoding="utf-8") as file:
        ours = json.load(file)
    peers = {}
    if os.path.exists(peers_path):
        with open(peers_path, encoding="utf-8") as file:
            peers = json.load(file)
    print(f"updates a second of processor time, batch 256, one thread; a 256 x 256 x 256 product runs at {ours['gemm_gflops']:.0f} GFLOP/s here")
    print(f"{'':6}{'ours':>9}{'share of that':>15}{'d3rlpy':>9}{'ours over':>11}{'plain':>9}{'ours over':>11}")
    for name in ("iql", "cql"):
        rate = ours[name]["updates_per_second"]
        line = f"{name:6}{rate:9.1f}{100 * ours[name]['peak_share']:13.0f} %"
        for peer in ("d3rlpy", "plain"):
            if peer not in peers:
                line += f"{'-':>9}{'-':>11}"
                continue
            other = peers[peer][name].get("with_sampling", peers[peer][name]["updates_per_second"])
            goal = GOALS.get((name, peer))
            line += f"{other:9.1f}{rate / other:9.2f} x" + (f" (goal {goal:g})" if goal else "")
        print(line)
    if "d3rlpy" in peers:
        alone = {name: peers["d3rlpy"][name]["updates_per_second"] for name in ("iql", "cql")}
        against = ", ".join(f"{name} {rate:.1f} ({ours[name]['updates_per_second'] / rate:.2f} x)" for name, rate in alone.items())
        print(f"all draw their batches; d3rlpy on one batch over and over: {against}")
    with open(out_path, "w", encoding="utf-8") as file:
        json.dump({"ours": ours, "peers": peers}, file, indent=2)


main(*sys.argv[1:])

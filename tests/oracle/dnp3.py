"""Both ends of the field against opendnp3: its master reads and commands our outstation, our master its outstation.

Usage: dnp3.py GRIDFED_OUTSTATION FIELD_PROBE SOURCE_DIR, by a python that has dnp3-python 0.3.0b2 (3.8 to 3.10).
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

try:
    from dnp3_python.dnp3station.master import MyMaster
    from dnp3_python.dnp3station.outstation import MyOutStation
    from pydnp3 import opendnp3
except ImportError as error:
    print(f"skipped: no dnp3-python in this python ({error})")
    sys.exit(77)

OUTSTATION, PROBE, SOURCE = sys.argv[1:4]
WORK = pathlib.Path(tempfile.mkdtemp(prefix="gridfed_dnp3_"))
failures = []


def check(holds, what):
    print(("ok     " if holds else "FAILED ") + what, flush=True)
    if not holds:
        failures.append(what)


def until(holds, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def native(arguments, **more):
    """Starts one of ours: without the libraries that the old python brings along."""
    environment = {k: v for k, v in os.environ.items() if k not in ("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")}
    return subprocess.Popen(arguments, env=environment, cwd=SOURCE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def start_outstation(port, *more):
    process = native([OUTSTATION, "--config", "inputs/examples/outstation_ieee123.ini", "--link.port", str(port), "--twin.speed", "1",
                      "--output", str(WORK / "out"), *more])
    for line in process.stdout:
        found = re.search(r"^listening.* port=(\d+)", line)
        if found:
            return process, int(found.group(1))
    raise SystemExit("gridfed_outstation does not listen")


def their_master():
    process, port = start_outstation(0)
    master = MyMaster(port=port, master_id=1, outstation_id=10, stale_if_longer_than=0)
    results = []

    def note(result):
        result.ForeachItem(lambda item: results.append(item.status))

    values = lambda kind: master.soe_handler.gv_index_value_nested_dict.get(kind, {})  # noqa: E731
    analog, switch = opendnp3.GroupVariation.Group30Var5, opendnp3.GroupVariation.Group10Var2
    analog_event = opendnp3.GroupVariation.Group32Var7
    master.start()
    check(until(lambda: values(analog).get(14) is not None), "their master reads ours")
    check(0.9 < values(analog)[14] < 1.1, "a voltage is one")
    check(values(switch).get(0) is True, "a capacitor is in")
    reactive = values(analog)[1]

    latch_off = opendnp3.ControlRelayOutputBlock(opendnp3.ControlCode.LATCH_OFF)
    master.send_select_and_operate_command(latch_off, 0, note)
    check(until(lambda: results == [opendnp3.CommandStatus.SUCCESS]), f"their select before operate succeeds: {results}")
    check(until(lambda: values(analog_event).get(1, 0) > reactive + 300), "the change comes unsolicited")
    results.clear()
    master.send_direct_operate_command(opendnp3.AnalogOutputDouble64(250.0), 10, note)
    check(until(lambda: results == [opendnp3.CommandStatus.SUCCESS]), "their direct operate succeeds")
    results.clear()
    master.send_direct_operate_command(opendnp3.AnalogOutputInt16(17), 0, note)
    check(until(lambda: results == [opendnp3.CommandStatus.OUT_OF_RANGE]), f"a tap out of range is refused: {results}")
    results.clear()
    master.send_direct_operate_command(latch_off, 4000, note)
    check(until(lambda: results == [opendnp3.CommandStatus.NOT_SUPPORTED]), f"a command of no point is refused: {results}")

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    check(process.returncode == 0, "our outstation stops cleanly")
    # A restart: the bank is in again, which their master learns by itself.
    process, _ = start_outstation(port)
    check(until(lambda: values(switch).get(0) is True and values(analog).get(1, 1e9) < reactive + 100, 90),
          "their master finds ours again after a restart")
    # Their wrapper's shutdown may abort the interpreter, so it is left to the end of the process.
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


MAP = "name, kind, index, class, element, quantity\n" + "".join(
    f"{name}_{i}, {kind}, {i}, 0, -, -\n"
    for name, kind in (("ai", "analog_input"), ("bi", "binary_input"), ("bo", "binary_output"), ("ao", "analog_output"),
                       ("di", "double_bit_input"), ("ct", "counter"), ("fc", "frozen_counter"))
    for i in range(5))


def their_outstation():
    port, points, updates = 20987, WORK / "points.csv", 300
    points.write_text(MAP)
    outstation = MyOutStation(port=port, master_id=1, outstation_id=10, event_buffer_config=opendnp3.EventBufferConfig().AllTypes(1000))
    outstation.start()
    outstation.apply_update(opendnp3.Analog(value=42.0, flags=opendnp3.Flags(1), time=opendnp3.DNPTime(0)), 0)

    def probe(*arguments):
        said, _ = native([PROBE, str(port), str(points), *arguments]).communicate(timeout=90)
        return said

    said = probe("read")
    check("ai_0=42 flags=1\n" in said, "our master reads theirs")
    check(said.count("\n") == 35, f"our master reads all types: {said.count(chr(10))}")
    check(probe("set", "bo_1", "1") == "outcome=0 status=0\n", "our select before operate succeeds")
    check(probe("set", "ao_2", "7", "direct") == "outcome=0 status=0\n", "our direct operate succeeds")
    said = probe("read")
    check("bo_1=1 flags=1\n" in said, "their relay has moved")
    check("ao_2=7 flags=1\n" in said, "their setpoint has moved")

    watching = native([PROBE, str(port), str(points), "watch", "12"])
    assert until(lambda: watching.stdout.readline() == "online\n")
    time.sleep(0.5)
    for i in range(updates):
        outstation.apply_update(opendnp3.Analog(value=float(i), flags=opendnp3.Flags(1), time=opendnp3.DNPTime(i)), 0)
        time.sleep(0.005)
    said, _ = watching.communicate(timeout=60)
    heard = [float(v) for v in re.findall(r"^ai_0=(\S+) ", said, re.M)]
    check(heard[-updates:] == [float(i) for i in range(updates)], f"all {updates} events come unsolicited and in order: {len(heard)}")


their_outstation()
their_master()
print(f"{len(failures)} failed", flush=True)
# Destructors of their wrapper wait for threads that have gone.
os._exit(1 if failures else 0)

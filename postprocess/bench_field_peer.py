"""opendnp3's outstation for ./gridfed bench field: as many points as ours. Usage: bench_field_peer.py PORT"""
import sys
import time

from dnp3_python.dnp3station.outstation import MyOutStation
from pydnp3 import opendnp3


class Outstation(MyOutStation):
    def process_point_value(self, command_type, command, index, op_type):
        """The command succeeds and moves nothing, as in ours."""


station = Outstation(port=int(sys.argv[1]), master_id=1, outstation_id=10, numAnalog=76, numBinary=3, numAnalogOutputStatus=1,
                     numBinaryOutputStatus=1, outstation_log_level=opendnp3.levels.NOTHING, channel_log_level=opendnp3.levels.NOTHING)
station.start()
print("ready", flush=True)
time.sleep(600)

#pragma once

namespace gridfed {

/// From now on SIGTERM and SIGUSR1 (`#SBATCH --signal=USR1@180`) only ask this process to stop.
void catch_stop_signals();
/// True once such a signal came.
bool stop_signalled();

}  // namespace gridfed

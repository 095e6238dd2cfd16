#include "powerflow/solver.hpp"
#include "grid/network.hpp"
#include <petscksp.h>

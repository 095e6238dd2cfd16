#pragma once

#include <array>

namespace gridfed {

/// Load as a share of the annual peak, IEEE RTS-79 (1979): week 1 to 52, day 1 = Monday to 7, hour of day in [0, 24).
double rts79_load_factor(int week, int day, double hour);

}  // namespace gridfed

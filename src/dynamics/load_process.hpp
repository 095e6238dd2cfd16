#pragma once

#include "grid/load_class.hpp"
#include "grid/network.hpp"
#include "runtime/random.hpp"

#include <vector>

namespace gridfed {

/// Load of a class over that of the whole system at an hour [0, 24) of a weekday, 1 = Monday: homes are busy in the evening, offices by
/// day, industry in two shifts; at weekends all follow the system. Its mean over the hours is 1. Stylised, this project's choice.
double class_profile(LoadClass load_class, int weekday, double hour);

/// Noise of every bus, [steps, buses]: standard normal, AR(1) in time, and correlated along the feeder: between two buses by the power of
/// `neighbours` that is the number of lines between them on the tree of shortest paths (a Gauss-Markov field).
std::vector<float> bus_noise(const Network& network, int steps, double correlation, double neighbours, RandomStream& stream);

}  // namespace gridfed

#pragma once

#include "grid/network.hpp"

namespace gridfed {

/// Values of a shape at an hour after its start: active and reactive. A shape of fewer values repeats. With an interval the value nearest
/// to the hour counts, the first being that of the end of the first interval, as in OpenDSS; at given times it is linear between them.
Complex value_at(const LoadShapeData& shape, double hour);

/// Position of the shape that an element follows among the network's, -1 if none. Duty shapes are the daily ones unless given.
int shape_of(const Network& network, const ShapeNames& names, ShapeKind kind);

}  // namespace gridfed

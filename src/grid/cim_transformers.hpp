#pragma once

#include "grid/cim_connectivity.hpp"

namespace gridfed::cim {

/// Transformers, whole or tank by tank, their neutral impedances, tap changers and regulators.
void read_transformers(const Document& document, Connectivity& connectivity, NetworkData& network);

}  // namespace gridfed::cim

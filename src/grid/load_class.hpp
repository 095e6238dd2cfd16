#pragma once

#include "grid/network_data.hpp"

namespace gridfed {

enum class LoadClass { residential, commercial, industrial };

/// The class of a load: that its daily load shape is named after, residential where it is named after none.
LoadClass load_class(const LoadData& load);

/// Gives every load of constant power the voltage dependence of its class: ZIP coefficients after Bokhari et al., IEEE Trans. Power
/// Delivery 29, 2014. Loads whose model the feeder states otherwise keep it.
void use_class_models(NetworkData& data);

}  // namespace gridfed

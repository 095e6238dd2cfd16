#include "grid/load_class.hpp"

#include "grid/synthetic_equipment.hpp"

namespace gridfed {

LoadClass load_class(const LoadData& load) {
  if (load.shapes.daily == "commercial") return LoadClass::commercial;
  if (load.shapes.daily == "industrial") return LoadClass::industrial;
  return LoadClass::residential;
}

void use_class_models(NetworkData& data) {
  for (auto& load : data.loads) {
    if (load.model != LoadModel::constant_power) continue;
    load.model = LoadModel::zip;
    load.zip = synthetic::load_classes()[static_cast<std::size_t>(load_class(load))].zip;
  }
}

}  // namespace gridfed

#include "powerflow/load_shape.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

Complex value_of(const LoadShapeData& shape, double active, double reactive) {
  if (!shape.reactive.empty()) return {active, reactive};
  return {active, shape.use_actual ? 0 : active};
}

double item(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? values[i] : 0;
}

}  // namespace

Complex value_at(const LoadShapeData& shape, double hour) {
  const std::size_t count = shape.active.size();
  if (count == 0) return {1, 1};
  if (count == 1) return value_of(shape, shape.active[0], item(shape.reactive, 0));
  if (shape.interval > 0) {
    auto position = static_cast<std::int64_t>(std::nearbyint(hour / (shape.interval / 3600)));  // half to even
    const auto period = static_cast<std::int64_t>(count);
    if (position > period) position %= period;
    if (position == 0) position = period;
    const auto i = static_cast<std::size_t>(position - 1);
    return value_of(shape, shape.active[i], item(shape.reactive, i));
  }
  const double end = shape.times.back();
  double at = 3600 * hour;
  if (at > end && end > 0) at -= std::trunc(at / end) * end;
  const auto after = std::lower_bound(shape.times.begin(), shape.times.end(), at - 0.036);  // close to a point is at it
  if (after == shape.times.end()) return value_of(shape, shape.active.back(), item(shape.reactive, count - 1));
  const auto next = static_cast<std::size_t>(after - shape.times.begin());
  // Before the first point the value runs from the last, where the period before ended.
  const std::size_t last = next == 0 ? count - 1 : next - 1;
  const double from = next == 0 ? 0 : shape.times[last], run = shape.times[next] - from;
  const double share = run > 0 && std::abs(shape.times[next] - at) >= 0.036 ? (at - from) / run : 1;
  const auto between = [&](const std::vector<double>& values) {
    return item(values, last) + share * (item(values, next) - item(values, last));
  };
  return value_of(shape, between(shape.active), between(shape.reactive));
}

int shape_of(const Network& network, const ShapeNames& names, ShapeKind kind) {
  const std::string& name = kind == ShapeKind::yearly                        ? names.yearly
                            : kind == ShapeKind::duty && !names.duty.empty() ? names.duty
                                                                             : names.daily;
  if (name.empty()) return -1;
  const auto& shapes = network.data().load_shapes;
  const auto found = std::find_if(shapes.begin(), shapes.end(), [&](const auto& shape) { return shape.name == name; });
  return found == shapes.end() ? -1 : static_cast<int>(found - shapes.begin());
}

}  // namespace gridfed

#include "powerflow/port_currents.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

namespace gridfed {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Calls visit(a, b) for every load and DER phase.
template <class Visit>
void for_each_phase(const NodalModel& model, Visit visit) {
  for (const auto& phase : model.load_phases()) visit(phase.a, phase.b);
  for (const auto phases : {model.solar_phases(), model.wind_phases(), model.battery_phases(), model.generator_phases()}) {
    for (const auto& phase : phases) visit(phase.a, phase.b);
  }
}

/// The port of a pair of nodes: ground second.
ClusterFactor::Port port_of(int a, int b) {
  return a == ground ? ClusterFactor::Port{b, a} : ClusterFactor::Port{a, b};
}

}  // namespace

NodalMatrix matrix_of(const NodalModel& model) {
  return {.bus_start = model.bus_start(),
          .row_start = model.row_start(),
          .column = model.column(),
          .value = model.matrix(),
          .base = model.base()};
}

std::vector<ClusterFactor::Port> ports_of(const NodalModel& model) {
  std::map<ClusterFactor::Port, int> known;
  std::vector<ClusterFactor::Port> ports;
  const auto add = [&](int a, int b) {
    if (a == b) return;
    const auto port = port_of(a, b);
    if (known.try_emplace(port, static_cast<int>(ports.size())).second) ports.push_back(port);
  };
  for_each_phase(model, add);
  for (const auto& source : model.sources()) {
    for (const int node : source.nodes) add(node, ground);
  }
  return ports;
}

namespace {

using Shape = PortCurrents::Shape;

/// Of what holds its current (c1 = 1) or its power (c2 = 1) within its range.
Shape shape_within(const LoadPhase& phase, double c0, double c1, double c2, bool as_current) {
  const double rated = phase.rated_voltage, low = phase.v_low / rated, min = phase.v_min / rated, max = phase.v_max / rated;
  Shape shape{.low = low, .min = min, .max = max, .c0 = c0, .c1 = c1, .c2 = c2, .above = as_current ? 1 / max : 1 / (max * max)};
  if (min > low) {  // the current runs straight from the nominal admittance's at low to its own at min
    const double slope = ((as_current ? 1 : 1 / min) - low) / (min - low);
    shape.below_0 = slope;
    shape.below_1 = low * (1 - slope);
  }
  return shape;
}

/// z times an impedance, i times a constant current, p times a constant power.
Shape mixed(const LoadPhase& phase, double z, double i, double p) {
  const Shape current = shape_within(phase, 0, 1, 0, true), power = shape_within(phase, 0, 0, 1, false);
  Shape shape = current;
  shape.c0 = z;
  shape.c1 = i;
  shape.c2 = p;
  shape.below_0 = z + i * current.below_0 + p * power.below_0;
  shape.below_1 = i * current.below_1 + p * power.below_1;
  shape.above = z + i * current.above + p * power.above;
  return shape;
}

/// Shapes of a load phase's active and reactive current.
struct LoadShapes {
  Shape active, reactive;
};

/// Power as the voltage to an exponent of 0, 1 or 2; as a constant power outside its range.
std::optional<Shape> power_law(const LoadPhase& phase, double exponent) {
  if (exponent != 0 && exponent != 1 && exponent != 2) return std::nullopt;
  return shape_within(phase, exponent == 2, exponent == 1, exponent == 0, false);
}

std::optional<LoadShapes> shapes_of(const LoadPhase& phase) {
  const auto both = [](const Shape& shape) { return LoadShapes{shape, shape}; };
  switch (phase.model) {
    case LoadModel::constant_impedance:
      return both({.max = infinity, .c0 = 1});
    case LoadModel::constant_power:
      return both(shape_within(phase, 0, 0, 1, false));
    case LoadModel::constant_current:
      return both(shape_within(phase, 0, 1, 0, true));
    case LoadModel::constant_p_quadratic_q:
      return LoadShapes{*power_law(phase, 0), *power_law(phase, 2)};
    case LoadModel::exponential: {
      const auto active = power_law(phase, phase.data->exponent_p), reactive = power_law(phase, phase.data->exponent_q);
      if (!active || !reactive) return std::nullopt;
      return LoadShapes{*active, *reactive};
    }
    case LoadModel::zip: {
      const auto& zip = phase.data->zip;
      if (zip[6] > 0) return std::nullopt;
      return LoadShapes{mixed(phase, zip[0], zip[1], zip[2]), mixed(phase, zip[3], zip[4], zip[5])};
    }
    case LoadModel::constant_p_fixed_q:
    case LoadModel::constant_p_fixed_x:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

PortCurrents::PortCurrents(const NodalModel& model, const ClusterFactor& factor) {
  std::map<ClusterFactor::Port, int> channels;
  const auto ports = ports_of(model);
  for (std::size_t p = 0; p < ports.size(); ++p) channels[ports[p]] = factor.channel_of_port()[p];
  const auto base_of = [&](const ClusterFactor::Port& port) { return model.base()[port[0]]; };
  for (const auto& phase : model.load_phases()) {
    if (phase.a == phase.b) continue;
    const auto port = port_of(phase.a, phase.b);
    const int channel = channels.at(port);
    const auto shapes = shapes_of(phase);
    if (!shapes) {
      irregular_.push_back({.phase = &phase, .channel = channel, .base = base_of(port), .power = {}});
    } else if (shapes->active == shapes->reactive) {
      add(channel, base_of(port), phase.rated_voltage, shapes->active, Kind::load, phase.load, phase.share, phase.share);
    } else {
      add(channel, base_of(port), phase.rated_voltage, shapes->active, Kind::load, phase.load, phase.share, 0);
      add(channel, base_of(port), phase.rated_voltage, shapes->reactive, Kind::load, phase.load, 0, phase.share);
    }
  }
  // Constant power, but no more current than at its limit; against the sign of a load.
  const auto shape_of_device = [](const InjectionPhase& phase) {
    return Shape{.min = phase.current_limit, .max = infinity, .c2 = 1, .below_0 = 0, .below_1 = 1 / phase.current_limit};
  };
  const auto add_devices = [&](std::span<const InjectionPhase> phases, Kind kind) {
    for (const auto& phase : phases) {
      if (phase.a == phase.b) continue;
      const auto port = port_of(phase.a, phase.b);
      add(channels.at(port), base_of(port), phase.rated_voltage, shape_of_device(phase), kind, phase.device, -phase.share, -phase.share);
    }
  };
  add_devices(model.solar_phases(), Kind::solar);
  add_devices(model.wind_phases(), Kind::wind);
  add_devices(model.battery_phases(), Kind::battery);
  add_devices(model.generator_phases(), Kind::generator);
  const auto currents = model.source_currents();
  for (const auto& source : model.sources()) {
    for (const int node : source.nodes) {
      if (node == ground) continue;
      const int channel = channels.at({node, ground});
      const auto known = std::find_if(sources_.begin(), sources_.end(), [&](const auto& s) { return s.first == channel; });
      if (known == sources_.end()) sources_.emplace_back(channel, currents[node]);
    }
  }
  lay_out(factor.channels());
  auto& [whole, single] = channels_;
  whole.linear_re.assign(factor.channels(), 0.0);
  whole.linear_im.assign(factor.channels(), 0.0);
  for (const auto& phase : model.load_phases()) {
    if (phase.a == phase.b) continue;
    const auto port = port_of(phase.a, phase.b);
    const Complex linear = base_of(port) * base_of(port) * phase.linear;
    whole.linear_re[channels.at(port)] += linear.real();
    whole.linear_im[channels.at(port)] += linear.imag();
  }
  single.linear_re.assign(whole.linear_re.begin(), whole.linear_re.end());
  single.linear_im.assign(whole.linear_im.begin(), whole.linear_im.end());
}

void PortCurrents::add(int channel, double base, double rated, const Shape& shape, Kind kind, int device, double active, double reactive) {
  const double scale = base * base / (rated * rated);
  const auto [begin, end] = slots_of_channel_.equal_range(channel);
  const auto found = std::find_if(
      begin, end, [&](const auto& entry) { return slots_[entry.second].scale == scale && slots_[entry.second].shape == shape; });
  int slot = static_cast<int>(slots_.size());
  if (found != end) {
    slot = found->second;
  } else {
    slots_.push_back({.channel = channel, .scale = scale, .shape = shape, .y = {}});
    slots_of_channel_.emplace(channel, slot);
  }
  const bool first = slots_of_channel_.lower_bound(channel)->second == slot;
  (first ? shares_ : further_shares_)[static_cast<int>(kind)].push_back({first ? channel : slot, device, active * scale, reactive * scale});
}

void PortCurrents::lay_out(int channels) {
  auto& [whole, single] = channels_;
  first_slot_.assign(channels, -1);
  whole.scale.assign(channels, 1.0);
  whole.y_re.assign(channels, 0.0);
  whole.y_im.assign(channels, 0.0);
  single.y_re.assign(channels, 0.0F);
  single.y_im.assign(channels, 0.0F);
  for (int s = 0; s < static_cast<int>(slots_.size()); ++s) {
    int& first = first_slot_[slots_[s].channel];
    if (first < 0) {
      first = s;
      whole.scale[slots_[s].channel] = slots_[s].scale;
    } else {
      further_.push_back(s);
    }
  }
  for (int group = 0; group < channels; group += lane_count) {
    Shapes<double> shapes;
    Shape last{.max = infinity, .c2 = 1};  // of channels that draw nothing: like their neighbours
    for (int lane = 0; lane < lane_count; ++lane) {
      if (first_slot_[group + lane] >= 0) {
        last = slots_[first_slot_[group + lane]].shape;
        break;
      }
    }
    for (int lane = 0; lane < lane_count; ++lane) {
      if (first_slot_[group + lane] >= 0) last = slots_[first_slot_[group + lane]].shape;
      const double numbers[] = {last.low, last.min, last.max, last.c0, last.c1, last.c2, last.below_0, last.below_1, last.above};
      for (std::size_t i = 0; i < std::size(numbers); ++i) shapes.value[i][lane] = numbers[i];
      shapes.constant_power = shapes.constant_power && last.constant_power();
    }
    const auto found = std::find(whole.shapes.begin(), whole.shapes.end(), shapes);
    shapes_of_group_.push_back(static_cast<int>(found - whole.shapes.begin()));
    if (found == whole.shapes.end()) whole.shapes.push_back(shapes);
  }
  single.scale.assign(whole.scale.begin(), whole.scale.end());
  for (const auto& shapes : whole.shapes) {
    auto& rounded = single.shapes.emplace_back();
    rounded.constant_power = shapes.constant_power;
    for (std::size_t i = 0; i < shapes.value.size(); ++i)
      std::copy(shapes.value[i].begin(), shapes.value[i].end(), rounded.value[i].begin());
  }
}

void PortCurrents::set_conditions(const LoadingConditions& conditions) {
  const std::vector<Complex>* powers[] = {&conditions.load_power, &conditions.solar_power, &conditions.wind_power,
                                          &conditions.battery_power, &conditions.generator_power};
  auto& [whole, single] = channels_;
  std::fill(whole.y_re.begin(), whole.y_re.end(), 0.0);
  std::fill(whole.y_im.begin(), whole.y_im.end(), 0.0);
  for (const int slot : further_) slots_[slot].y = 0;
  for (int kind = 0; kind < kinds; ++kind) {
    const Complex* power = powers[kind]->data();
    for (const auto& [channel, device, active, reactive] : shares_[kind]) {
      whole.y_re[channel] += active * power[device].real();
      whole.y_im[channel] -= reactive * power[device].imag();
    }
    for (const auto& [slot, device, active, reactive] : further_shares_[kind])
      slots_[slot].y += Complex(active * power[device].real(), -reactive * power[device].imag());
  }
  std::copy(whole.y_re.begin(), whole.y_re.end(), single.y_re.begin());
  std::copy(whole.y_im.begin(), whole.y_im.end(), single.y_im.begin());
  for (auto& device : irregular_) device.power = conditions.load_power[device.phase->load] * device.phase->share;
}

std::vector<PortCurrents::Share> PortCurrents::shares_of(Kind kind) const {
  const int k = static_cast<int>(kind);
  std::vector<Share> shares = shares_[k];
  for (auto& share : shares) share.at = first_slot_[share.at];
  shares.insert(shares.end(), further_shares_[k].begin(), further_shares_[k].end());
  return shares;
}

Complex PortCurrents::linear(int channel) const {
  const auto& whole = std::get<Channels<double>>(channels_);
  return {whole.linear_re[channel], whole.linear_im[channel]};
}

void PortCurrents::no_load(double* r_re, double* r_im) const {
  std::fill_n(r_re, first_slot_.size(), 0.0);
  std::fill_n(r_im, first_slot_.size(), 0.0);
  for (const auto& [channel, current] : sources_) {
    r_re[channel] += current.real();
    r_im[channel] += current.imag();
  }
}

/// `voltages` gives those of the channels from k on, and sees to it that x has them.
template <class Real, class Voltages>
inline void PortCurrents::evaluate_at(Voltages voltages, const Real* x_re, const Real* x_im, Real* r_re, Real* r_im) const {
  using Lanes = LanesOf<Real>;
  const auto& by_channel = std::get<Channels<Real>>(channels_);
  const int channels = static_cast<int>(first_slot_.size());
  for (int k = 0; k < channels; k += lane_count) {
    const auto& shapes = by_channel.shapes[shapes_of_group_[k / lane_count]];
    const auto number = [&](int i) { return load(shapes.value[i].data()); };
    const auto [u, v] = voltages(k);
    const Lanes square = (u * u + v * v) * load(by_channel.scale.data() + k);
    const Lanes min = number(1), max = number(2);
    Lanes g = Real{1} / square;
    // Channels that draw nothing may stand at any voltage, padding at none.
    if (!shapes.constant_power || std::experimental::any_of(square <= min * min || square > max * max)) {
      const Lanes m = std::experimental::sqrt(square), inverse = Real{1} / m;
      g = (number(5) * inverse + number(4)) * inverse + number(3);
      where(m <= min, g) = number(7) * inverse + number(6);
      where(m <= number(0), g) = Real{1};
      where(m > max, g) = number(8);
    }
    const Lanes y_re = load(by_channel.y_re.data() + k), y_im = load(by_channel.y_im.data() + k);
    where(y_re == Real{0} && y_im == Real{0}, g) = Real{0};
    const Lanes a = load(by_channel.linear_re.data() + k) - g * y_re, b = load(by_channel.linear_im.data() + k) - g * y_im;
    store(a * u - b * v, r_re + k);
    store(a * v + b * u, r_im + k);
  }
  for (const int s : further_) {
    const Slot& slot = slots_[s];
    const Shape& shape = slot.shape;
    const Complex u(x_re[slot.channel], x_im[slot.channel]);
    const double m = std::sqrt(std::norm(u) * slot.scale);
    if (m == 0) continue;
    const double g = m <= shape.low   ? 1.0
                     : m <= shape.min ? shape.below_0 + shape.below_1 / m
                     : m <= shape.max ? shape.c0 + (shape.c1 + shape.c2 / m) / m
                                      : shape.above;
    r_re[slot.channel] -= static_cast<Real>(g * (slot.y.real() * u.real() - slot.y.imag() * u.imag()));
    r_im[slot.channel] -= static_cast<Real>(g * (slot.y.real() * u.imag() + slot.y.imag() * u.real()));
  }
  for (const auto& device : irregular_) {
    const Complex current =
        device.base * load_current(*device.phase, device.power, device.base * Complex(x_re[device.channel], x_im[device.channel]));
    r_re[device.channel] -= static_cast<Real>(current.real());
    r_im[device.channel] -= static_cast<Real>(current.imag());
  }
  for (const auto& [channel, current] : sources_) {
    r_re[channel] += static_cast<Real>(current.real());
    r_im[channel] += static_cast<Real>(current.imag());
  }
}

template <class Real>
void PortCurrents::evaluate(const Real* x_re, const Real* x_im, Real* r_re, Real* r_im) const {
  evaluate_at([&](int k) { return std::pair(load(x_re + k), load(x_im + k)); }, x_re, x_im, r_re, r_im);
}
template void PortCurrents::evaluate(const double*, const double*, double*, double*) const;
template void PortCurrents::evaluate(const float*, const float*, float*, float*) const;

template <class Real>
void PortCurrents::evaluate_between(At<Real> from, At<Real> to, Real share, Real* x_re, Real* x_im, Real* r_re, Real* r_im) const {
  const LanesOf<Real> part(share);
  const auto between = [&](const Real* a, const Real* b, Real* x) {
    const LanesOf<Real> start = load(a), at = start + part * (load(b) - start);
    store(at, x);
    return at;
  };
  evaluate_at([&](int k) { return std::pair(between(from.re + k, to.re + k, x_re + k), between(from.im + k, to.im + k, x_im + k)); }, x_re,
              x_im, r_re, r_im);
}
template void PortCurrents::evaluate_between(At<double>, At<double>, double, double*, double*, double*, double*) const;
template void PortCurrents::evaluate_between(At<float>, At<float>, float, float*, float*, float*, float*) const;

}  // namespace gridfed

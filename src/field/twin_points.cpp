#include "field/twin.hpp"
#include "runtime/error.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <ranges>

namespace gridfed {

namespace {

using Element = TwinPoint::Element;

struct NamedQuantity {
  std::string_view name;
  Quantity quantity;
};
constexpr auto quantities = std::to_array<NamedQuantity>({{"voltage", Quantity::voltage},
                                                          {"voltage_pu", Quantity::voltage_pu},
                                                          {"current", Quantity::current},
                                                          {"active_power", Quantity::active_power},
                                                          {"reactive_power", Quantity::reactive_power},
                                                          {"losses", Quantity::losses},
                                                          {"loading", Quantity::loading},
                                                          {"tap", Quantity::tap},
                                                          {"steps", Quantity::steps},
                                                          {"closed", Quantity::closed},
                                                          {"charge", Quantity::charge},
                                                          {"power_limit", Quantity::power_limit},
                                                          {"frequency", Quantity::frequency}});

struct ElementClass {
  std::string_view name;
  Element element;
  std::array<Quantity, 5> has;  // filled up by repeating
};
using enum Quantity;
constexpr auto classes = std::to_array<ElementClass>({
    {"bus", Element::bus, {voltage, voltage_pu, voltage, voltage, voltage}},
    {"line", Element::line, {current, active_power, reactive_power, loading, closed}},
    {"transformer", Element::transformer, {current, active_power, reactive_power, loading, loading}},
    {"load", Element::load, {active_power, reactive_power, active_power, active_power, active_power}},
    {"capacitor", Element::capacitor, {steps, closed, steps, steps, steps}},
    {"regulator", Element::regulator, {tap, tap, tap, tap, tap}},
    {"solar", Element::solar, {active_power, reactive_power, power_limit, power_limit, power_limit}},
    {"wind", Element::wind, {active_power, reactive_power, active_power, active_power, active_power}},
    {"battery", Element::battery, {active_power, reactive_power, charge, charge, charge}},
    {"generator", Element::generator, {active_power, reactive_power, active_power, active_power, active_power}},
    {"feeder", Element::feeder, {active_power, reactive_power, losses, frequency, frequency}},
});

template <class Elements>
int position_of(const Elements& elements, std::string_view name) {
  const auto found = std::ranges::find(elements, name, [](const auto& e) -> std::string_view { return e.name; });
  return found == elements.end() ? -1 : static_cast<int>(found - elements.begin());
}

int position_in(const Network& network, Element element, std::string_view name) {
  const auto& data = network.data();
  switch (element) {
    case Element::bus:
      return network.find_bus(name);
    case Element::line:
      return position_of(data.lines, name);
    case Element::transformer:
      return position_of(data.transformers, name);
    case Element::load:
      return position_of(data.loads, name);
    case Element::capacitor:
      return position_of(data.capacitors, name);
    case Element::regulator:
      return position_of(data.regulators, name);
    case Element::solar:
      return position_of(data.solar, name);
    case Element::wind:
      return position_of(data.wind, name);
    case Element::battery:
      return position_of(data.batteries, name);
    case Element::generator:
      return position_of(data.generators, name);
    case Element::feeder:
      return name.empty() ? 0 : -1;
  }
  return -1;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The number after the last dot, from 1; 0 where there is none.
int trailing_number(std::string_view text) {
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos) return 0;
  int number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, problem] = std::from_chars(text.data() + dot + 1, end, number);
  return problem == std::errc() && stop == end && number > 0 ? number : 0;
}

/// Position of the measured voltage at a conductor of a bus.
int voltage_at(const Network& network, int bus, int conductor) {
  const int node = network.find_node(bus, conductor);
  const auto measured = network.measured_voltages();
  const auto found = std::ranges::find(measured, node, &VoltageMeasurement::node);
  return node < 0 || found == measured.end() ? -1 : static_cast<int>(found - measured.begin());
}

int conductors_of(const Network& network, const TwinPoint& point) {
  const auto position = static_cast<std::size_t>(point.position);
  return static_cast<int>(point.element == Element::line ? network.line_nodes()[position].from.size()
                                                         : network.transformer_nodes()[position][0].size());
}

}  // namespace

TwinPoint find_point(const Network& network, std::string_view element, std::string_view quantity) {
  const auto known = std::ranges::find(quantities, quantity, &NamedQuantity::name);
  if (known == quantities.end()) {
    throw Error("quantity is '{}': it must be one of {}", quantity,
                fmt::join(quantities | std::views::transform([](const NamedQuantity& q) { return q.name; }), ", "));
  }
  const auto text = lower(element);
  const auto dot = std::min(text.find('.'), text.size());
  const auto kind = std::ranges::find(classes, std::string_view(text).substr(0, dot), &ElementClass::name);
  if (kind == classes.end()) {
    throw Error("element is '{}': its class must be one of {}", element,
                fmt::join(classes | std::views::transform([](const ElementClass& c) { return c.name; }), ", "));
  }
  if (std::ranges::find(kind->has, known->quantity) == kind->has.end())
    throw Error("a {} has no {}: see the table of quantities", kind->name, quantity);

  TwinPoint point{.element = kind->element, .quantity = known->quantity};
  auto name = std::string_view(text).substr(std::min(dot + 1, text.size()));
  const bool of_conductor = point.element == Element::bus || point.quantity == Quantity::current;
  const int number = of_conductor ? trailing_number(name) : 0;
  if (of_conductor && number == 0) throw Error("element is '{}': say which conductor, as in '{}.1'", element, element);
  if (of_conductor) name = name.substr(0, name.rfind('.'));
  point.position = position_in(network, point.element, name);
  if (point.position < 0) throw Error("the feeder has no {} '{}': check the name", kind->name, name);
  if (point.element == Element::bus) {
    point.part = voltage_at(network, point.position, number);
    if (point.part < 0) throw Error("bus '{}' has no measured voltage at conductor {}: choose another", name, number);
  } else if (of_conductor) {
    point.part = number - 1;
    if (point.part >= conductors_of(network, point))
      throw Error("{} '{}' has {} conductors, not {}: choose another", kind->name, name, conductors_of(network, point), number);
  }
  return point;
}

double unit_factor(Quantity quantity, std::string_view unit) {
  struct Unit {
    std::string_view name;
    double factor;
  };
  static constexpr std::array<Unit, 2> volts{{{"V", 1}, {"kV", 1e3}}};
  static constexpr std::array<Unit, 2> amperes{{{"A", 1}, {"kA", 1e3}}};
  static constexpr std::array<Unit, 3> watts{{{"W", 1}, {"kW", 1e3}, {"MW", 1e6}}};
  static constexpr std::array<Unit, 3> vars{{{"var", 1}, {"kvar", 1e3}, {"Mvar", 1e6}}};
  static constexpr std::array<Unit, 1> hertz{{{"Hz", 1}}};
  static constexpr std::array<Unit, 2> shares{{{"pu", 1}, {"%", 0.01}}};
  const auto known = [&]() -> std::span<const Unit> {
    switch (quantity) {
      case Quantity::voltage:
        return volts;
      case Quantity::current:
        return amperes;
      case Quantity::active_power:
      case Quantity::losses:
      case Quantity::power_limit:
        return watts;
      case Quantity::reactive_power:
        return vars;
      case Quantity::frequency:
        return hertz;
      case Quantity::voltage_pu:
      case Quantity::loading:
      case Quantity::charge:
        return shares;
      case Quantity::tap:
      case Quantity::steps:
      case Quantity::closed:
        return {};
    }
    return {};
  }();
  if (unit.empty()) return 1;
  const auto found = std::ranges::find(known, unit, &Unit::name);
  if (found != known.end()) return found->factor;
  if (known.empty()) throw Error("unit is '{}': leave it empty, the quantity is a plain number", unit);
  throw Error("unit is '{}': it must be one of {}", unit,
              fmt::join(known | std::views::transform([](const Unit& u) { return u.name; }), ", "));
}

bool is_commandable(const TwinPoint& point) {
  switch (point.quantity) {
    case Quantity::tap:
    case Quantity::steps:
    case Quantity::closed:
    case Quantity::power_limit:
      return true;
    case Quantity::active_power:
      return point.element == Element::battery;
    default:
      return false;
  }
}

}  // namespace gridfed

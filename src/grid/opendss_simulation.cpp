// What a script says about simulation in time.
#include "grid/opendss_elements.hpp"

#include <fmt/core.h>

#include <cmath>

namespace gridfed::opendss {

namespace {

/// Seconds of a step: a number, with h, m or s behind it if it is none of seconds.
double step_length(const Value& value) {
  std::string text = value.word();
  double unit = 1;
  if (!text.empty() && (text.back() == 'h' || text.back() == 'm' || text.back() == 's')) {
    unit = text.back() == 'h' ? 3600 : text.back() == 'm' ? 60 : 1;
    text.pop_back();
  }
  const double step = unit * Value{text, false}.number();
  if (!(step > 0)) throw ScriptError{fmt::format("a step of {}", value.text), "give a positive time"};
  return step;
}

/// A mode has its own number and length of steps, and starts at midnight.
void set_mode(const Value& value, SimulationData& simulation) {
  const std::string word = value.word();
  const auto names = [&](std::string_view mode, std::size_t shortest) { return word.size() >= shortest && mode.starts_with(word); };
  simulation.shapes.reset();
  simulation.start = 0;
  if (names("daily", 2)) {
    simulation.shapes = ShapeKind::daily;
    simulation.step = 3600;
    simulation.steps = 24;
  } else if (names("yearly", 1)) {
    simulation.shapes = ShapeKind::yearly;
    simulation.step = 3600;
    simulation.steps = 8760;
  } else if (names("dutycycle", 2)) {
    simulation.shapes = ShapeKind::duty;
    simulation.step = 1;
    simulation.control = ControlMode::time;
  }
}

}  // namespace

bool set_simulation_option(const std::string& name, const Value& value, SimulationData& simulation) {
  const auto is = [&](std::string_view full, std::size_t shortest) { return name.size() >= shortest && full.starts_with(name); };
  const double hours = std::floor(simulation.start / 3600), seconds = simulation.start - 3600 * hours;
  if (is("mode", 2)) {
    set_mode(value, simulation);
  } else if (is("number", 2)) {
    simulation.steps = value.integer();
  } else if (is("stepsize", 2) || name == "h") {
    simulation.step = step_length(value);
  } else if (is("hour", 2)) {
    simulation.start = 3600.0 * value.integer() + seconds;
  } else if (is("sec", 2)) {
    simulation.start = 3600 * hours + value.number();
  } else if (is("time", 2)) {
    const auto parts = value.numbers();
    if (parts.size() != 2) throw ScriptError{fmt::format("a time of {} parts", parts.size()), "write (hour, seconds)"};
    simulation.start = 3600 * parts[0] + parts[1];
  } else if (is("controlmode", 8)) {
    const std::string word = value.word();
    simulation.control = word.starts_with('o') ? ControlMode::off : word.starts_with('s') ? ControlMode::fixed : ControlMode::time;
  } else {
    return false;
  }
  return true;
}

}  // namespace gridfed::opendss

#pragma once

#include "grid/opendss_elements.hpp"

#include <fmt/core.h>

#include <cmath>

/// Property tables: how `name=value` reaches a member of an object. Each class lists its properties in OpenDSS's order, which is what
/// positional values and abbreviations refer to.
namespace gridfed::opendss {

template <class T>
struct Property {
  std::string_view name;
  void (*set)(T&, const Value&, Script&);
};

// How each type of member is read.
inline void read(const Value& value, double& member) {
  member = value.number();
}
inline void read(const Value& value, int& member) {
  member = value.integer();
}
inline void read(const Value& value, bool& member) {
  member = value.truth();
}
inline void read(const Value& value, std::string& member) {
  member = value.word();
}
inline void read(const Value& value, std::vector<double>& member) {
  member = value.numbers();
}
void read(const Value& value, LengthUnit& member);
void read(const Value& value, Connection& member);
void read(const Value& value, BusReference& member);
void read(const Value& value, EarthModel& member);
template <class M>
void read(const Value& value, std::optional<M>& member) {
  read(value, member.emplace());
}

/// Assigns the member.
template <auto member, class T>
void set(T& object, const Value& value, Script&) {
  read(value, object.*member);
}

/// A positive number, for what would divide by zero or turn a sign otherwise.
template <auto member, class T>
void set_positive(T& object, const Value& value, Script&) {
  const auto number = value.number();
  if (number <= 0) throw ScriptError{fmt::format("{} is not above zero", number), "give a positive number"};
  read(value, object.*member);
}

/// A number of phases, windings, conductors or steps, which memory is taken for.
inline int count(const Value& value) {
  constexpr int most = 100;
  const int number = value.integer();
  if (number < 1 || number > most) throw ScriptError{fmt::format("{} is not from 1 to {}", number, most), "give a number within"};
  return number;
}

template <auto member, class T>
void set_count(T& object, const Value& value, Script&) {
  object.*member = count(value);
}

/// The property has no bearing on a power flow.
template <class T>
void ignore(T&, const Value&, Script&) {}

/// The property would change the physics in a way this project does not model.
template <class T>
void refuse(T&, const Value&, Script&) {
  throw ScriptError{"this property is not modelled", "describe the element by its other properties"};
}

/// The object other than `self` that has the name.
template <class T>
T& named(Table<T>& table, const Value& value, std::string_view kind) {
  T* found = table.find(value.word());
  if (!found) throw ScriptError{fmt::format("{} '{}' is not defined", kind, value.word()), fmt::format("define the {} first", kind)};
  return *found;
}

/// Reactive power of `kw` at a power factor; a negative factor turns its sign.
double kvar_at(double kw, double pf);

template <auto member, class T>
void set_power_factor(T& element, const Value& value, Script&) {
  const double pf = value.number();
  if (pf == 0 || std::abs(pf) > 1) throw ScriptError{fmt::format("a power factor of {}", pf), "give one from -1 to 1 without 0"};
  element.*member = pf;
}

template <class T, int smallest, int largest>
void set_model(T& element, const Value& value, Script&) {
  const int model = value.integer();
  if (model < smallest || model > largest)
    throw ScriptError{fmt::format("model {} is not known", model), fmt::format("use a model from {} to {}", smallest, largest)};
  element.model = model;
}

/// Name of a load shape, which must exist; `default` always does.
LoadShape& named_shape(const Value& value, Script& script);

/// What a shape of actual powers is at its largest active power [kW, kvar]; nothing if its values are relative.
std::optional<Complex> largest_actual(const LoadShape& shape);

template <auto member, class T>
void set_shape(T& element, const Value& value, Script& script) {
  element.shapes.*member = value.word().empty() ? nullptr : &named_shape(value, script);
}

/// like=: everything but name, origin, what is open, and buses.
template <auto table, auto... buses, class T>
void like(T& object, const Value& value, Script& script) {
  T copy = named(script.*table, value, "object");
  copy.name = object.name;
  copy.origin = object.origin;
  copy.closed = object.closed;
  copy.open_conductors = object.open_conductors;
  ((copy.*buses = object.*buses), ...);
  object = std::move(copy);
}

/// Names of the properties that have a meaning here or none for a power flow.
template <class T>
std::vector<std::string_view> understood(std::span<const Property<T>> properties) {
  std::vector<std::string_view> names;
  for (const auto& property : properties)
    if (property.set != static_cast<void (*)(T&, const Value&, Script&)>(refuse)) names.push_back(property.name);
  return names;
}

/// Applies the arguments to the object.
template <class T>
void edit(std::string_view class_name, std::span<const Property<T>> properties, const std::vector<std::string_view>& names, T& object,
          std::span<const Argument> arguments, Script& script) {
  std::size_t next = 0;
  for (const Argument& argument : arguments) {
    if (!argument.name.empty()) {
      const int index = find_abbreviated(names, argument.name);
      if (index < 0 && script.ignore_unknown) {
        script.note(fmt::format("Property {} of class {} is not known and left out.", argument.name, class_name));
        continue;
      }
      if (index < 0)
        throw ScriptError{fmt::format("unknown property '{}' of {}.{} (the nearest is '{}')", argument.name, class_name, object.name,
                                      nearest(names, argument.name)),
                          fmt::format("leave it out or write one of {}", listed(understood(properties)))};
      next = static_cast<std::size_t>(index);
    } else if (next >= properties.size()) {
      throw ScriptError{fmt::format("value '{}' of {}.{} follows the last property", argument.value.text, class_name, object.name),
                        "name the property it belongs to"};
    }
    try {
      properties[next].set(object, argument.value, script);
    } catch (const ScriptError& error) {
      throw ScriptError{fmt::format("{} (property '{}' of {}.{})", error.problem, properties[next].name, class_name, object.name),
                        error.remedy};
    }
    ++next;
  }
}

// ---- what an ElementClass is made of ----

template <auto table>
Object* find(Script& script, const std::string& name) {
  return (script.*table).find(name);
}

template <auto table>
std::vector<Object*> all(Script& script) {
  std::vector<Object*> objects;
  for (auto& object : script.*table) objects.push_back(&object);
  return objects;
}

template <auto table>
Object& add(Script& script, const std::string& name, Place origin) {
  return (script.*table).add(name, origin);
}

/// Edits an object of known type; `finish`, if any, then brings dependent members in line.
template <class T, const auto& properties, const auto& class_name, void (*finish)(T&) = nullptr>
void edit_as(Script& script, Object& object, std::span<const Argument> arguments) {
  auto& element = static_cast<T&>(object);
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (const auto& property : properties) all.push_back(property.name);
    return all;
  }();
  edit<T>(class_name, properties, names, element, arguments, script);
  if constexpr (finish != nullptr) finish(element);
}

}  // namespace gridfed::opendss

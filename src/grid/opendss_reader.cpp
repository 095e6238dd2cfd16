// The command language: which file, which command, which object. Objects themselves are edited by the property tables.
#include "grid/opendss_reader.hpp"

#include "grid/opendss_elements.hpp"
#include "grid/opendss_properties.hpp"
#include "runtime/error.hpp"
#include "runtime/stage_timer.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <regex>
#include <set>
#include <unordered_set>

namespace gridfed {
namespace opendss {
namespace {

namespace fs = std::filesystem;
constexpr int max_depth = 32;

// OpenDSS's commands in its order, which decides abbreviations.
enum class Action {
  create,
  edit,
  more,
  select,
  clear,
  set_option,
  redirect,
  coordinates,
  open,
  close,
  enable,
  disable,
  batch_edit,
  pass,
  refuse
};
struct Command {
  std::string_view name;
  Action action;
};
constexpr Command commands[] = {
    {"New", Action::create},
    {"Edit", Action::edit},
    {"More", Action::more},
    {"M", Action::more},
    {"~", Action::more},
    {"Select", Action::select},
    {"Save", Action::pass},
    {"Show", Action::pass},
    {"Solve", Action::set_option},
    {"Enable", Action::enable},
    {"Disable", Action::disable},
    {"Plot", Action::pass},
    {"Reset", Action::pass},
    {"Compile", Action::redirect},
    {"Set", Action::set_option},
    {"Dump", Action::pass},
    {"Open", Action::open},
    {"Close", Action::close},
    {"Redirect", Action::redirect},
    {"Help", Action::pass},
    {"Quit", Action::pass},
    {"?", Action::pass},
    {"Next", Action::pass},
    {"Panel", Action::pass},
    {"Sample", Action::pass},
    {"Clear", Action::clear},
    {"About", Action::pass},
    {"Calcvoltagebases", Action::pass},
    {"SetkVBase", Action::pass},
    {"BuildY", Action::pass},
    {"Get", Action::pass},
    {"Init", Action::pass},
    {"Export", Action::pass},
    {"Fileedit", Action::pass},
    {"Voltages", Action::pass},
    {"Currents", Action::pass},
    {"Powers", Action::pass},
    {"Seqvoltages", Action::pass},
    {"Seqcurrents", Action::pass},
    {"Seqpowers", Action::pass},
    {"Losses", Action::pass},
    {"Phaselosses", Action::pass},
    {"Cktlosses", Action::pass},
    {"Allocateloads", Action::refuse},
    {"Formedit", Action::pass},
    {"Totals", Action::pass},
    {"Capacity", Action::pass},
    {"Classes", Action::pass},
    {"Buscoords", Action::coordinates},
    {"MakeBusList", Action::pass},
    {"MakePosSeq", Action::refuse},
    {"Reduce", Action::refuse},
    {"Interpolate", Action::pass},
    {"AlignFile", Action::pass},
    {"Rotate", Action::pass},
    {"Vdiff", Action::pass},
    {"Summary", Action::pass},
    {"Distribute", Action::refuse},
    {"DI_plot", Action::pass},
    {"Visualize", Action::pass},
    {"CloseDI", Action::pass},
    {"Estimate", Action::refuse},
    {"Reconductor", Action::refuse},
    {"AddBusMarker", Action::pass},
    {"Uuids", Action::pass},
    {"SetLoadAndGenKV", Action::refuse},
    {"Rephase", Action::refuse},
    {"SetBusXY", Action::pass},
    {"BatchEdit", Action::batch_edit},
    {"Variable", Action::refuse},
    {"var", Action::refuse},
    {"ClearBusMarkers", Action::pass},
    {"Remove", Action::refuse},
    {"ClearAll", Action::clear},
};

// Options that say how OpenDSS should solve or report; what the network is does not depend on them.
constexpr std::string_view passed_options =
    "type element random class object circuit editor tolerance "
    "maxiterations loadmodel normvminpu normvmaxpu emergvminpu emergvmaxpu %mean %stddev ldcurve addtype "
    "allowduplicates zonelock ueweight lossweight ueregs lossregs algorithm trapezoidal autobuslist "
    "tracecontrol defaultdaily defaultyearly cktmodel pricesignal pricecurve terminal harmonics maxcontroliter "
    "maxcontroliterations bus datapath keeplist reduceoption demandinterval diverbose casename markercode nodewidth "
    "log recorder overloadreport voltexceptionreport showexport markswitches switchmarkercode daisysize "
    "marktransformers loadshapeclass querylog markcapacitors markregulators miniterations keepload zmag "
    "eventlogdefault neglectloady";

// Classes without part in a power flow at one instant.
constexpr std::string_view passed_classes =
    "TShape PriceShape GrowthShape TCC_Curve Spectrum DynamicExp EnergyMeter Monitor Sensor "
    "ExpControl StorageController GenDispatcher ESPVLControl "
    "UPFCControl";

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
    end = std::min(text.find(' ', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
  }
  return words;
}

bool is_passed_class(std::string_view name) {
  static const auto known = [] {
    std::unordered_set<std::string> names;
    for (const std::string_view passed : words_of(passed_classes)) names.insert(lower_case(passed));
    return names;
  }();
  return known.contains(lower_case(name));
}

/// Every class that is read.
std::vector<const ElementClass*> known_classes() {
  std::vector<const ElementClass*> classes;
  for (const auto group : {curve_classes(), line_classes(), transformer_classes(), control_classes(), switch_classes(),
                           source_and_load_classes(), injection_classes()})
    for (const ElementClass& type : group) classes.push_back(&type);
  return classes;
}

class Interpreter {
 public:
  explicit Interpreter(const ReadOptions& options) { script_.ignore_unknown = options.ignore_unknown; }
  void run_file(const fs::path& path, int depth);
  NetworkData finish(const fs::path& path);

 private:
  struct Selection {
    const ElementClass* type = nullptr;
    Object* object = nullptr;
  };

  void run_line(std::string_view line, const fs::path& folder, int depth);
  void run_command(const Command& command, std::vector<Argument> arguments, const fs::path& folder, int depth);
  void create(std::vector<Argument> arguments);
  void create_circuit(const std::string& name, std::span<const Argument> properties);
  void edit_active(std::span<const Argument> properties);
  void set_options(std::span<const Argument> options);
  void read_coordinates(const fs::path& path);
  void switch_element(std::span<const Argument> arguments, bool close);
  void edit_batch(std::vector<Argument> arguments);
  Selection find_object(std::string_view qualified_name);
  /// Are objects of this class read past?
  bool passes(const std::string& class_name) const {
    return is_passed_class(class_name) || (script_.ignore_unknown && class_name != "circuit" && !find_class(class_name));
  }

  Script script_;
  Selection active_;
  bool passing_ = false;         ///< the active object is of a class that is read past
  std::set<std::string> files_;  ///< names of those read, of which objects say that they are from there
  Place here_;
};

/// Splits `class.name`; a name may itself hold dots.
std::pair<std::string, std::string> split_name(std::string_view qualified_name) {
  const std::string lower = lower_case(qualified_name);
  const auto dot = lower.find('.');
  if (dot == std::string::npos || dot == 0 || dot + 1 == lower.size())
    throw ScriptError{fmt::format("'{}' names no object", qualified_name), "write class.name"};
  return {lower.substr(0, dot), lower.substr(dot + 1)};
}

[[noreturn]] void unknown_class(std::string_view name) {
  std::vector<std::string_view> read;
  for (const ElementClass* type : known_classes()) read.push_back(type->name);
  auto names = words_of(passed_classes);
  names.insert(names.end(), read.begin(), read.end());
  throw ScriptError{
      fmt::format("class '{}' is not known here (the nearest is '{}')", name, nearest(names, name)),
      fmt::format("take the object out or make it one of {}; read past are {}", listed(read), listed(words_of(passed_classes)))};
}

Interpreter::Selection Interpreter::find_object(std::string_view qualified_name) {
  const auto [class_name, name] = split_name(qualified_name);
  const ElementClass* type = find_class(class_name);
  if (!type) unknown_class(class_name);
  Object* object = type->find(script_, name);
  if (!object) throw ScriptError{fmt::format("{}.{} is not defined", type->name, name), "define it with new first"};
  return {type, object};
}

void Interpreter::edit_active(std::span<const Argument> properties) {
  if (passing_) return;
  if (!active_.object) throw ScriptError{"no object is being defined", "begin with new or edit"};
  active_.type->edit(script_, *active_.object, properties);
}

void Interpreter::create_circuit(const std::string& name, std::span<const Argument> properties) {
  if (!script_.circuit.empty())
    throw ScriptError{fmt::format("circuit '{}' is defined already", script_.circuit), "put clear between two circuits"};
  script_.circuit = name;
  const ElementClass* type = find_class("vsource");
  active_ = {type, &type->add(script_, "source", here_)};
  edit_active(properties);
}

/// The object's `class.name` is the first argument, bare or as object=.
std::string take_object(std::vector<Argument>& arguments, std::string_view command) {
  if (arguments.empty() || (!arguments[0].name.empty() && arguments[0].name != "object"))
    throw ScriptError{fmt::format("'{}' names no object", command), fmt::format("write {} class.name", command)};
  std::string name(arguments[0].value.text);
  arguments.erase(arguments.begin());
  return name;
}

void Interpreter::create(std::vector<Argument> arguments) {
  const auto [class_name, name] = split_name(take_object(arguments, "new"));
  passing_ = false;
  if (class_name == "circuit") return create_circuit(name, arguments);
  const ElementClass* type = find_class(class_name);
  if (!type) {
    if (!is_passed_class(class_name) && !script_.ignore_unknown) unknown_class(class_name);
    passing_ = true;
    return script_.note(fmt::format("Objects of class {} are read past.", class_name));
  }
  if (const Object* earlier = type->find(script_, name)) {
    const Origin origin = earlier->origin;
    throw ScriptError{fmt::format("{}.{} is defined already at {}:{}", type->name, name, origin.file, origin.line),
                      "rename it, or change the first one with edit"};
  }
  active_ = {type, &type->add(script_, name, here_)};
  edit_active(arguments);
}

void Interpreter::set_options(std::span<const Argument> options) {
  for (const Argument& option : options) {
    const std::string name = option.name.empty() ? option.value.word() : option.name;
    const auto is = [&](std::string_view full, std::size_t shortest) { return name.size() >= shortest && full.starts_with(name); };
    if (is("defaultbasefrequency", 8) || name == "basefrequency" || name == "frequency") {
      const double frequency = option.value.number();
      if (frequency <= 0) throw ScriptError{fmt::format("a frequency of {} Hz", frequency), "give 50 or 60"};
      script_.frequency = frequency;
    } else if (is("voltagebases", 2)) {
      script_.voltage_bases = option.value.numbers();
    } else if (is("loadmult", 5)) {
      script_.load_multiplier = option.value.number();
    } else if (name == "%growth") {
      script_.growth_percent = option.value.number();
    } else if (is("year", 4)) {
      script_.year = option.value.integer();
    } else if (is("genmult", 5)) {
      script_.generation_multiplier = option.value.number();
    } else if (is("earthmodel", 2)) {
      read(option.value, script_.earth_model);
    } else if (set_simulation_option(name, option.value, script_.simulation)) {
      continue;
    } else if (auto known = words_of(passed_options);
               std::none_of(known.begin(), known.end(), [&](auto passed) { return passed.starts_with(name); })) {
      if (script_.ignore_unknown) {
        script_.note(fmt::format("Option {} is not known and left out.", name));
        continue;
      }
      known.insert(known.end(), {"defaultbasefrequency", "frequency", "voltagebases", "loadmult", "genmult", "year", "%growth",
                                 "earthmodel", "mode", "number", "stepsize", "hour", "sec", "time", "controlmode"});
      throw ScriptError{fmt::format("unknown option '{}' (the nearest is '{}')", name, nearest(known, name)),
                        fmt::format("leave it out or write one of {}", listed(known))};
    }
  }
}

void Interpreter::read_coordinates(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw ScriptError{fmt::format("cannot read '{}'", path.string()), "check its permissions"};
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const auto arguments = split_arguments(line);
    if (arguments.empty()) continue;
    try {
      if (arguments.size() < 3) throw ScriptError{"a bus has two coordinates", "write bus, x, y"};
      const std::string bus = arguments[0].value.word();
      Coordinates* known = script_.coordinates.find(bus);
      (known ? *known : script_.coordinates.add(bus)).position = {arguments[1].value.number(), arguments[2].value.number()};
    } catch (const ScriptError& error) {
      throw Error("{}:{}: {}: {}", path.string(), number, error.problem, error.remedy);
    }
  }
}

void Interpreter::switch_element(std::span<const Argument> arguments, bool close) {
  if (arguments.empty()) throw ScriptError{"no element is named", "write open line.name 1"};
  const Selection selection = find_object(arguments[0].value.text);
  const int terminal = arguments.size() > 1 ? arguments[1].value.integer() : 1;
  const int conductor = arguments.size() > 2 ? arguments[2].value.integer() : 0;
  switch_terminal(*selection.type, *selection.object, terminal, conductor, close);
}

/// BatchEdit class.pattern: every object whose name contains a match.
void Interpreter::edit_batch(std::vector<Argument> arguments) {
  const auto [class_name, pattern] = split_name(take_object(arguments, "batchedit"));
  const ElementClass* type = find_class(class_name);
  if (!type) {
    if (!is_passed_class(class_name) && !script_.ignore_unknown) unknown_class(class_name);
    return;
  }
  std::optional<std::regex> expression;
  try {
    expression.emplace(pattern, std::regex::icase);
  } catch (const std::regex_error&) {
    throw ScriptError{fmt::format("'{}' is no regular expression", pattern), "correct it"};
  }
  for (Object* object : type->all(script_))
    if (std::regex_search(object->name, *expression)) type->edit(script_, *object, arguments);
}

void Interpreter::run_command(const Command& command, std::vector<Argument> arguments, const fs::path& folder, int depth) {
  switch (command.action) {
    case Action::create:
      return create(std::move(arguments));
    case Action::edit:
    case Action::select: {
      const std::string name = take_object(arguments, "edit");
      passing_ = passes(split_name(name).first);
      if (passing_ || split_name(name).first == "circuit") return;
      active_ = find_object(name);
      return edit_active(command.action == Action::edit ? std::span<const Argument>(arguments) : std::span<const Argument>{});
    }
    case Action::more:
      return edit_active(arguments);
    case Action::clear: {
      const double frequency = script_.frequency;
      const EarthModel earth_model = script_.earth_model;
      const fs::path folder_now = script_.folder;
      const bool ignore_unknown = script_.ignore_unknown;
      script_ = {};
      script_.folder = folder_now;
      script_.ignore_unknown = ignore_unknown;
      script_.frequency = frequency;
      script_.earth_model = earth_model;
      active_ = {};
      return;
    }
    case Action::set_option:
      return set_options(arguments);
    case Action::redirect:
    case Action::coordinates: {
      if (arguments.empty()) throw ScriptError{fmt::format("'{}' names no file", command.name), "give one"};
      const fs::path path = find_file(folder, std::string(arguments[0].value.text));
      if (command.action == Action::coordinates) return read_coordinates(path);
      if (depth >= max_depth)
        throw ScriptError{fmt::format("more than {} files are nested, the last '{}'", max_depth, path.string()),
                          "let no file redirect to itself"};
      return run_file(path, depth + 1);
    }
    case Action::open:
    case Action::close:
      return switch_element(arguments, command.action == Action::close);
    case Action::enable:
    case Action::disable:
      find_object(take_object(arguments, "enable")).object->enabled = command.action == Action::enable;
      return;
    case Action::batch_edit:
      return edit_batch(std::move(arguments));
    case Action::pass:
      return;
    case Action::refuse:
      throw ScriptError{fmt::format("command '{}' is not carried out here", command.name), "write its outcome into the script"};
  }
}

void Interpreter::run_line(std::string_view line, const fs::path& folder, int depth) {
  std::vector<Argument> arguments = split_arguments(line);
  if (arguments.empty()) return;
  if (std::string& path = arguments[0].name; !path.empty()) {
    // class.name.property=value
    const auto property = path.rfind('.');
    if (property == std::string::npos || path.find('.') == property)
      throw ScriptError{fmt::format("'{}=' begins no command", path), "write class.name.property=value"};
    passing_ = passes(split_name(path).first);
    if (passing_) return;
    active_ = find_object(path.substr(0, property));
    path.erase(0, property + 1);
    return edit_active(arguments);
  }
  const Value first = arguments[0].value;
  static const auto names = [] {
    std::vector<std::string_view> all;
    for (const Command& command : commands) all.push_back(command.name);
    return all;
  }();
  const int index = find_abbreviated(names, first.text);
  if (index < 0 && script_.ignore_unknown) return script_.note(fmt::format("Command {} is not known and left out.", first.word()));
  if (index < 0) {
    std::vector<std::string_view> understood;
    for (const Command& command : commands)
      if (command.action != Action::refuse) understood.push_back(command.name);
    throw ScriptError{fmt::format("unknown command '{}' (the nearest is '{}')", first.text, nearest(names, first.text)),
                      fmt::format("leave it out or write one of {}", listed(understood))};
  }
  const Command& command = commands[index];
  arguments.erase(arguments.begin());
  if (command.action == Action::pass && command.name != "Calcvoltagebases" && command.name != "Solve")
    script_.note(fmt::format("Command {} is read past.", lower_case(command.name)));
  run_command(command, std::move(arguments), folder, depth);
}

void Interpreter::run_file(const fs::path& path, int depth) {
  std::ifstream file(path);
  if (!file || fs::is_directory(path)) throw Error("{}: cannot be read: check that the file exists", path.string());
  const Place outer = here_;
  const fs::path outer_folder = script_.folder;
  here_ = {&*files_.insert(path.filename().string()).first, 0};
  script_.folder = path.parent_path();
  bool in_comment = false;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    here_.line = number;
    if (line.find('\0') != std::string::npos) throw Error("{}:{}: holds binary data: give a script in text", *here_.file, number);
    const auto begin = line.find_first_not_of(" \t");
    if (begin != std::string::npos && line.compare(begin, 2, "/*") == 0) in_comment = true;
    if (in_comment) {
      in_comment = line.find("*/") == std::string::npos;
      continue;
    }
    try {
      run_line(line, path.parent_path(), depth);
    } catch (const ScriptError& error) {
      constexpr std::size_t shown = 500;
      const std::string problem = error.problem.size() <= shown ? error.problem : error.problem.substr(0, shown) + "...";
      throw Error("{}:{}: {}: {}", *here_.file, number, problem, error.remedy);
    }
  }
  if (in_comment) throw Error("{}: a comment opened by /* is never closed: add */", path.string());
  here_ = outer;
  script_.folder = outer_folder;
}

NetworkData Interpreter::finish(const fs::path& path) {
  if (script_.circuit.empty()) throw Error("{}: defines no circuit: begin it with new circuit.name", path.string());
  return network_data_of(script_);
}

}  // namespace

const ElementClass* find_class(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string, const ElementClass*> map;
    for (const ElementClass* type : known_classes()) map.emplace(lower_case(type->name), type);
    return map;
  }();
  const auto found = by_name.find(lower_case(name));
  return found == by_name.end() ? nullptr : found->second;
}

}  // namespace opendss

NetworkData read_opendss(const std::filesystem::path& script, const ReadOptions& options, StageTimes* times) {
  StageTimes unwanted;
  StageTimes& wanted = times ? *times : unwanted;
  opendss::Interpreter interpreter(options);
  {
    const auto scope = wanted.stage("parse");
    interpreter.run_file(script, 0);
  }
  const auto scope = wanted.stage("elements");
  return interpreter.finish(script);
}

}  // namespace gridfed

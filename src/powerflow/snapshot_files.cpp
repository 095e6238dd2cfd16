#include "powerflow/snapshot_files.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

namespace gridfed {

namespace {

void write_csv(const std::filesystem::path& path, const std::function<void(std::ostream&)>& body) {
  const std::filesystem::path part = path.string() + ".part";
  {
    std::ofstream out(part);
    body(out);
    out.flush();
    if (!out) throw Error("cannot write '{}' (disk full or folder missing): give another path", path.string());
  }
  std::filesystem::rename(part, path);
}

/// Rows of a CSV after its header, each a list of cells in lower case, with its line number.
std::vector<std::pair<int, std::vector<std::string>>> read_csv(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in) throw Error("cannot read '{}': check the path", path.string());
  std::vector<std::pair<int, std::vector<std::string>>> rows;
  std::string text;
  for (int number = 1; std::getline(in, text); ++number) {
    if (number == 1 || text.find_first_not_of(" \r\t") == std::string::npos) continue;
    std::vector<std::string> cells;
    std::istringstream line(text);
    for (std::string cell; std::getline(line, cell, ',');) {
      while (!cell.empty() && std::isspace(static_cast<unsigned char>(cell.back()))) cell.pop_back();
      std::transform(cell.begin(), cell.end(), cell.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      cells.push_back(cell);
    }
    rows.emplace_back(number, std::move(cells));
  }
  return rows;
}

double number(const std::filesystem::path& path, int line, const std::string& cell) {
  try {
    std::size_t used = 0;
    const double value = std::stod(cell, &used);
    if (used == cell.size() && std::isfinite(value)) return value;
  } catch (const std::exception&) {
  }
  throw Error("{}:{}: '{}' is not a number", path.string(), line, cell);
}

}  // namespace

void write_voltages(const PowerFlow& flow, const std::filesystem::path& path) {
  write_csv(path, [&](std::ostream& out) {
    out << "node,v_real_V,v_imag_V\n";
    const auto& voltages = flow.solution().bus_voltages;
    for (int node = 0; node < flow.network().node_count(); ++node) {
      out << fmt::format("{},{:.10g},{:.10g}\n", flow.network().node_name(node), voltages[node].real(), voltages[node].imag());
    }
  });
}

void write_flows(const PowerFlow& flow, const std::filesystem::path& path) {
  write_csv(path, [&](std::ostream& out) {
    out << "element,terminal1_p_kW,terminal1_q_kvar,phases_per_terminal,i1_abs_A...\n";
    const auto row = [&](const std::string& element, const BranchFlow& f, int phases) {
      out << fmt::format("{},{:.8g},{:.8g},{}", element, f.power.real() / 1e3, f.power.imag() / 1e3, phases);
      for (const double current : f.current) out << fmt::format(",{:.8g}", current);
      out << '\n';
    };
    const auto& data = flow.network().data();
    for (std::size_t i = 0; i < data.transformers.size(); ++i) {
      row("Transformer." + data.transformers[i].name, flow.transformer_flow(static_cast<int>(i)), data.transformers[i].phases);
    }
    for (std::size_t i = 0; i < data.lines.size(); ++i) {
      row("Line." + data.lines[i].name, flow.line_flow(static_cast<int>(i)), static_cast<int>(data.lines[i].from.nodes.size()));
    }
  });
}

void write_summary(const PowerFlow& flow, const ControlResult& control, const std::filesystem::path& path) {
  write_csv(path, [&](std::ostream& out) {
    const auto& s = flow.solution();
    const auto balance = flow.balance();
    out << "converged,iterations,control_iterations,nodes,source_p_kW,source_q_kvar,losses_p_kW,losses_q_kvar\n";
    out << fmt::format("{},{},{},{},{:.8g},{:.8g},{:.8g},{:.8g}\n", static_cast<int>(s.converged), s.iterations, control.control_iterations,
                       flow.network().node_count(), balance.source_power.real() / 1e3, balance.source_power.imag() / 1e3,
                       balance.losses.real() / 1e3, balance.losses.imag() / 1e3);
  });
}

void set_neutral_taps(GridState& state) {
  for (auto& taps : state.taps) std::fill(taps.begin() + 1, taps.end(), 1.0);
}

void impose_taps(const Network& network, const std::filesystem::path& path, GridState& state) {
  const auto& transformers = network.data().transformers;
  for (const auto& [line, cells] : read_csv(path)) {
    if (cells.size() < 5) throw Error("{}:{}: a row needs regcontrol, transformer, winding, tap_number, tap_pu", path.string(), line);
    const auto found = std::find_if(transformers.begin(), transformers.end(), [&](const auto& t) { return t.name == cells[1]; });
    if (found == transformers.end())
      throw Error("{}:{}: network '{}' has no transformer '{}'", path.string(), line, network.data().name, cells[1]);
    const int winding = static_cast<int>(number(path, line, cells[2]));
    auto& taps = state.taps[static_cast<std::size_t>(found - transformers.begin())];
    if (winding < 1 || winding > static_cast<int>(taps.size()))
      throw Error("{}:{}: transformer '{}' has no winding {}", path.string(), line, cells[1], winding);
    const double tap = number(path, line, cells[4]);
    if (!(tap > 0)) throw Error("{}:{}: a tap of {} is not possible", path.string(), line, tap);
    taps[winding - 1] = tap;
  }
}

void impose_capacitors(const Network& network, const std::filesystem::path& path, GridState& state) {
  const auto& capacitors = network.data().capacitors;
  for (const auto& [line, cells] : read_csv(path)) {
    if (cells.size() < 2) throw Error("{}:{}: a row needs capacitor, states", path.string(), line);
    const auto found = std::find_if(capacitors.begin(), capacitors.end(), [&](const auto& c) { return c.name == cells[0]; });
    if (found == capacitors.end())
      throw Error("{}:{}: network '{}' has no capacitor '{}'", path.string(), line, network.data().name, cells[0]);
    auto& steps = state.capacitors[static_cast<std::size_t>(found - capacitors.begin())];
    std::istringstream in(cells[1]);
    for (std::size_t k = 0; k < steps.size(); ++k) {
      int value = 0;
      if (!(in >> value) || value < 0 || value > 1)
        throw Error("{}:{}: capacitor '{}' needs {} states of 0 or 1", path.string(), line, cells[0], steps.size());
      steps[k] = value;
    }
  }
}

std::vector<std::pair<std::string, int>> regulator_taps(const PowerFlow& flow) {
  std::vector<std::pair<std::string, int>> numbers;
  const auto& data = flow.network().data();
  for (std::size_t i = 0; i < data.regulators.size(); ++i) {
    const int transformer = flow.network().regulator_transformers()[i];
    const int winding = data.regulators[i].winding - 1;
    numbers.emplace_back(data.regulators[i].name,
                         tap_number(data.transformers[transformer].windings[winding], flow.state().taps[transformer][winding]));
  }
  return numbers;
}

}  // namespace gridfed

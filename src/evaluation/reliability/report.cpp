#include "evaluation/reliability/report.hpp"

#include "runtime/error.hpp"

#include <algorithm>
#include <cmath>

namespace gridfed {

namespace {

const std::vector<std::string> index_columns{"saifi [1/yr]",  "saidi [h/yr]",   "caidi [h]",    "caifi [1/yr]",
                                             "maifi [1/yr]",  "maifi_e [1/yr]", "asai [-]",     "ens [kWh/yr]",
                                             "aens [kWh/yr]", "cost [$/yr]",    "iear [$/kWh]", "customers [-]"};
const std::vector<std::string> point_columns{"interruptions [1/yr]", "hours [h/yr]", "momentary [1/yr]", "energy [kWh/yr]", "cost [$/yr]"};
const std::vector<std::string> year_columns{"saifi [1/yr]", "saidi [h/yr]", "maifi [1/yr]", "ens [kWh/yr]", "cost [$/yr]"};

std::vector<FeederIndices> rows_of(const ReliabilityModel& model, const std::vector<LoadPointYear>& years) {
  std::vector<FeederIndices> rows;
  for (const auto& feeder : feeders_of(model)) rows.push_back(feeder_indices(model, years, feeder));
  rows.push_back(feeder_indices(model, years, ""));
  rows.back().feeder = "system";
  return rows;
}

std::vector<double> flat(const std::vector<FeederIndices>& rows) {
  std::vector<double> values;
  for (const auto& r : rows)
    for (const double v :
         {r.saifi, r.saidi, r.caidi, r.caifi, r.maifi, r.maifi_e, r.asai, r.ens, r.aens, r.cost, r.cost_of_energy(), r.customers})
      values.push_back(v);
  return values;
}

std::vector<double> flat(const std::vector<LoadPointYear>& rows) {
  std::vector<double> values;
  for (const auto& r : rows)
    for (const double v : {r.interruptions, r.hours, r.momentary, r.energy, r.cost}) values.push_back(v);
  return values;
}

std::string lines_of(const std::vector<FeederIndices>& rows) {
  std::string text = fmt::format("{:<14} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9} {:>11} {:>10} {:>11} {:>8}\n", "", "SAIFI", "SAIDI", "CAIDI",
                                 "CAIFI", "MAIFI", "ASAI", "ENS", "AENS", "cost", "IEAR");
  text += fmt::format("{:<14} {:>9} {:>9} {:>9} {:>8} {:>8} {:>9} {:>11} {:>10} {:>11} {:>8}\n", "", "1/yr", "h/yr", "h", "1/yr", "1/yr",
                      "-", "MWh/yr", "kWh/yr", "k$/yr", "$/kWh");
  for (const auto& r : rows)
    text += fmt::format("{:<14} {:>9.4f} {:>9.4f} {:>9.3f} {:>8.4f} {:>8.4f} {:>9.6f} {:>11.4f} {:>10.3f} {:>11.3f} {:>8.3f}\n", r.feeder,
                        r.saifi, r.saidi, r.caidi, r.caifi, r.maifi, r.asai, r.ens / 1000, r.aens, r.cost / 1000, r.cost_of_energy());
  return text;
}

}  // namespace

std::string table(const ReliabilityModel& model, const ReliabilityReport& report) {
  std::string text = fmt::format("\nanalytic, {} load points, {} components, {:g} customers\n", model.load_points.size(),
                                 model.components.size(), model.customers());
  text += lines_of(rows_of(model, report.analytic));
  if (!report.simulated) return text;
  const auto& s = *report.simulated;
  text += fmt::format("\nsimulated, {} years, coefficient of variation of ENS {:.4f}{}\n", s.years.size(), s.cv,
                      s.converged ? "" : " (above the target)");
  text += lines_of(rows_of(model, s.load_points));
  text += fmt::format("\n{:<16} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}\n", "simulated years", "mean", "+- error", "median",
                      "90 %", "95 %", "99 %", "worst");
  const auto row = [&](const std::string& name, double scale, double SystemYear::*column) {
    std::vector<double> values;
    for (const auto& year : s.years) values.push_back(year.*column / scale);
    const Estimate e = estimate(values);
    std::ranges::sort(values);
    const auto at = [&](double p) { return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))]; };
    text += fmt::format("{:<16} {:>10.4f} {:>10.4f} {:>10.4f} {:>10.4f} {:>10.4f} {:>10.4f} {:>10.4f}\n", name, e.mean, e.standard_error,
                        at(0.5), at(0.9), at(0.95), at(0.99), values.back());
  };
  row("SAIFI 1/yr", 1, &SystemYear::saifi);
  row("SAIDI h/yr", 1, &SystemYear::saidi);
  row("ENS MWh/yr", 1000, &SystemYear::ens);
  row("cost k$/yr", 1000, &SystemYear::cost);
  return text;
}

void write_reliability(const std::filesystem::path& path, const FileHeader& header, const ReliabilityModel& model,
                       const ReliabilityReport& report) {
  File file = File::create(path);
  file.write_header(header);
  const auto feeders = rows_of(model, report.analytic);
  std::vector<std::string> names, point_names, point_feeders, classes;
  for (const auto& f : feeders) names.push_back(f.feeder);
  std::vector<double> customers, average;
  for (const auto& p : model.load_points) {
    point_names.push_back(p.name), point_feeders.push_back(p.feeder), classes.push_back(p.customer_class);
    customers.push_back(p.customers), average.push_back(p.average);
  }
  const hsize_t points = model.load_points.size();
  file.write_texts("/columns", index_columns);
  file.write_texts("/feeders", names);
  file.write<double>("/analytic", flat(feeders), {names.size(), index_columns.size()}, "see columns");
  file.write_texts("/load_points/names", point_names);
  file.write_texts("/load_points/feeders", point_feeders);
  file.write_texts("/load_points/classes", classes);
  file.write<double>("/load_points/customers", customers, {}, "-");
  file.write<double>("/load_points/average", average, {}, "kW");
  file.write_texts("/load_points/columns", point_columns);
  file.write<double>("/load_points/analytic", flat(report.analytic), {points, point_columns.size()}, "see columns");
  if (report.simulated) {
    const auto& s = *report.simulated;
    file.write<double>("/simulated", flat(rows_of(model, s.load_points)), {names.size(), index_columns.size()}, "see columns");
    file.write<double>("/load_points/simulated", flat(s.load_points), {points, point_columns.size()}, "see columns");
    std::vector<double> years;
    for (const auto& y : s.years)
      for (const double v : {y.saifi, y.saidi, y.maifi, y.ens, y.cost}) years.push_back(v);
    file.write_texts("/montecarlo/columns", year_columns);
    file.write<double>("/montecarlo/years", years, {s.years.size(), year_columns.size()}, "see columns");
    file.set_attribute("/montecarlo", "cv", s.cv);
    file.set_attribute("/montecarlo", "converged", static_cast<std::int64_t>(s.converged));
  }
  file.write_text("/table", table(model, report));
  file.commit();
}

std::string record_table(const std::vector<Interruption>& record, double customers_served, double momentary) {
  using namespace std::chrono;
  if (record.empty()) throw Error("the outage log holds no interruptions: there is nothing to add up");
  const auto year_of = [](sys_seconds time) { return year_month_day(floor<days>(time)).year(); };
  const year last = year_of(record.back().start), earliest = std::max(year_of(record.front().start), last - years(5));
  const sys_days begin = sys_days(last / January / 1), end = sys_days(last / December / 31);
  const bool history = earliest < last;
  const auto before = history ? daily_saidi(record, customers_served, sys_days(earliest / January / 1), begin - days(1), momentary)
                              : daily_saidi(record, customers_served, begin, end, momentary);
  const auto threshold = major_event_threshold(before);
  const auto daily = daily_saidi(record, customers_served, begin, end, momentary);
  std::vector<Interruption> all, normal;
  for (const auto& row : record) {
    if (row.start < begin) continue;
    all.push_back(row);
    if (daily[static_cast<std::size_t>((floor<days>(row.start) - begin).count())] <= threshold.saidi) normal.push_back(row);
  }
  const auto major = std::ranges::count_if(daily, [&](double saidi) { return saidi > threshold.saidi; });
  std::string text = fmt::format(
      "\nrecord of {}, {:g} customers; threshold of a major event day {:.3f} min (alpha {:.3f}, beta {:.3f}, from {}): {} days\n",
      static_cast<int>(last), customers_served, threshold.saidi, threshold.alpha, threshold.beta,
      history ? fmt::format("{}-{}", static_cast<int>(earliest), static_cast<int>(last) - 1) : "the year itself", major);
  text += fmt::format("{:<26} {:>8} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9} {:>10} {:>8}\n", "", "SAIFI", "SAIDI h", "CAIDI h", "CAIFI",
                      "MAIFI", "MAIFI_E", "ASAI", "ENS MWh", "AENS kWh");
  const auto row = [&](const char* name, const std::vector<Interruption>& rows) {
    const auto i = indices_of(rows, customers_served, 24.0 * static_cast<double>(daily.size()), momentary);
    const auto known = [](double value, double scale) { return std::isnan(value) ? "-" : fmt::format("{:.4f}", value / scale); };
    text += fmt::format("{:<26} {:>8.4f} {:>9.4f} {:>8.3f} {:>8} {:>8.4f} {:>8.4f} {:>9.6f} {:>10} {:>8}\n", name, i.saifi, i.saidi,
                        i.caidi, known(i.caifi, 1), i.maifi, i.maifi_e, i.asai, known(i.ens, 1000), known(i.aens, 1));
  };
  row("all days", all);
  row("without major event days", normal);
  return text;
}

}  // namespace gridfed

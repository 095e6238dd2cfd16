#include "dynamics/scenario.hpp"

#include "dynamics/clearness.hpp"
#include "dynamics/load_process.hpp"
#include "dynamics/load_profile.hpp"
#include "dynamics/weather.hpp"
#include "runtime/error.hpp"
#include "runtime/random.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <cmath>
#include <numbers>

namespace gridfed {

void declare(boost::program_options::options_description& deck, ScenarioOptions& o) {
  namespace po = boost::program_options;
  const auto value = [](auto& field) { return po::value(&field)->default_value(field); };
  deck.add_options()("env.timestep", value(o.timestep), "control step [s]")(
      "env.episode_length", value(o.episode_length), "length of an episode [s]")("env.stochastic_loads", value(o.stochastic_loads),
                                                                                 "whether loads carry noise on top of their profile")(
      "env.renewable_sources", value(o.renewable_sources),
      "which DERs produce: solar, wind or both, separated by a comma; none for neither")(
      "env.load_noise_common", value(o.load_noise_common), "standard deviation of the noise all loads share [share of load]")(
      "env.load_noise_local", value(o.load_noise_local), "standard deviation of each load's own noise [share of load]")(
      "env.load_correlation", value(o.load_correlation), "correlation of load noise over 15 minutes")(
      "env.load_profile", value(o.load_profile), "system: RTS-79 for all loads; classes: times a profile of each load's class")(
      "env.load_neighbours", value(o.load_neighbours), "correlation of local load noise over one line; 0 = loads are independent")(
      "env.sky", value(o.sky), "regimes: days are clear, broken or overcast; tag: published laws about env.mean_clearness")(
      "env.mean_clearness", value(o.mean_clearness), "mean daily clearness index of the sky tag")("env.outages", value(o.outages),
                                                                                                  "whether lines fail and are repaired")(
      "env.outage_rate", value(o.outage.rate), "failures of lines [1/km/yr]")("env.outage_repair", value(o.outage.repair),
                                                                              "mean time of a repair [h]")(
      "env.latitude", value(o.latitude), "latitude of the feeder [deg]")("env.clearness_correlation", value(o.clearness_correlation),
                                                                         "correlation of the clearness index over 15 minutes")(
      "env.wind_shape", value(o.wind_shape), "Weibull shape of the wind speed")(
      "env.wind_scale", value(o.wind_scale), "Weibull scale of the wind speed [m/s]")("env.wind_correlation", value(o.wind_correlation),
                                                                                      "correlation of the wind over 15 minutes")(
      "env.energy_price", value(o.energy_price), "mean day-ahead energy price [$/kWh]")("env.price_spread", value(o.price_spread),
                                                                                        "scale of the price's daily swing; 0 = flat");
}

void validate(const ScenarioOptions& o) {
  if (!(o.timestep > 0) || !(o.episode_length >= o.timestep)) {
    throw Error("env.timestep is {} s and env.episode_length {} s: the step must be positive and no longer than the episode", o.timestep,
                o.episode_length);
  }
  if (o.episode_length > 86400) throw Error("env.episode_length is {} s: a scenario holds one day, so at most 86400", o.episode_length);
  for (const auto& [key, correlation] : {std::pair{"env.load_correlation", o.load_correlation},
                                         {"env.clearness_correlation", o.clearness_correlation},
                                         {"env.load_neighbours", o.load_neighbours},
                                         {"env.wind_correlation", o.wind_correlation}}) {
    if (!(correlation >= 0 && correlation < 1)) throw Error("{} is {}: it must lie in [0, 1)", key, correlation);
  }
  if (o.load_profile != "system" && o.load_profile != "classes")
    throw Error("env.load_profile is '{}': it must be system or classes", o.load_profile);
  if (o.sky != "regimes" && o.sky != "tag") throw Error("env.sky is '{}': it must be regimes or tag", o.sky);
  if (!(o.mean_clearness >= 0.2 && o.mean_clearness <= 0.75))
    throw Error("env.mean_clearness is {}: it must lie in 0.2 to 0.75", o.mean_clearness);
  if (!(o.outage.rate > 0 && o.outage.repair > 0))
    throw Error("env.outage_rate and env.outage_repair are {} and {}: both must be positive", o.outage.rate, o.outage.repair);
  if (!(o.energy_price > 0)) throw Error("env.energy_price is {}: it must be positive", o.energy_price);
  std::string rest = o.renewable_sources;
  for (const char* known : {"solar", "wind", "none", ",", " "}) {
    for (auto at = rest.find(known); at != std::string::npos; at = rest.find(known)) rest.erase(at, std::string(known).size());
  }
  if (!rest.empty())
    throw Error("env.renewable_sources is '{}': it may name solar and wind, separated by a comma, or none", o.renewable_sources);
}

namespace {

constexpr double largest_clearness = 0.85;  // of an instant

double bump(double hour, double centre, double width) {
  const double x = (hour - centre) / width;
  return std::exp(-0.5 * x * x);
}

/// Puts a history's columns in the place of what was drawn. Values of finer rows are averaged over a step, those of coarser rows held.
void replace_by_history(Scenario& s, const ScenarioOptions& o, const History& history, int day) {
  const double rows_per_step = o.timestep / history.step, steps_per_row = history.step / o.timestep;
  const auto whole = [](double x) { return std::abs(x - std::round(x)) < 1e-9; };
  if (!whole(rows_per_step) && !whole(steps_per_row)) {
    throw Error("env.timestep is {} s but profile '{}' has a row every {} s: one must be a multiple of the other", o.timestep,
                history.file.string(), history.step);
  }
  const auto at = [&](const History::Series& series, int step) {
    const int from = static_cast<int>(step * rows_per_step + 1e-9), count = std::max(1, static_cast<int>(std::lround(rows_per_step)));
    double sum = 0;
    for (int row = from; row < from + count; ++row) sum += series.values[static_cast<std::size_t>(day) * history.rows_per_day() + row];
    return sum / count;
  };
  const auto replace = [&](const std::vector<History::Series>& columns, std::vector<float>& values, int width) {
    for (const auto& series : columns) {
      for (int t = 0; t < s.steps; ++t) {
        const auto value = static_cast<float>(at(series, t));
        for (const int element : series.elements) values[static_cast<std::size_t>(t) * width + element] = value;
      }
    }
  };
  replace(history.load, s.load, s.loads);
  if (o.has("solar")) replace(history.solar, s.solar, s.solar_plants);
  if (o.has("wind")) replace(history.wind, s.wind, s.turbines);
  for (const auto& series : history.price) {
    for (int t = 0; t < s.steps; ++t) s.price[t] = at(series, t);
  }
}

}  // namespace

int history_day(const History& history, int day) {
  const int use = day / first_validation_day, wanted = day % first_validation_day;
  int count = 0;
  for (int k = 0; k < history.days(); ++k) {
    const bool ours = use == 0 ? k % 5 < 3 : use == 1 ? k % 5 == 3 : k % 5 == 4;
    if (ours && count++ == wanted) return k;
  }
  throw Error("profile '{}' has {} days, of which {} are for {}: ask for fewer days or give a longer history", history.file.string(),
              history.days(), count,
              use == 0   ? "learning (data.days)"
              : use == 1 ? "validation (train.validation_days)"
                         : "judging (evaluate.days)");
}

Scenario draw_scenario(const Network& network, const ScenarioOptions& o, std::uint64_t seed, int client, int day, const History* history) {
  const auto& data = network.data();
  Scenario s{.steps = o.steps(),
             .loads = static_cast<int>(data.loads.size()),
             .solar_plants = static_cast<int>(data.solar.size()),
             .turbines = static_cast<int>(data.wind.size())};
  const auto stream = [&](Draw purpose) {
    return RandomStream(seed, purpose, static_cast<std::uint64_t>(client), static_cast<std::uint64_t>(day));
  };
  RandomStream calendar = stream(Draw::scenario);
  int week = 1 + static_cast<int>(calendar.below(52)), weekday = 1 + static_cast<int>(calendar.below(7));
  s.day_of_year = std::min(365, (week - 1) * 7 + weekday);
  const int measured = history ? history_day(*history, day) : -1;
  if (history) {  // what the file lacks is drawn for the date it gives
    s.day_of_year = history->day_of_year[measured];
    week = std::min(52, 1 + (s.day_of_year - 1) / 7);
    weekday = history->weekday[measured];
  }
  const double quarters = o.timestep / 900.0;
  const auto hour_of = [&](int step) { return (step + 0.5) * o.timestep / 3600.0; };

  RandomStream load_stream = stream(Draw::load);
  s.load.resize(static_cast<std::size_t>(s.steps) * s.loads);
  const double load_correlation = std::pow(o.load_correlation, quarters);
  const auto common = unit_ar1(load_stream, s.steps, load_correlation);
  std::vector<float> field;  // noise of the buses, which their loads share
  if (o.load_neighbours > 0) {
    RandomStream field_stream = stream(Draw::load_field);
    field = bus_noise(network, s.steps, load_correlation, o.load_neighbours, field_stream);
  }
  const double own_share = std::sqrt(1 - o.load_neighbours * o.load_neighbours);
  for (int load = 0; load < s.loads; ++load) {
    auto local = unit_ar1(load_stream, s.steps, load_correlation);
    if (!field.empty()) {  // a load hangs on its bus as a bus on the next
      const int bus = network.bus_of(data.loads[load].terminal);
      for (int t = 0; t < s.steps; ++t)
        local[t] = o.load_neighbours * field[static_cast<std::size_t>(t) * network.buses().size() + bus] + own_share * local[t];
    }
    const bool by_class = o.load_profile == "classes";
    for (int t = 0; t < s.steps; ++t) {
      const double profile = by_class ? class_profile(load_class(data.loads[load]), weekday, hour_of(t)) : 1.0;
      const double noise = o.stochastic_loads ? o.load_noise_common * common[t] + o.load_noise_local * local[t] : 0.0;
      s.load[static_cast<std::size_t>(t) * s.loads + load] =
          static_cast<float>(rts79_load_factor(week, weekday, hour_of(t)) * profile * std::max(0.1, 1.0 + noise));
    }
  }

  RandomStream sky = stream(Draw::solar);
  const double of_the_day = sky.uniform();
  const SkyRegime regime = sky_regime(of_the_day);
  const bool tag = o.sky == "tag";
  const double daily = tag ? daily_clearness(o.mean_clearness, of_the_day) : 0;
  const double clearness_correlation =
      tag ? std::pow(hourly_clearness_correlation(daily), o.timestep / 3600.0) : std::pow(o.clearness_correlation, quarters);
  const double season = std::cos(2 * std::numbers::pi * (s.day_of_year - 200) / 365.0);
  const double mean_temperature = 13.0 + 11.0 * season + 3.0 * sky.normal();
  const auto sky_common = unit_ar1(sky, s.steps, clearness_correlation);
  s.solar.resize(static_cast<std::size_t>(s.steps) * s.solar_plants);
  double sun_hours = 0;
  for (int plant = 0; plant < s.solar_plants; ++plant) {
    const auto local = unit_ar1(sky, s.steps, clearness_correlation);
    for (int t = 0; t < s.steps; ++t) {
      const double hour = hour_of(t);
      const double deviation = 0.9 * sky_common[t] + std::sqrt(1 - 0.81) * local[t];
      const double sun = solar_elevation_cosine(o.latitude, s.day_of_year, hour);
      double irradiance = clear_sky_index(regime, deviation) * clear_sky_irradiance(sun);
      if (tag) {
        const auto kt = hourly_clearness(daily, sun);
        irradiance =
            std::clamp(kt.mean + kt.deviation * deviation, 0.0, largest_clearness) * extraterrestrial_irradiance(s.day_of_year, sun);
      }
      const double ambient = mean_temperature + 5.0 * std::cos(2 * std::numbers::pi * (hour - 15.0) / 24.0);
      const double output = o.has("solar") ? pv_output(irradiance, ambient) : 0.0;
      s.solar[static_cast<std::size_t>(t) * s.solar_plants + plant] = static_cast<float>(output);
      sun_hours += output * o.timestep / 3600.0 / s.solar_plants;
    }
  }

  RandomStream air = stream(Draw::wind);
  const double wind_correlation = std::pow(o.wind_correlation, quarters);
  const auto wind_common = unit_ar1(air, s.steps, wind_correlation);
  s.wind.resize(static_cast<std::size_t>(s.steps) * s.turbines);
  for (int turbine = 0; turbine < s.turbines; ++turbine) {
    const auto local = unit_ar1(air, s.steps, wind_correlation);
    const auto& plant = data.wind[turbine];
    for (int t = 0; t < s.steps; ++t) {
      const double speed = weibull_from_normal(0.95 * wind_common[t] + std::sqrt(1 - 0.95 * 0.95) * local[t], o.wind_shape, o.wind_scale);
      s.wind[static_cast<std::size_t>(t) * s.turbines + turbine] =
          o.has("wind") ? static_cast<float>(wind_output(speed, plant.cut_in_speed, plant.rated_speed, plant.cut_out_speed)) : 0.0f;
    }
  }

  RandomStream market = stream(Draw::price);
  const double level = std::exp(0.15 * market.normal() - 0.5 * 0.15 * 0.15);
  const double morning = market.uniform(0.1, 0.5), evening = market.uniform(0.5, 1.1);
  const double trough = market.uniform(0.2, 0.4) + 0.04 * sun_hours;  // more sun, cheaper noon
  const double morning_hour = market.uniform(7.0, 9.0), evening_hour = market.uniform(18.0, 20.5), noon = market.uniform(11.5, 14.0);
  std::vector<double> hourly(24);
  const auto noise = unit_ar1(market, 24, 0.6);
  for (int hour = 0; hour < 24; ++hour) {
    const double h = hour + 0.5;
    const double shape = morning * bump(h, morning_hour, 1.5) + evening * bump(h, evening_hour, 1.8) - trough * bump(h, noon, 2.5) -
                         0.2 * bump(h, 3.0, 2.5) - 0.02;
    hourly[hour] = o.energy_price * level * std::max(0.1, 1.0 + o.price_spread * (shape + 0.06 * noise[hour]));
  }
  for (int t = 0; t < s.steps; ++t) s.price.push_back(hourly[std::min(23, static_cast<int>(hour_of(t)))]);
  if (history) replace_by_history(s, o, *history, measured);
  if (o.outages) {
    RandomStream failures = stream(Draw::outage);
    s.outages = draw_outages(network, o.outage, o.episode_length, failures);
  }
  return s;
}

}  // namespace gridfed

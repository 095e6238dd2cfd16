#pragma once

#include "evaluation/day_score.hpp"
#include "runtime/random.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace gridfed {

/// A price of energy that holds from one hour of the day to another; an end before the start runs past midnight.
struct PricePeriod {
  double from = 0, to = 24;  ///< [h]
  double price = 0;          ///< [$/kWh]
};

/// Price of each step of `step` hours from midnight on, that of the first period that covers the step's start. Throws Error for an hour
/// that none covers. One period from 0 to 24 is a flat price.
std::vector<double> time_of_use_prices(std::span<const PricePeriod> periods, double step, std::size_t steps);

/// Prices in time, each valid until the next.
struct PriceSeries {
  std::vector<std::chrono::sys_seconds> times;  ///< rising
  std::vector<double> prices;                   ///< [$/kWh], negative ones allowed
};
/// Reads the columns time, price [$/kWh]. Throws Error for times that do not rise.
PriceSeries read_price_series(const std::filesystem::path& file);
/// Price of each step of `step` hours from `start` on. Throws Error before the first time of the series.
std::vector<double> prices_at(const PriceSeries& series, std::chrono::sys_seconds start, double step, std::size_t steps);

/// Cost of the energy bought at a price a step [$]; negative power is sold at `sale_share` of the price.
double energy_cost(std::span<const double> power_kw, std::span<const double> prices, double step, double sale_share = 1);

/// Highest mean power over `window` hours, a whole number of steps of `step` hours; windows follow one another from the first step on [kW].
double billing_demand(std::span<const double> power_kw, double step, double window = 0.25);
/// Demand charge of one billing period [$]; rate in $/kW.
double demand_charge(std::span<const double> power_kw, double step, double rate, double window = 0.25);

/// What an interruption costs a class of customers for each kW that was interrupted, at some durations.
struct CustomerDamage {
  std::vector<double> durations;  ///< rising [h]
  std::vector<double> costs;      ///< [$/kW]

  /// Between the points linear in the logarithms of duration and cost; below the first its cost, above the last on along the last chord.
  /// Nothing lasts 0 h and costs nothing.
  double operator()(double duration) const;
};
/// Damage functions by class, from the columns class, duration [h], cost [$/kW]; at least two rising durations a class, costs above 0.
std::map<std::string, CustomerDamage> read_customer_damage(const std::filesystem::path& file);

/// A charge and discharge of a battery.
struct BatteryCycle {
  double depth = 0;  ///< share of the capacity
  double count = 0;  ///< 1 or 0.5
};
/// Cycles of a course of the state of charge by rainflow counting (ASTM E1049-85, 5.4.4).
std::vector<BatteryCycle> rainflow_cycles(std::span<const double> state_of_charge);

/// Life of a battery in cycles of a depth: cycles_at_full_depth x depth^-exponent (Wohler curve).
struct BatteryLife {
  double replacement_cost = 0;  ///< [$]
  double cycles_at_full_depth = 3000, exponent = 1;
};
/// Share of its life that the cycles use up (Palmgren and Miner), at the replacement's cost [$].
double battery_wear_cost(std::span<const BatteryCycle> cycles, const BatteryLife& life);

/// Share of a tap changer's rated operations, at the replacement's cost [$].
double tap_wear_cost(double operations, double replacement_cost, double rated_operations);

/// Value today of cash flows at the ends of years 0, 1, 2, … [$]; rate as a share a year.
double net_present_value(std::span<const double> cash_flows, double rate);
/// Value today of one dollar at the end of each of `years` years [$].
double annuity_factor(double rate, int years);

/// What a policy saves against a baseline on the same days.
struct Savings {
  Estimate mean;             ///< a day
  double low = 0, high = 0;  ///< percentile bootstrap interval of the mean (Efron and Tibshirani 1993, ch. 13)
  double share = 0;          ///< of the baseline's cost
};
/// Costs by day, paired. Throws Error for days that do not pair or fewer than two.
Savings savings(std::span<const double> baseline, std::span<const double> policy, RandomStream stream, double confidence = 0.95,
                int resamples = 2000);

}  // namespace gridfed

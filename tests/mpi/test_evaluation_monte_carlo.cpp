#include "evaluation/reliability/monte_carlo.hpp"
#include "grid/opendss_reader.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

namespace gridfed {
namespace {

struct Case {
  ReliabilityModel model;
  Consequences consequences{model};
  std::vector<const CustomerDamage*> damage = damage_of(model, {});
};

ReliabilityModel rbts() {
  const std::string inputs = GRIDFED_SOURCE_DIR "/inputs/reliability/";
  const auto network = make_network(read_feeder(inputs + "rbts_bus2.dss"));
  return make_reliability_model(*network, FailureTable::read(inputs + "rates.csv"), read_customers(inputs + "rbts_bus2_customers.csv"), {});
}

MonteCarloResult simulated(const Communicator& comm, const Case& c, const MonteCarloOptions& options) {
  return simulate_years(comm, c.model, c.consequences, c.damage, true, momentary_limit, options, 1);
}

TEST(MonteCarloRanks, EveryNumberOfRanksGivesTheBitsOfOne) {
  const auto world = Communicator::duplicate(MPI_COMM_WORLD);
  const auto self = Communicator::duplicate(MPI_COMM_SELF);
  const Case c{rbts()};
  const MonteCarloOptions options{.target_cv = 0.03};
  const auto ours = simulated(world, c, options), alone = simulated(self, c, options);
  ASSERT_EQ(ours.years.size(), alone.years.size());
  EXPECT_TRUE(ours.converged);
  EXPECT_LE(ours.cv, 0.03);
  EXPECT_EQ(std::memcmp(ours.years.data(), alone.years.data(), ours.years.size() * sizeof(SystemYear)), 0);
  EXPECT_EQ(std::memcmp(ours.load_points.data(), alone.load_points.data(), ours.load_points.size() * sizeof(LoadPointYear)), 0);
}

TEST(MonteCarloRanks, AgreesWithTheAnalyticResult) {
  const auto world = Communicator::duplicate(MPI_COMM_WORLD);
  const Case c{rbts()};
  const auto result = simulated(world, c, {.target_cv = 0.004});
  const auto expected = feeder_indices(c.model, expected_years(c.model, c.consequences, c.damage, true), "");
  std::vector<double> ens, saidi, begun;
  for (const auto& year : result.years) ens.push_back(year.ens), saidi.push_back(year.saidi), begun.push_back(year.saifi + year.maifi);
  EXPECT_NEAR(estimate(ens).mean, expected.ens, 3 * estimate(ens).standard_error);
  EXPECT_NEAR(estimate(saidi).mean, expected.saidi, 3 * estimate(saidi).standard_error);
  // Some repairs drawn from an exponential end within five minutes, so that sustained and momentary add up to the expected number.
  EXPECT_NEAR(estimate(begun).mean, expected.saifi, 3 * estimate(begun).standard_error);
  EXPECT_LE(estimate(ens).standard_error, 0.004 * estimate(ens).mean);
}

TEST(MonteCarloRanks, StopsAtItsLimitOrWhenAsked) {
  const auto world = Communicator::duplicate(MPI_COMM_WORLD);
  const Case c{rbts()};
  const auto result = simulated(world, c, {.target_cv = 1e-9, .max_years = 1});
  EXPECT_EQ(result.years.size(), static_cast<std::size_t>(round_chunks * chunk_years));
  EXPECT_FALSE(result.converged);
  const auto asked =
      simulate_years(world, c.model, c.consequences, c.damage, true, momentary_limit, {.target_cv = 1e-9}, 1, [] { return true; });
  EXPECT_EQ(asked.years.size(), result.years.size());
}

TEST(MonteCarloRanks, OneRankThatFailsEndsAllOfThem) {
  const auto world = Communicator::duplicate(MPI_COMM_WORLD);
  const Case c{rbts()};
  MonteCarloOptions options{.target_cv = 0.05};
  if (world.rank() == world.size() - 1) options.repair = "never";
  EXPECT_THROW(simulated(world, c, options), AgreedError);
}

}  // namespace
}  // namespace gridfed

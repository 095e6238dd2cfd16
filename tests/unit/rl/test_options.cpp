#include "rl/options.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include <string>
#include <vector>

namespace gridfed {
namespace {

namespace po = boost::program_options;

RlOptions parse(const std::vector<std::string>& arguments) {
  RlOptions options;
  po::options_description deck;
  declare(deck, options);
  po::variables_map values;
  po::store(po::command_line_parser(arguments).options(deck).run(), values);
  po::notify(values);
  return options;
}

TEST(RlOptions, AnEmptyDeckKeepsTheDefaults) {
  const RlOptions options = parse({});
  EXPECT_EQ(options.algorithm, LearnerKind::iql);
  EXPECT_EQ(options.shared, Sharing::trunk);
  EXPECT_EQ(options.hidden_dims, (std::vector<std::int64_t>{128, 128}));
  EXPECT_EQ(options.expectile, 0.7);
  EXPECT_NO_THROW(validate(options));
}

TEST(RlOptions, ReadsChoicesAndLists) {
  const RlOptions options =
      parse({"--rl.algorithm=bc", "--rl.actor_update=advantage_weighted", "--rl.hidden_dims=64, 32,16", "--rl.tau=0.01"});
  EXPECT_EQ(options.algorithm, LearnerKind::behaviour_cloning);
  EXPECT_EQ(options.actor_update, ActorUpdate::advantage_weighted);
  EXPECT_EQ(options.hidden_dims, (std::vector<std::int64_t>{64, 32, 16}));
  EXPECT_EQ(options.tau, 0.01);
  const RlOptions safe = parse({"--rl.safety_critic=true", "--rl.cost_limit=0.02", "--rl.multiplier_gains=1, 0.5,3"});
  EXPECT_TRUE(safe.safety_critic);
  EXPECT_EQ(safe.cost_limit, 0.02);
  EXPECT_EQ(safe.multiplier_gains.integral, 0.5);
  EXPECT_EQ(safe.multiplier_gains.derivative, 3);
}

TEST(RlOptions, RefusesWhatItCannotMean) {
  EXPECT_THROW(parse({"--rl.algorithm=sarsa"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims=64,x"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims=64,"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims= "}), Error);
  EXPECT_THROW(parse({"--rl.multiplier_gains=1,2"}), Error);
  RlOptions options;
  options.expectile = 1.0;
  EXPECT_THROW(validate(options), Error);
  EXPECT_THROW(validate(RlOptions{.cost_limit = 0.1}), Error) << "nothing looks at costs";
  EXPECT_THROW(validate(RlOptions{.algorithm = LearnerKind::behaviour_cloning, .safety_critic = true}), Error);
  EXPECT_THROW(validate(RlOptions{.safety_critic = true, .cost_discount = 1}), Error);
}

}  // namespace
}  // namespace gridfed

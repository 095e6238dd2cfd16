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
}

TEST(RlOptions, RefusesWhatItCannotMean) {
  EXPECT_THROW(parse({"--rl.algorithm=sarsa"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims=64,x"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims=64,"}), Error);
  EXPECT_THROW(parse({"--rl.hidden_dims= "}), Error);
  RlOptions options;
  options.expectile = 1.0;
  EXPECT_THROW(validate(options), Error);
}

}  // namespace
}  // namespace gridfed

#include "fed/options.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include <sstream>

namespace gridfed {
namespace {

namespace po = boost::program_options;

FederationOptions parse(const std::string& text) {
  FederationOptions options;
  po::options_description deck;
  declare(deck, options);
  std::istringstream file(text);
  po::variables_map values;
  po::store(po::parse_config_file(file, deck), values);
  po::notify(values);
  return options;
}

TEST(FederationOptions, ComeFromTheDeck) {
  EXPECT_EQ(parse("").aggregation, Aggregation::fedavg);
  const FederationOptions options =
      parse("[fed]\nnum_clients = 7\naggregation = none\ncompression = top_k\ncompression_ratio = 0.2\nbits = 8\nstochastic = false\n");
  EXPECT_EQ(options.num_clients, 7);
  EXPECT_EQ(options.aggregation, Aggregation::none);
  EXPECT_EQ(options.compression, Sparsification::top_k);
  EXPECT_EQ(options.compression_ratio, 0.2);
  EXPECT_EQ(options.bits, 8);
  EXPECT_FALSE(options.stochastic);
}

TEST(FederationOptions, EveryStrategyHasAWord) {
  for (int i = 0; i <= static_cast<int>(Aggregation::none); ++i) {
    const auto strategy = static_cast<Aggregation>(i);
    EXPECT_EQ(parse("[fed]\naggregation = " + std::string(name(strategy)) + "\n").aggregation, strategy);
  }
}

TEST(FederationOptions, RefuseWhatHasNoMeaning) {
  EXPECT_THROW(parse("[fed]\naggregation = mean\n"), Error);
  EXPECT_THROW(parse("[fed]\ncompression = zip\n"), Error);
  const auto refused = [](const std::string& text) { EXPECT_THROW(validate(parse("[fed]\n" + text)), Error) << text; };
  refused("num_clients = 0\n");
  refused("rounds = 0\n");
  refused("compression_ratio = 0\n");
  refused("compression_ratio = 1.5\n");
  refused("bits = 16\n");
  refused("local_epochs = 0\n");
  refused("participation = 0\n");
  refused("dropout = 1\n");
  refused("proximal = -1\n");
  refused("server_momentum = 1\n");
  refused("server_adaptivity = 0\n");
  refused("byzantine = -1\n");
  refused("aggregation = krum\n");  // one bad client among four is too many
  refused("aggregation = scaffold\nbits = 8\n");
  EXPECT_NO_THROW(validate(parse("")));
}

TEST(LocalUpdates, StepsWinOverEpochs) {
  FederationOptions options{.local_epochs = 3};
  EXPECT_EQ(local_updates(options, 1000, 256), 12);
  EXPECT_EQ(local_updates(options, 10, 256), 3);
  options.local_sgd_steps = 20;
  EXPECT_EQ(local_updates(options, 1000, 256), 20);
}

}  // namespace
}  // namespace gridfed

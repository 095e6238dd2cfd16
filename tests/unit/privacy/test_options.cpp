#include "privacy/options.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>

#include <sstream>

namespace gridfed {
namespace {

namespace po = boost::program_options;

PrivacyOptions parse(const std::string& text) {
  PrivacyOptions options;
  po::options_description deck;
  declare(deck, options);
  std::istringstream file(text);
  po::variables_map values;
  po::store(po::parse_config_file(file, deck), values);
  po::notify(values);
  return options;
}

TEST(PrivacyOptions, ComeFromTheDeck) {
  EXPECT_EQ(parse("").unit, PrivacyUnit::none);
  const PrivacyOptions options = parse("[privacy]\nunit = record\nprivacy_budget = 3\nclip_norm = 0.5\n");
  EXPECT_EQ(options.unit, PrivacyUnit::record);
  EXPECT_EQ(options.privacy_budget, 3);
  EXPECT_EQ(options.clip_norm, 0.5);
  EXPECT_EQ(options.delta, 1e-5);
  EXPECT_FALSE(options.seeded);
}

TEST(PrivacyOptions, RefuseWhatHasNoMeaning) {
  EXPECT_THROW(parse("[privacy]\nunit = person\n"), Error);
  PrivacyOptions options{.unit = PrivacyUnit::client};
  EXPECT_NO_THROW(validate(options));
  options.delta = 0;
  EXPECT_THROW(validate(options), Error);
  options = {.unit = PrivacyUnit::client, .privacy_budget = 0};
  EXPECT_THROW(validate(options), Error);
}

TEST(PrivacyStatement, IsOneSentenceWithTheUnit) {
  PrivacyStatement statement;
  EXPECT_EQ(statement.describe(), "No differential privacy: updates were shared without noise.");
  statement = {.unit = PrivacyUnit::record,
               .epsilon = 3.2392676,
               .delta = 1e-5,
               .noise_multiplier = 0.7,
               .clip_norm = 1,
               .steps = 120,
               .sampling_rate = 0.01};
  EXPECT_EQ(statement.describe(),
            "(3.239, 1.0e-05)-differential privacy of each record: Gaussian noise of 0.7 x clip norm 1, 120 steps at sampling rate 0.01.");
  statement.noise_private = false;
  EXPECT_EQ(statement.describe().find("NOT PRIVATE"), 0u);
}

}  // namespace
}  // namespace gridfed

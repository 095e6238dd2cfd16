#include "runtime/options.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace gridfed {
namespace {

struct SolverOptions {
  double tolerance = 1e-8;
  float damping = 0.1f;
  int max_iterations = 30;
  std::uint64_t seed = 1;
  bool reuse = true;
  std::string cases = "ieee13, ieee34";
  bool verbose = false;
};

class DeckTest : public testing::Test {
 protected:
  DeckTest() {
    schema.add_options()("solver.tolerance", po::value(&options.tolerance)->default_value(options.tolerance), "largest mismatch")(
        "solver.damping", po::value(&options.damping)->default_value(options.damping), "of a step")(
        "solver.max_iterations", po::value(&options.max_iterations)->default_value(options.max_iterations), "before giving up")(
        "solver.cases", po::value(&options.cases)->default_value(options.cases), "list")(
        "solver.reuse", po::value(&options.reuse)->default_value(options.reuse), "factors")(
        "seed", po::value(&options.seed)->default_value(options.seed), "of streams")("verbose", po::bool_switch(&options.verbose), "talk")(
        "config", po::value<std::string>(), "deck");
  }
  ~DeckTest() override { std::filesystem::remove(path); }

  void write_deck(const std::string& text) const { std::ofstream(path) << text; }
  Deck parse(std::vector<std::string> words) {
    std::vector<const char*> argv{"program"};
    for (const auto& word : words) argv.push_back(word.c_str());
    return Deck::parse(static_cast<int>(argv.size()), argv.data(), schema);
  }
  std::string error_of(std::vector<std::string> words) {
    try {
      parse(std::move(words));
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  const std::string path = testing::TempDir() + "gridfed_" + testing::UnitTest::GetInstance()->current_test_info()->name() + ".ini";
  SolverOptions options;
  po::options_description schema;
};

TEST_F(DeckTest, DefaultsStandWhereNothingIsGiven) {
  const Deck deck = parse({});
  EXPECT_EQ(options.max_iterations, 30);
  EXPECT_FALSE(deck.given("solver.max_iterations"));
  EXPECT_EQ(deck.origin("solver.max_iterations"), "default");
}

TEST_F(DeckTest, CommandLineWinsOverDeck) {
  write_deck("seed = 7\n[solver]\ntolerance = 1e-4  # loose\nmax_iterations = 5\n");
  const Deck deck = parse({"--config", path, "--solver.max_iterations", "9", "--verbose"});
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.tolerance, 1e-4);
  EXPECT_EQ(options.max_iterations, 9);
  EXPECT_TRUE(options.verbose);
  EXPECT_EQ(deck.origin("solver.tolerance"), path + ":3");
  EXPECT_EQ(deck.origin("solver.max_iterations"), "command line");
}

TEST_F(DeckTest, ListsArePlainStringsAndNegativeNumbersAreValues) {
  write_deck("[solver]\ncases = a, b; c\n");
  parse({"--config", path, "--solver.max_iterations", "-3", "--solver.tolerance=-0.5"});
  EXPECT_EQ(options.cases, "a, b; c");
  EXPECT_EQ(options.max_iterations, -3);
  EXPECT_EQ(options.tolerance, -0.5);
}

TEST_F(DeckTest, UnknownKeyNamesTheNearest) {
  EXPECT_EQ(error_of({"--solver.tolerence", "1"}), "unknown key 'solver.tolerence' (command line): did you mean 'solver.tolerance'?");
  write_deck("[solver]\n\nmax_iteration = 3\n");
  EXPECT_EQ(error_of({"--config", path}), "unknown key 'solver.max_iteration' (" + path + ":3): did you mean 'solver.max_iterations'?");
  EXPECT_EQ(error_of({"--zzzzzzzz", "1"}), "unknown key 'zzzzzzzz' (command line): see --help for all keys");
}

TEST_F(DeckTest, AbbreviatedKeyIsUnknown) {
  EXPECT_EQ(error_of({"--solver.tol", "1"}), "unknown key 'solver.tol' (command line): did you mean 'solver.tolerance'?");
  EXPECT_EQ(error_of({"--tolerance", "1"}), "unknown key 'tolerance' (command line): did you mean 'solver.tolerance'?");
}

TEST_F(DeckTest, RepeatedKeyNamesBothPlaces) {
  EXPECT_EQ(error_of({"--seed", "1", "--seed=2"}), "repeated key 'seed' (command line and command line): give it once");
  write_deck("seed = 1\nseed = 1\n");
  EXPECT_EQ(error_of({"--config", path}), "repeated key 'seed' (" + path + ":1 and " + path + ":2): give it once");
}

TEST_F(DeckTest, BadValueNamesKeyValuePlaceAndType) {
  write_deck("[solver]\ntolerance = small\n");
  EXPECT_EQ(error_of({"--config", path}), "bad value 'small' for key 'solver.tolerance' (" + path + ":2): expected a number");
  EXPECT_EQ(error_of({"--seed", "-1"}), "bad value '-1' for key 'seed' (command line): expected a whole number, zero or more");
  EXPECT_EQ(error_of({"--solver.max_iterations", "2.5"}),
            "bad value '2.5' for key 'solver.max_iterations' (command line): expected a whole number");
  EXPECT_EQ(error_of({"--solver.reuse", "perhaps"}), "bad value 'perhaps' for key 'solver.reuse' (command line): expected true or false");
}

TEST_F(DeckTest, MalformedInputIsAnError) {
  EXPECT_EQ(error_of({"deck.ini"}), "unexpected argument 'deck.ini' (options are written --key value): see --help for all keys");
  EXPECT_EQ(error_of({"--seed"}), "key 'seed' has no value (command line): write --seed <value>");
  EXPECT_EQ(error_of({"--config", "absent.ini"}), "cannot read deck 'absent.ini' (no such file): check --config");
  write_deck("[solver\n");
  EXPECT_EQ(error_of({"--config", path}), "bad section in " + path + ":1 ([solver): write [section] alone on its line");
  write_deck("seed 3\n");
  EXPECT_EQ(error_of({"--config", path}), "bad line in " + path + ":1 (seed 3): write key = value");
}

TEST_F(DeckTest, ResolvedTextParsesToTheSameValues) {
  parse({"--solver.tolerance", "0.1234567890123456789", "--solver.damping", "0.3", "--solver.cases", " \"a\" # b\nc\\d ", "--seed",
         "18446744073709551615", "--solver.reuse", "off", "--verbose"});
  const SolverOptions first = options;
  const std::string text = parse({"--solver.tolerance", "0.1234567890123456789", "--solver.damping", "0.3", "--solver.cases",
                                  " \"a\" # b\nc\\d ", "--seed", "18446744073709551615", "--solver.reuse", "off", "--verbose"})
                               .resolved();
  write_deck(text);
  options = {};
  const Deck again = parse({"--config", path});
  EXPECT_EQ(again.resolved(), text);
  EXPECT_EQ(options.tolerance, first.tolerance);
  EXPECT_EQ(options.damping, first.damping);
  EXPECT_EQ(options.cases, " \"a\" # b\nc\\d ");
  EXPECT_EQ(options.seed, 18446744073709551615u);
  EXPECT_FALSE(options.reuse);
  EXPECT_TRUE(options.verbose);
}

TEST_F(DeckTest, ResolvedTextIsSortedAndShort) {
  EXPECT_EQ(parse({"--solver.tolerance", "0.1"}).resolved(),
            "seed = 1\nverbose = false\n\n[solver]\ncases = ieee13, ieee34\ndamping = 0.1\nmax_iterations = 30\nreuse = true\n"
            "tolerance = 0.1\n");
}

}  // namespace
}  // namespace gridfed

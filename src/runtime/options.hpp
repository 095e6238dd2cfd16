#pragma once

#include "runtime/error.hpp"

#include <boost/program_options.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gridfed {

namespace po = boost::program_options;

/// The options of a run: `[section] key = value` of a deck file, overridden by `--section.key value`. Modules declare their keys with
///   void declare(po::options_description& deck, XOptions& options);
/// and find their struct filled after parse. Keys that are unknown, repeated or abbreviated, and values of the wrong type, are Errors.
class Deck {
 public:
  /// Reads the command line and the file that its --config names (if the schema has that key), and fills the declared variables.
  static Deck parse(int argc, const char* const* argv, const po::options_description& schema);

  /// All values as INI text, sections sorted; parsing it again gives the same values. Keys in `without` are left out.
  std::string resolved(const std::vector<std::string>& without = {"help", "config", "dry-run"}) const;
  /// True if the deck or the command line gives the key.
  bool given(const std::string& key) const { return given_.contains(key); }
  /// Where a value comes from, for messages: "deck.ini:12", "command line" or "default".
  std::string origin(const std::string& key) const;

 private:
  struct Given {
    std::string text;
    std::string origin;
  };
  std::map<std::string, Given> given_;
  std::map<std::string, std::string> resolved_;  // every key of the schema that has a value
};

/// Words by distance: the candidate that a mistyped word most likely meant; empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace gridfed

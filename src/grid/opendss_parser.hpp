#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gridfed::opendss {

/// What a script line does wrong and how to mend it; whoever knows the file and line turns it into an Error.
struct ScriptError {
  std::string problem, remedy;
};

/// The right-hand side of an argument, a piece of the line that is read. Quoted ("" '' () [] {}) numbers are in-line math in reverse Polish
/// notation: (8 1000 /).
struct Value {
  std::string_view text;
  bool quoted = false;

  double number() const;  ///< throws ScriptError, as the others do
  int integer() const;
  bool truth() const;                ///< yes, true, no, false and their first letters
  std::string word() const;          ///< lower case
  std::vector<Value> items() const;  ///< of an array, rows of a matrix run together
  std::vector<double> numbers() const;
  std::vector<std::string> words() const;         ///< lower case
  std::vector<std::vector<double>> rows() const;  ///< of a matrix, separated by |
};

/// `name=value`, or a positional value without name.
struct Argument {
  std::string name;  ///< lower case
  Value value;
};

/// Splits a command line, which must outlive them, into arguments up to its end or a comment (! or //).
std::vector<Argument> split_arguments(std::string_view line);

/// Value of an expression in reverse Polish notation; trigonometric functions take and give degrees.
double evaluate_rpn(std::string_view expression);

std::string lower_case(std::string_view text);

/// The entry of `names` that an abbreviation means: equal, or else the first in order that begins with it. -1 if none.
int find_abbreviated(const std::vector<std::string_view>& names, std::string_view abbreviation);

/// The entry of `names` that a misspelt word most resembles; empty if there are none.
std::string_view nearest(const std::vector<std::string_view>& names, std::string_view word);

/// "a, b, c".
std::string listed(const std::vector<std::string_view>& names);

}  // namespace gridfed::opendss

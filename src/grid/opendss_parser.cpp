#include "grid/opendss_parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>

namespace gridfed::opendss {
namespace {

constexpr std::string_view open_quotes = "(\"'[{", close_quotes = ")\"']}";

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f';
}

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Reads one token after the other; `bar` says whether | ends one as white space, comma and the equals sign do.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text, bool bar = false) : text_(text), bar_(bar) { skip_space(); }

  bool at_end() const { return position_ >= text_.size() || at_comment(); }

  /// The next token; `delimiter` tells what ended it: one of the delimiters, or a blank.
  Value next(char& delimiter) {
    Value value;
    const auto quote = open_quotes.find(text_[position_]);
    if (quote != std::string_view::npos) {
      const auto end = text_.find(close_quotes[quote], position_ + 1);
      if (end == std::string_view::npos)
        throw ScriptError{fmt::format("a quote opened by {} is never closed", text_[position_]),
                          fmt::format("add {}", close_quotes[quote])};
      value = {text_.substr(position_ + 1, end - position_ - 1), true};
      position_ = end + 1;
    } else {
      const auto begin = position_;
      while (position_ < text_.size() && !is_space(text_[position_]) && !is_delimiter() && !at_comment()) ++position_;
      value.text = text_.substr(begin, position_ - begin);
    }
    delimiter = ' ';
    skip_space();
    if (position_ < text_.size() && is_delimiter()) {
      delimiter = text_[position_++];
      skip_space();
    }
    return value;
  }

 private:
  bool is_delimiter() const {
    const char c = text_[position_];
    return c == ',' || c == '=' || (bar_ && c == '|');
  }
  bool at_comment() const {
    const char c = text_[position_];
    return c == '!' || (c == '/' && position_ + 1 < text_.size() && text_[position_ + 1] == '/');
  }
  void skip_space() {
    while (position_ < text_.size() && is_space(text_[position_])) ++position_;
  }

  std::string_view text_;
  bool bar_;
  std::size_t position_ = 0;
};

std::optional<double> parse_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string word(text);
  for (char& c : word) c = lower(c);
  return word;
}

std::vector<Argument> split_arguments(std::string_view line) {
  std::vector<Argument> arguments;
  arguments.reserve(16);
  Tokenizer tokens(line);
  while (!tokens.at_end()) {
    char delimiter = ' ';
    Value token = tokens.next(delimiter);
    Argument argument;
    if (delimiter == '=') {
      argument.name = lower_case(token.text);
      if (!tokens.at_end()) argument.value = tokens.next(delimiter);
    } else {
      argument.value = std::move(token);
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

double evaluate_rpn(std::string_view expression) {
  const std::string remedy = "write reverse Polish notation such as (8 1000 /)";
  constexpr double degree = std::numbers::pi / 180;
  std::vector<double> stack;
  const auto pop = [&] {
    if (stack.empty()) throw ScriptError{fmt::format("'{}' lacks an operand", expression), remedy};
    const double top = stack.back();
    stack.pop_back();
    return top;
  };
  Tokenizer tokens(expression);
  while (!tokens.at_end()) {
    char delimiter = ' ';
    const std::string token = tokens.next(delimiter).word();
    if (const auto number = parse_number(token)) {
      stack.push_back(*number);
      continue;
    }
    if (token == "pi") {
      stack.push_back(std::numbers::pi);
    } else if (token == "rollup" && !stack.empty()) {
      std::rotate(stack.begin(), stack.end() - 1, stack.end());
    } else if (token == "rolldn" && !stack.empty()) {
      std::rotate(stack.begin(), stack.begin() + 1, stack.end());
    } else if (token == "+" || token == "-" || token == "*" || token == "/" || token == "^" || token == "atan2" || token == "swap") {
      const double x = pop(), y = pop();
      if (token == "+") stack.push_back(y + x);
      if (token == "-") stack.push_back(y - x);
      if (token == "*") stack.push_back(y * x);
      if (token == "/") stack.push_back(y / x);
      if (token == "^") stack.push_back(std::pow(y, x));
      if (token == "atan2") stack.push_back(std::atan2(y, x) / degree);
      if (token == "swap") stack.insert(stack.end(), {x, y});
    } else {
      struct Function {
        std::string_view name;
        double (*apply)(double);
      };
      static constexpr Function functions[] = {
          {"sqr", [](double x) { return x * x; }},
          {"sqrt", [](double x) { return std::sqrt(x); }},
          {"inv", [](double x) { return 1 / x; }},
          {"ln", [](double x) { return std::log(x); }},
          {"exp", [](double x) { return std::exp(x); }},
          {"log10", [](double x) { return std::log10(x); }},
          {"sin", [](double x) { return std::sin(x * degree); }},
          {"cos", [](double x) { return std::cos(x * degree); }},
          {"tan", [](double x) { return std::tan(x * degree); }},
          {"asin", [](double x) { return std::asin(x) / degree; }},
          {"acos", [](double x) { return std::acos(x) / degree; }},
          {"atan", [](double x) { return std::atan(x) / degree; }},
      };
      const auto function = std::find_if(std::begin(functions), std::end(functions), [&](const Function& f) { return f.name == token; });
      if (function == std::end(functions)) throw ScriptError{fmt::format("'{}' is not a number", token), "give a number, or " + remedy};
      stack.push_back(function->apply(pop()));
    }
  }
  const double result = pop();
  if (!std::isfinite(result)) throw ScriptError{fmt::format("'{}' has no finite value", expression), remedy};
  return result;
}

double Value::number() const {
  if (const auto plain = parse_number(text)) return *plain;
  if (quoted) return evaluate_rpn(text);
  throw ScriptError{fmt::format("'{}' is not a number", text), "give a number, or in-line math such as (8 1000 /)"};
}

int Value::integer() const {
  const double value = number();
  if (std::abs(value) > 1e9 || value != std::round(value))
    throw ScriptError{fmt::format("'{}' is not a whole number", text), "give a whole number"};
  return static_cast<int>(value);
}

bool Value::truth() const {
  const std::string lower = word();
  if (!lower.empty() && std::string_view("yt1").find(lower[0]) != std::string_view::npos) return true;
  if (!lower.empty() && std::string_view("nf0").find(lower[0]) != std::string_view::npos) return false;
  throw ScriptError{fmt::format("'{}' is neither yes nor no", text), "write yes or no"};
}

std::string Value::word() const {
  return lower_case(text);
}

std::vector<Value> Value::items() const {
  std::vector<Value> result;
  Tokenizer tokens(text, true);
  char delimiter = ' ';
  while (!tokens.at_end()) result.push_back(tokens.next(delimiter));
  return result;
}

std::vector<double> Value::numbers() const {
  std::vector<double> result;
  for (const Value& item : items()) result.push_back(item.number());
  return result;
}

std::vector<std::string> Value::words() const {
  std::vector<std::string> result;
  for (const Value& item : items()) result.push_back(item.word());
  return result;
}

std::vector<std::vector<double>> Value::rows() const {
  std::vector<std::vector<double>> result(1);
  Tokenizer tokens(text, true);
  while (!tokens.at_end()) {
    char delimiter = ' ';
    const Value token = tokens.next(delimiter);
    result.back().push_back(token.number());
    if (delimiter == '|' && !tokens.at_end()) result.emplace_back();
  }
  return result;
}

int find_abbreviated(const std::vector<std::string_view>& names, std::string_view abbreviation) {
  const auto begins_with = [&](std::string_view name) {
    return name.size() >= abbreviation.size() &&
           std::equal(abbreviation.begin(), abbreviation.end(), name.begin(), [&](char a, char b) { return lower(a) == lower(b); });
  };
  int first_prefix = -1;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!begins_with(names[i])) continue;
    if (names[i].size() == abbreviation.size()) return static_cast<int>(i);
    if (first_prefix < 0 && !abbreviation.empty()) first_prefix = static_cast<int>(i);
  }
  return first_prefix;
}

std::string_view nearest(const std::vector<std::string_view>& names, std::string_view word) {
  const std::string wanted = lower_case(word.substr(0, 64));  // no name is longer
  std::string_view best;
  std::size_t best_distance = 0;
  for (const std::string_view candidate : names) {
    // Levenshtein distance, one row of the table at a time.
    const std::string name = lower_case(candidate);
    std::vector<std::size_t> row(wanted.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j <= wanted.size(); ++j) {
        const std::size_t substituted = diagonal + (name[i - 1] != wanted[j - 1]);
        diagonal = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
      }
    }
    if (best.empty() || row.back() < best_distance) {
      best = candidate;
      best_distance = row.back();
    }
  }
  return best;
}

std::string listed(const std::vector<std::string_view>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace gridfed::opendss

#include "grid/matpower_parser.hpp"

#include "runtime/error.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <utility>

namespace gridfed::matpower {

namespace {

using Value = Eigen::MatrixXd;  // a scalar is 1 x 1

/// Names of the columns that idx_bus, idx_gen and idx_brch define, from 1.
const std::map<std::string_view, int> column_numbers{
    {"BUS_I", 1},  {"BUS_TYPE", 2}, {"PD", 3},       {"QD", 4},    {"GS", 5},     {"BS", 6},        {"BUS_AREA", 7},
    {"VM", 8},     {"VA", 9},       {"BASE_KV", 10}, {"ZONE", 11}, {"VMAX", 12},  {"VMIN", 13},     {"GEN_BUS", 1},
    {"PG", 2},     {"QG", 3},       {"QMAX", 4},     {"QMIN", 5},  {"VG", 6},     {"MBASE", 7},     {"GEN_STATUS", 8},
    {"PMAX", 9},   {"PMIN", 10},    {"F_BUS", 1},    {"T_BUS", 2}, {"BR_R", 3},   {"BR_X", 4},      {"BR_B", 5},
    {"RATE_A", 6}, {"RATE_B", 7},   {"RATE_C", 8},   {"TAP", 9},   {"SHIFT", 10}, {"BR_STATUS", 11}};

class CaseParser {
 public:
  CaseParser(const std::string& file, std::string_view text) : file_(file), text_(text) {}

  CaseTables parse() {
    while (skip_between_statements()) statement();
    if (!(tables_.base_mva > 0) || !std::isfinite(tables_.base_mva)) fail("baseMVA is missing or not positive: add mpc.baseMVA = 100;");
    for (const auto& [name, table] : {std::pair{"bus", &tables_.bus}, {"gen", &tables_.gen}, {"branch", &tables_.branch}}) {
      if (table->empty() && std::string_view(name) != "branch")
        fail(fmt::format("table '{}' is missing or empty: add mpc.{} = [...];", name, name));
    }
    return std::move(tables_);
  }

 private:
  [[noreturn]] void fail(const std::string& message) const { throw Error("{}:{}: {}", file_, line_, message); }

  bool at_end() const { return position_ >= text_.size(); }
  char peek(std::size_t ahead = 0) const { return position_ + ahead < text_.size() ? text_[position_ + ahead] : '\0'; }
  void advance() {
    if (text_[position_++] == '\n') ++line_;
  }
  void skip_line() {
    while (!at_end() && peek() != '\n') advance();
  }

  /// Blanks, comments and continuations; newlines only on request.
  void skip_blank(bool newlines) {
    while (!at_end()) {
      if (peek() == '%' || peek() == '#') {
        if (peek(1) == '{' && alone_on_line()) {
          skip_block_comment();
        } else {
          skip_line();
        }
      } else if (peek() == '.' && peek(1) == '.' && peek(2) == '.') {
        skip_line();
        if (!at_end()) advance();
      } else if (peek() == '\n' ? newlines : std::isspace(static_cast<unsigned char>(peek())) != 0) {
        advance();
      } else {
        return;
      }
    }
  }

  bool alone_on_line() const {
    std::size_t before = position_;
    while (before > 0 && text_[before - 1] != '\n') {
      if (!std::isspace(static_cast<unsigned char>(text_[--before]))) return false;
    }
    return true;
  }

  void skip_block_comment() {
    const int opened = line_;
    int depth = 0;
    do {
      if (at_end()) {
        line_ = opened;
        fail("the comment that begins here does not end: add a line %}");
      }
      std::size_t end = text_.find('\n', position_);
      if (end == std::string::npos) end = text_.size();
      std::string_view content(text_.data() + position_, end - position_);
      while (!content.empty() && std::isspace(static_cast<unsigned char>(content.front()))) content.remove_prefix(1);
      while (!content.empty() && std::isspace(static_cast<unsigned char>(content.back()))) content.remove_suffix(1);
      if (content == "%{" || content == "#{") ++depth;
      if (content == "%}" || content == "#}") --depth;
      skip_line();
      if (!at_end()) advance();
    } while (depth > 0);
  }

  bool skip_between_statements() {
    skip_blank(true);
    while (peek() == ';' || peek() == ',') {
      advance();
      skip_blank(true);
    }
    return !at_end();
  }

  std::string identifier() {
    std::string name;
    while (std::isalnum(static_cast<unsigned char>(peek())) || peek() == '_' || peek() == '.') {
      if (peek() == '.' && peek(1) == '.') break;
      name += peek();
      advance();
    }
    return name;
  }

  void statement() {
    if (peek() == '[') return skip_column_names();
    const std::string name = identifier();
    if (name == "function") return skip_line();
    if (name == "return" || name == "end" || name == "endfunction" || name == "define_constants") return;
    if (name == "if") return condition();
    const std::string field = field_of(name);
    Table* whole = table_named(field);
    skip_blank(false);
    if (whole && peek() == '(') {
      const auto [rows, columns] = index(*whole, field);
      expect_assignment(name);
      store(expression(), *whole, rows, columns);
    } else {
      expect_assignment(name);
      if (whole) {
        *whole = table(field, whole == &tables_.bus ? 13 : whole == &tables_.gen ? 8 : 11);
      } else if (field == "baseMVA") {
        tables_.base_mva = scalar(expression());
      } else if (field == name) {  // a variable of the file's own; fields of the case that are not known have no meaning here
        if (peek() == '[' || peek() == '{' || peek() == '\'' || peek() == '"') return skip_value();
        variables_[name] = expression();
      } else {
        return skip_value();
      }
    }
    skip_blank(false);
    if (!at_end() && peek() != ';' && peek() != ',' && peek() != '\n')
      fail(fmt::format("'{}' follows the value of {}: only arithmetic is carried out", peek(), name));
  }

  /// What follows is carried out up to its `end`, or else skipped up to it.
  void condition() {
    if (scalar(expression()) != 0) return;
    const int opened = line_;
    for (int depth = 1; depth > 0;) {
      if (!skip_between_statements()) {
        line_ = opened;
        fail("the block that begins here does not end: add a line end");
      }
      const std::string name = identifier();
      if (name == "if") ++depth;
      if (name == "end") --depth;
      if (name == "else" || name == "elseif") fail("'else' is not carried out: write the outcome");
      if (depth > 0) skip_line();
    }
  }

  /// [PQ, PV, REF, ...] = idx_bus; names the columns, which have their names here anyway.
  void skip_column_names() {
    while (!at_end() && peek() != ']') {
      advance();
      skip_blank(true);
    }
    if (!at_end()) advance();
    skip_blank(false);
    if (peek() == '=') advance();
    skip_blank(false);
    if (!identifier().starts_with("idx_")) fail("this statement is not understood: only assignments are carried out");
  }

  void expect_assignment(const std::string& name) {
    skip_blank(false);
    if (name.empty() || peek() != '=' || peek(1) == '=')
      fail(fmt::format("the statement that begins with '{}' is not understood: only assignments are carried out",
                       name.empty() ? std::string(1, peek()) : name));
    advance();
    skip_blank(false);
  }

  static std::string field_of(const std::string& name) {
    return name.substr(name.find('.') + 1);
  }  // npos + 1 == 0: version 1 has no struct
  Table* table_named(std::string_view field) {
    return field == "bus" ? &tables_.bus : field == "gen" ? &tables_.gen : field == "branch" ? &tables_.branch : nullptr;
  }

  struct Index {
    std::vector<std::size_t> rows, columns;
  };

  /// "(:, PD)", "(:, [PD QD])" or "(1, BASE_KV)".
  Index index(const Table& table, const std::string& name) {
    Index index;
    advance();
    for (auto* list : {&index.rows, &index.columns}) {
      const bool is_row = list == &index.rows;
      const std::size_t size = is_row ? table.size() : table.empty() ? 0 : table[0].values.size();
      skip_blank(false);
      const bool several = peek() == '[';
      if (several) advance();
      do {
        skip_blank(false);
        if (peek() == ':') {
          advance();
          for (std::size_t i = 0; i < size; ++i) list->push_back(i);
        } else {
          for (const double number : numbers()) {
            if (!(number >= 1 && number <= static_cast<double>(size)) || number != std::floor(number))
              fail(fmt::format("{} is not a {} of '{}', which has {}", number, is_row ? "row" : "column", name, size));
            list->push_back(static_cast<std::size_t>(number) - 1);
          }
        }
        skip_blank(false);
        if (several && peek() == ',') advance();
        skip_blank(false);
      } while (several && !at_end() && peek() != ']');
      if (several) expect(']');
      expect(is_row ? ',' : ')');
    }
    return index;
  }

  /// A number, the name of a column, or a variable's numbers.
  std::vector<double> numbers() {
    if (!std::isalpha(static_cast<unsigned char>(peek()))) return {literal()};
    const std::string name = identifier();
    if (const auto column = column_numbers.find(name); column != column_numbers.end()) return {static_cast<double>(column->second)};
    const auto variable = variables_.find(name);
    if (variable == variables_.end())
      fail(fmt::format("'{}' is neither a variable nor a column: use the names of idx_bus, idx_gen and idx_brch", name));
    return {variable->second.data(), variable->second.data() + variable->second.size()};
  }

  void expect(char wanted) {
    skip_blank(false);
    if (peek() != wanted) fail(fmt::format("'{}' is missing", wanted));
    advance();
  }

  void store(const Value& value, Table& table, const std::vector<std::size_t>& rows, const std::vector<std::size_t>& columns) {
    const bool one = value.size() == 1;
    if (!one && (value.rows() != static_cast<Eigen::Index>(rows.size()) || value.cols() != static_cast<Eigen::Index>(columns.size())))
      fail(fmt::format("{} x {} values do not fit {} x {} places", value.rows(), value.cols(), rows.size(), columns.size()));
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t c = 0; c < columns.size(); ++c)
        table[rows[r]].values[columns[c]] = one ? value(0, 0) : value(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c));
    }
  }

  double scalar(const Value& value) const {
    if (value.size() != 1) fail(fmt::format("{} x {} values stand where one is needed", value.rows(), value.cols()));
    return value(0, 0);
  }

  // Arithmetic. Inside a table a blank ends a value; elsewhere it does not.
  void skip_inside() {
    if (!in_table_) skip_blank(false);
  }

  Value expression() {
    Value left = sum();
    for (skip_inside(); !in_table_ && peek() == '&'; skip_inside()) {
      advance();
      const Value right = sum();
      if (left.rows() != right.rows() || left.cols() != right.cols()) fail("truths of unlike shapes are combined");
      left = left.binaryExpr(right, [](double a, double b) { return a != 0 && b != 0 ? 1.0 : 0.0; });
    }
    return left;
  }

  Value sum() {
    Value left = product();
    for (skip_inside(); peek() == '+' || peek() == '-'; skip_inside()) {
      const bool plus = peek() == '+';
      advance();
      const Value right = product();
      if (left.size() != 1 && right.size() != 1 && (left.rows() != right.rows() || left.cols() != right.cols()))
        fail("values of unlike shapes are added");
      const auto spread = [&](const Value& v) -> Value {
        return v.size() == 1 ? Value::Constant(std::max(left.rows(), right.rows()), std::max(left.cols(), right.cols()), v(0, 0)) : v;
      };
      const Value a = spread(left), b = spread(right);
      left = plus ? Value(a + b) : Value(a - b);
    }
    return left;
  }

  Value product() {
    Value left = power();
    for (skip_inside(); peek() == '*' || peek() == '/' || (peek() == '.' && (peek(1) == '*' || peek(1) == '/')); skip_inside()) {
      if (peek() == '.') advance();
      const bool times = peek() == '*';
      advance();
      const Value right = power();
      if (right.size() == 1) {
        left = times ? Value(left * right(0, 0)) : Value(left / right(0, 0));
      } else if (times && left.size() == 1) {
        left = left(0, 0) * right;
      } else {
        fail("two tables are multiplied or divided, which is not carried out: write the result");
      }
    }
    return left;
  }

  Value power() {
    Value base = primary();
    skip_inside();
    if (peek() != '^') return base;
    advance();
    return Value::Constant(1, 1, std::pow(scalar(base), scalar(primary())));
  }

  Value primary() {
    constexpr int deepest = 100;
    skip_inside();
    const char c = peek();
    if (c == '-' || c == '+') {
      advance();
      if (in_table_ && std::isspace(static_cast<unsigned char>(peek())))
        fail(fmt::format("'{}' is not a number: leave no blank behind a sign", c));
      if (++depth_ > deepest) fail("an expression is nested too deeply");
      const Value value = power();
      --depth_;
      return c == '-' ? Value(-value) : value;
    }
    if (c == '(') {
      advance();
      if (++depth_ > deepest) fail("an expression is nested too deeply");
      const Value value = expression();
      --depth_;
      expect(')');
      return value;
    }
    return std::isalpha(static_cast<unsigned char>(c)) ? named() : Value::Constant(1, 1, literal());
  }

  /// A constant, a function of a scalar, a variable, or a part of a table.
  Value named() {
    const std::string name = identifier();
    const auto one = [](double value) -> Value { return Value::Constant(1, 1, value); };
    if (name == "Inf" || name == "inf") return one(std::numeric_limits<double>::infinity());
    if (name == "pi") return one(std::numbers::pi);
    static const std::map<std::string_view, double (*)(double)> functions{{"sqrt", std::sqrt}, {"sin", std::sin},   {"cos", std::cos},
                                                                          {"tan", std::tan},   {"acos", std::acos}, {"abs", std::fabs}};
    if (const auto function = functions.find(name); function != functions.end() && peek() == '(')
      return one(function->second(scalar(primary())));
    if ((name == "isinf" || name == "find") && peek() == '(') {
      const Value of = primary();
      if (name == "isinf") return of.unaryExpr([](double value) { return std::isinf(value) ? 1.0 : 0.0; });
      std::vector<double> places;
      for (Eigen::Index i = 0; i < of.size(); ++i)
        if (of(i) != 0) places.push_back(static_cast<double>(i + 1));
      return Eigen::Map<Eigen::VectorXd>(places.data(), static_cast<Eigen::Index>(places.size()));
    }
    if (const auto variable = variables_.find(name); variable != variables_.end()) return variable->second;
    const std::string field = field_of(name);
    if (field == "baseMVA") return one(tables_.base_mva);
    Table* whole = table_named(field);
    if (!whole || peek() != '(') fail(fmt::format("'{}' is not a number, nor the name of one", name));
    const auto [rows, columns] = index(*whole, field);
    Value value(rows.size(), columns.size());
    for (std::size_t r = 0; r < rows.size(); ++r) {
      for (std::size_t c = 0; c < columns.size(); ++c)
        value(static_cast<Eigen::Index>(r), static_cast<Eigen::Index>(c)) = (*whole)[rows[r]].values[columns[c]];
    }
    return value;
  }

  /// Digits, without a sign.
  double literal() {
    const std::size_t begin = position_;
    std::string word;
    while (std::isalnum(static_cast<unsigned char>(peek())) || (peek() == '.' && peek(1) != '*' && peek(1) != '/' && peek(1) != '.') ||
           ((peek() == '+' || peek() == '-') && !word.empty() && (word.back() == 'e' || word.back() == 'E'))) {
      word += peek();
      advance();
    }
    double value = 0;
    const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (word.empty() || problem != std::errc() || end != word.data() + word.size())
      fail(fmt::format("'{}' is not a number", text_.substr(begin, std::max<std::size_t>(position_ - begin, 1))));
    return value;
  }

  double element() {
    in_table_ = true;
    const double value = scalar(expression());
    in_table_ = false;
    if (std::isnan(value)) fail("a value is not a number");
    return value;
  }

  Table table(const std::string& name, std::size_t least_columns) {
    if (peek() != '[') fail(fmt::format("table '{}' does not begin with '[': write it as [ row; row; ... ]", name));
    const int opened = line_;
    advance();
    Table rows;
    Row row;
    const auto finish = [&] {
      if (row.values.empty()) return;
      if (row.values.size() < least_columns || (!rows.empty() && row.values.size() != rows[0].values.size())) {
        line_ = row.line;
        fail(fmt::format("this row of '{}' has {} columns: it needs {}", name, row.values.size(),
                         rows.empty() ? fmt::format("at least {}", least_columns) : fmt::format("{} as the first", rows[0].values.size())));
      }
      rows.push_back(std::exchange(row, {}));
    };
    while (true) {
      skip_blank(false);
      if (at_end()) {
        line_ = opened;
        fail(fmt::format("table '{}' begins here and does not end: add '];'", name));
      }
      if (peek() == ']') break;
      if (peek() == ';' || peek() == '\n') {
        finish();
        advance();
      } else if (peek() == ',') {
        advance();
      } else {
        if (row.values.empty()) row.line = line_;
        row.values.push_back(element());
      }
    }
    finish();
    advance();
    return rows;
  }

  /// A value without meaning here: up to the end of the statement, whatever brackets and quoted texts it has.
  void skip_value() {
    int depth = 0;
    char before = '=';
    while (!at_end()) {
      skip_blank(depth > 0);
      const char c = peek();
      if (at_end() || (depth == 0 && (c == '\n' || c == ';' || c == ','))) return;
      const bool opens_text =
          c == '"' || (c == '\'' && !std::isalnum(static_cast<unsigned char>(before)) && before != ']' && before != ')');
      if (opens_text) {
        advance();
        while (!at_end() && peek() != '\n' && (peek() != c || peek(1) == c)) {
          if (peek() == c) advance();
          advance();
        }
        if (peek() != c) fail("this text does not end on its line: close the quotes");
      }
      if (c == '[' || c == '{' || c == '(') ++depth;
      if (c == ']' || c == '}' || c == ')') --depth;
      before = c;
      advance();
    }
  }

  std::string file_;
  std::string_view text_;
  std::map<std::string, Value, std::less<>> variables_;
  bool in_table_ = false;
  int depth_ = 0;
  std::size_t position_ = 0;
  int line_ = 1;
  CaseTables tables_;
};

}  // namespace

CaseTables parse_case(const std::string& file, std::string_view text) {
  return CaseParser(file, text).parse();
}

}  // namespace gridfed::matpower

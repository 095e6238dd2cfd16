#include "runtime/options.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <optional>
#include <set>
#include <sstream>
#include <typeindex>

namespace gridfed {

namespace {

struct Entry {
  std::string key, text, origin;
};

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

/// Value of an INI line: up to a '#' that follows a space, or a quoted text with \n, \" and \\.
std::string unquoted(const std::string& value, const std::string& origin) {
  if (!value.starts_with('"')) {
    if (value.starts_with('#')) return "";
    const auto comment = std::min(value.find(" #"), value.find("\t#"));
    return trimmed(value.substr(0, comment));
  }
  std::string text;
  for (std::size_t i = 1; i < value.size(); ++i) {
    if (value[i] == '"') {
      const std::string rest = trimmed(value.substr(i + 1));
      if (rest.empty() || rest.starts_with('#')) return text;
      break;
    }
    if (value[i] == '\\' && i + 1 < value.size()) {
      ++i;
      text += value[i] == 'n' ? '\n' : value[i];
    } else {
      text += value[i];
    }
  }
  throw Error("bad quotes in {} ({}): close the quotes and put nothing after them", origin, value);
}

std::string quoted(const std::string& text) {
  const bool plain = text == trimmed(text) && !text.starts_with('"') && !text.starts_with('#') && text.find(" #") == std::string::npos &&
                     text.find("\t#") == std::string::npos && text.find('\n') == std::string::npos;
  if (plain) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  out += '"';
  return out;
}

std::vector<Entry> read_deck(const std::string& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) throw Error("cannot read deck '{}' (no such file): check --config", path);
  std::vector<Entry> entries;
  std::string line, section;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string text = trimmed(line);
    const std::string origin = fmt::format("{}:{}", path, number);
    if (text.empty() || text[0] == '#' || text[0] == ';') continue;
    if (text[0] == '[') {
      const auto end = text.find(']');
      const std::string rest = end == std::string::npos ? "" : trimmed(text.substr(end + 1));
      if (end == std::string::npos || !(rest.empty() || rest.starts_with('#')))
        throw Error("bad section in {} ({}): write [section] alone on its line", origin, text);
      section = trimmed(text.substr(1, end - 1));
      continue;
    }
    const auto equals = text.find('=');
    if (equals == std::string::npos) throw Error("bad line in {} ({}): write key = value", origin, text);
    const std::string key = trimmed(text.substr(0, equals));
    entries.push_back(
        {section.empty() ? key : fmt::format("{}.{}", section, key), unquoted(trimmed(text.substr(equals + 1)), origin), origin});
  }
  return entries;
}

std::vector<std::string> keys_of(const po::options_description& schema) {
  std::vector<std::string> keys;
  for (const auto& option : schema.options()) keys.push_back(option->long_name());
  return keys;
}

const po::option_description& find_option(const po::options_description& schema, const std::string& key, const std::string& origin) {
  const po::option_description* option = schema.find_nothrow(key, false);
  if (option) return *option;
  const std::string near = nearest(key, keys_of(schema));
  throw Error("unknown key '{}' ({}): {}", key, origin, near.empty() ? "see --help for all keys" : fmt::format("did you mean '{}'?", near));
}

std::vector<Entry> read_arguments(int argc, const char* const* argv, const po::options_description& schema) {
  std::vector<Entry> entries;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (!word.starts_with("--") || word.size() < 3)
      throw Error("unexpected argument '{}' (options are written --key value): see --help for all keys", word);
    const auto equals = word.find('=');
    Entry entry{word.substr(2, equals == std::string::npos ? equals : equals - 2), "", "command line"};
    const auto& option = find_option(schema, entry.key, entry.origin);
    if (equals != std::string::npos) {
      entry.text = word.substr(equals + 1);
    } else if (option.semantic()->max_tokens() == 0) {
      entry.text = "true";
    } else if (i + 1 < argc && !std::string_view(argv[i + 1]).starts_with("--")) {
      entry.text = argv[++i];
    } else {
      throw Error("key '{}' has no value (command line): write --{} <value>", entry.key, entry.key);
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

const std::type_info* type_of(const po::option_description& option) {
  const auto* typed = dynamic_cast<const po::typed_value_base*>(option.semantic().get());
  return typed ? &typed->value_type() : nullptr;
}

template <class... Types>
bool is_one_of(const std::type_info* type) {
  return type && ((*type == typeid(Types)) || ...);
}

std::string expected(const po::option_description& option) {
  const std::type_info* type = type_of(option);
  if (is_one_of<double, float>(type)) return "a number";
  if (is_one_of<unsigned, unsigned long, unsigned long long>(type)) return "a whole number, zero or more";
  if (is_one_of<int, long, long long>(type)) return "a whole number";
  if (is_one_of<bool>(type)) return "true or false";
  return "another value: " + option.description();
}

template <class T>
bool append_as(std::string& out, const boost::any& value) {
  const T* held = boost::any_cast<T>(&value);
  if (held) out = fmt::format("{}", *held);  // shortest text that reads back as the same number
  return held != nullptr;
}

/// Text of a value that reads back as the same value; for types unknown here, the text it was given or defaults to.
std::string text_of(const boost::any& value, const po::option_description& option, const std::string* given) {
  std::string out;
  if (append_as<double>(out, value) || append_as<float>(out, value) || append_as<bool>(out, value) || append_as<int>(out, value) ||
      append_as<unsigned>(out, value) || append_as<long>(out, value) || append_as<unsigned long>(out, value) ||
      append_as<long long>(out, value) || append_as<unsigned long long>(out, value))
    return out;
  if (const auto* text = boost::any_cast<std::string>(&value)) return quoted(*text);
  if (given) return quoted(*given);
  const std::string name = option.format_parameter();  // "[=arg(=implicit)] (=default)"
  const auto start = name.rfind("(=");
  return start == std::string::npos ? "" : quoted(name.substr(start + 2, name.size() - start - 3));
}

/// Levenshtein's distance.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (const auto& candidate : candidates) {
    const bool same_key_elsewhere = candidate.ends_with(fmt::format(".{}", word)) || candidate.starts_with(word);
    const std::size_t distance = same_key_elsewhere ? 1 : edit_distance(word, candidate);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

Deck Deck::parse(int argc, const char* const* argv, const po::options_description& schema) {
  Deck deck;
  const auto keep = [&](std::vector<Entry> entries) {
    std::map<std::string, std::string> seen;
    for (auto& entry : entries) {
      find_option(schema, entry.key, entry.origin);
      const auto [first, is_new] = seen.emplace(entry.key, entry.origin);
      if (!is_new) throw Error("repeated key '{}' ({} and {}): give it once", entry.key, first->second, entry.origin);
      deck.given_.try_emplace(entry.key, Given{std::move(entry.text), std::move(entry.origin)});
    }
  };
  keep(read_arguments(argc, argv, schema));  // first, so it wins
  if (const auto config = deck.given_.find("config"); config != deck.given_.end()) keep(read_deck(config->second.text));

  po::variables_map values;
  for (const auto& [key, given] : deck.given_) {
    const auto& option = find_option(schema, key, given.origin);
    po::parsed_options one(&schema);
    one.options.emplace_back(key, std::vector<std::string>{given.text});
    try {
      // Boost would wrap -1 to the largest unsigned number.
      if (is_one_of<unsigned, unsigned long, unsigned long long>(type_of(option)) && given.text.starts_with('-'))
        throw po::validation_error(po::validation_error::invalid_option_value);
      po::store(one, values);
    } catch (const po::error&) {
      throw Error("bad value '{}' for key '{}' ({}): expected {}", given.text, key, given.origin, expected(option));
    }
  }
  po::store(po::parsed_options(&schema), values);  // defaults of the rest
  try {
    po::notify(values);
  } catch (const po::error& problem) {
    throw Error("the deck is incomplete ({}): give the missing key", problem.what());
  }
  for (const auto& option : schema.options()) {
    const std::string& key = option->long_name();
    if (!values.count(key)) continue;
    const auto given = deck.given_.find(key);
    deck.resolved_[key] = text_of(values[key].value(), *option, given == deck.given_.end() ? nullptr : &given->second.text);
  }
  return deck;
}

std::string Deck::resolved(const std::vector<std::string>& without) const {
  std::map<std::string, std::string> sections;  // "" sorts first: keys of no section come before any [section]
  for (const auto& [key, text] : resolved_) {
    if (std::ranges::find(without, key) != without.end()) continue;
    const auto dot = key.rfind('.');
    const bool sectioned = dot != std::string::npos;
    sections[sectioned ? key.substr(0, dot) : ""] += fmt::format("{} = {}\n", sectioned ? key.substr(dot + 1) : key, text);
  }
  std::string ini;
  for (const auto& [section, lines] : sections) {
    if (!ini.empty()) ini += '\n';
    if (!section.empty()) ini += fmt::format("[{}]\n", section);
    ini += lines;
  }
  return ini;
}

std::string Deck::origin(const std::string& key) const {
  const auto found = given_.find(key);
  return found == given_.end() ? "default" : found->second.origin;
}

}  // namespace gridfed

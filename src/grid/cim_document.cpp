#include "grid/cim_document.hpp"

#include "runtime/error.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>

namespace gridfed::cim {

namespace {

const std::string nothing;

/// Local name: "cim:Conductor.length" -> "Conductor.length".
std::string_view local(std::string_view name) {
  return name.substr(name.find(':') + 1);
}

/// Identifier as all references share it; an enumeration value keeps its name alone.
std::string reference(std::string_view text) {
  if (const auto hash = text.rfind('#'); hash != std::string_view::npos) text.remove_prefix(hash + 1);
  constexpr std::string_view urn = "urn:uuid:";
  if (text.substr(0, urn.size()) == urn) text.remove_prefix(urn.size());
  if (!text.empty() && text.front() == '_') text.remove_prefix(1);
  return std::string(text);
}

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

/// Value of an attribute by its name without namespace, such as rdf:about.
std::string_view attribute_of(const pugi::xml_node& node, std::string_view name) {
  for (const auto& attribute : node.attributes()) {
    if (local(attribute.name()) == name) return attribute.value();
  }
  return {};
}

}  // namespace

std::string Object::name() const {
  return has("name") ? text("name") : id;
}

std::string Object::title() const {
  return has("name") ? fmt::format("{} '{}' ({})", kind, text("name"), id) : fmt::format("{} {}", kind, id);
}

const std::string& Object::text(std::string_view attribute) const {
  for (const auto& [key, value] : attributes) {
    if (key == attribute) return value;
  }
  return nothing;
}

std::string Object::choice(std::string_view attribute) const {
  const std::string& value = text(attribute);
  return value.substr(value.rfind('.') + 1);
}

void Object::fail(const std::string& problem) const {
  throw Error("{}:{}: {} {}", origin.file, origin.line, title(), problem);
}

double Object::number(std::string_view attribute) const {
  const std::string& value = text(attribute);
  if (value.empty()) fail(fmt::format("has no {}: give it one", attribute));
  double result = 0;
  const char* end = value.data() + value.size();
  const auto [stop, problem] = std::from_chars(value.data() + (value[0] == '+'), end, result);
  if (problem != std::errc() || stop != end || !std::isfinite(result))
    fail(fmt::format("has {} '{}': it must be a number", attribute, value));
  return result;
}

double Object::number(std::string_view attribute, double otherwise) const {
  return has(attribute) ? number(attribute) : otherwise;
}

bool Object::flag(std::string_view attribute, bool otherwise) const {
  const std::string& value = text(attribute);
  if (value.empty()) return otherwise;
  if (value == "true" || value == "1") return true;
  if (value != "false" && value != "0") fail(fmt::format("has {} '{}': it must be true or false", attribute, value));
  return false;
}

Document::Document(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw Error("cannot read '{}' (no such file, or no permission): check the path", path.string());
  const std::string text((std::istreambuf_iterator<char>(stream)), {});
  std::vector<std::size_t> ends;  // of lines
  for (std::size_t i = text.find('\n'); i != std::string::npos; i = text.find('\n', i + 1)) ends.push_back(i);
  const auto line_at = [&](std::ptrdiff_t offset) {
    return static_cast<int>(std::lower_bound(ends.begin(), ends.end(), static_cast<std::size_t>(std::max<std::ptrdiff_t>(offset, 0))) -
                            ends.begin()) +
           1;
  };
  pugi::xml_document document;
  const auto result = document.load_buffer(text.data(), text.size());
  if (!result)
    throw Error("{}:{}: this is not well-formed XML ({}): mend the file", path.string(), line_at(result.offset), result.description());
  const pugi::xml_node root = document.document_element();
  if (local(root.name()) != "RDF") throw Error("{}: the outermost element is '{}': a CIM model is an rdf:RDF", path.string(), root.name());
  for (const auto& node : root.children()) {
    if (node.type() != pugi::node_element) continue;
    Object object;
    object.kind = local(node.name());
    object.origin = {path.string(), line_at(node.offset_debug())};
    std::string_view id = attribute_of(node, "about");
    if (id.empty()) id = attribute_of(node, "ID");
    object.id = reference(id);
    for (const auto& child : node.children()) {
      if (child.type() != pugi::node_element) continue;
      const std::string_view full = local(child.name());
      const std::string_view resource = attribute_of(child, "resource");
      std::string value = resource.empty() ? trimmed(child.text().get()) : reference(resource);
      if (!resource.empty()) by_reference_.emplace(value, objects_.size());
      object.attributes.emplace_back(full.substr(full.rfind('.') + 1), std::move(value));
    }
    if (object.id.empty()) object.fail("has neither rdf:about nor rdf:ID: give it one");
    const std::size_t position = objects_.size();
    if (!by_id_.emplace(object.id, position).second) object.fail("is defined twice: remove one");
    by_kind_[object.kind].push_back(position);
    objects_.push_back(std::move(object));
  }
}

std::vector<const Object*> Document::of_kind(std::string_view kind) const {
  std::vector<const Object*> found;
  if (const auto entry = by_kind_.find(kind); entry != by_kind_.end()) {
    for (const std::size_t position : entry->second) found.push_back(&objects_[position]);
  }
  return found;
}

const Object* Document::target(const Object& object, std::string_view attribute) const {
  const std::string& id = object.text(attribute);
  if (id.empty()) return nullptr;
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) object.fail(fmt::format("refers by {} to {}, which the file does not have: add it", attribute, id));
  return &objects_[found->second];
}

const Object& Document::required_target(const Object& object, std::string_view attribute) const {
  const Object* found = target(object, attribute);
  if (!found) object.fail(fmt::format("has no {}: give it one", attribute));
  return *found;
}

std::vector<const Object*> Document::referring(const Object& object, std::string_view kind, std::string_view attribute) const {
  std::vector<std::size_t> positions;
  const auto [begin, end] = by_reference_.equal_range(object.id);
  for (auto entry = begin; entry != end; ++entry) {
    const Object& other = objects_[entry->second];
    if (other.kind == kind && other.text(attribute) == object.id) positions.push_back(entry->second);
  }
  std::sort(positions.begin(), positions.end());
  positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
  std::vector<const Object*> found;
  for (const std::size_t position : positions) found.push_back(&objects_[position]);
  return found;
}

}  // namespace gridfed::cim

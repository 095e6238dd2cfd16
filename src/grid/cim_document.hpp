#pragma once

#include "grid/network_data.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// The Common Information Model as a file has it: objects with attributes and references, no meaning yet.
namespace gridfed::cim {

/// One object of the file, such as an ACLineSegment.
class Object {
 public:
  std::string id;    ///< without "urn:uuid:", "#" and "_"
  std::string kind;  ///< class, without namespace
  Origin origin;

  /// Its IdentifiedObject.name, else its id.
  std::string name() const;
  /// "ACLineSegment 'name' (id)", for messages.
  std::string title() const;
  /// Text or reference of an attribute named without its class ("Conductor.length" is "length"), empty if absent.
  const std::string& text(std::string_view attribute) const;
  bool has(std::string_view attribute) const { return !text(attribute).empty(); }
  /// Part of a reference after the last dot: the value of an enumeration such as SinglePhaseKind.A.
  std::string choice(std::string_view attribute) const;
  double number(std::string_view attribute) const;                    ///< throws Error where it is missing or not a finite number
  double number(std::string_view attribute, double otherwise) const;  ///< `otherwise` where it is missing
  bool flag(std::string_view attribute, bool otherwise) const;
  [[noreturn]] void fail(const std::string& problem) const;

  std::vector<std::pair<std::string, std::string>> attributes;
};

/// All objects of a file, found by id, by class and by what they refer to.
class Document {
 public:
  /// Throws Error for a file that is not RDF/XML of CIM, and for an object defined twice.
  explicit Document(const std::filesystem::path& path);

  const std::vector<Object>& objects() const { return objects_; }
  /// Objects of a class in the order of the file.
  std::vector<const Object*> of_kind(std::string_view kind) const;
  /// What an attribute of an object refers to; nullptr if it has none. Throws Error if the file lacks the target.
  const Object* target(const Object& object, std::string_view attribute) const;
  const Object& required_target(const Object& object, std::string_view attribute) const;
  /// Objects of a class that refer to `object` by `attribute`, in the order of the file.
  std::vector<const Object*> referring(const Object& object, std::string_view kind, std::string_view attribute) const;

 private:
  std::vector<Object> objects_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
  std::map<std::string, std::vector<std::size_t>, std::less<>> by_kind_;
  std::multimap<std::string, std::size_t, std::less<>> by_reference_;  // id that an attribute names -> object
};

}  // namespace gridfed::cim

#include "field/point_map.hpp"

#include "refusals.hpp"

#include <fstream>

namespace gridfed {
namespace {

using dnp3::PointType;

/// A map of these lines, whose messages call it map.csv.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_); }
  ~Folder() { std::filesystem::remove_all(path_); }
  PointMap map(const std::string& text) const {
    std::ofstream(path_ / "map.csv") << text;
    return PointMap(path_ / "map.csv");
  }

 private:
  std::filesystem::path path_ = std::filesystem::temp_directory_path() / ("gridfed_map_" + std::to_string(getpid()));
};

const std::string head = "name, kind, index, class, element, quantity, scale, offset, unit, dead_band, low, high\n";

TEST(PointMap, ScalesAndFindsItsPoints) {
  const auto map = Folder().map(head +
                                "v, analog_input, 7, 2, bus.1.1, voltage, 0.1, 5, kV, 2, -1, 30\n"
                                "# nothing\n"
                                "s, binary_output, 7, 0, line.l, closed, , , , , , \n");
  ASSERT_EQ(map.points().size(), 2u);
  const auto& v = map.points()[0];
  EXPECT_DOUBLE_EQ(v.from_wire(100), 15);
  EXPECT_DOUBLE_EQ(v.to_wire(15), 100);
  EXPECT_TRUE(v.within_limits(30));
  EXPECT_FALSE(v.within_limits(30.1));
  EXPECT_TRUE(map.points()[1].within_limits(1e300));
  EXPECT_EQ(map.find(PointType::binary_output, 7), 1);
  EXPECT_EQ(map.find(PointType::analog_input, 8), -1);
  EXPECT_EQ(map.find(PointType::analog_input, 7 + 65536), -1);
  EXPECT_EQ(map.find("s"), 1);
  EXPECT_EQ(map.point_options()[0].dead_band, 20);  // on the wire
}

TEST(PointMap, EveryFaultNamesItsLine) {
  const Folder folder;
  const auto refused = [&](const std::string& lines, const std::string& text) { return refuses([&] { folder.map(head + lines); }, text); };
  const std::string good = "a, analog_input, 0, 1, feeder, losses, , , , , , \n";
  EXPECT_TRUE(refused(good + "b, analogue, 1, 1, feeder, losses, , , , , , \n", "map.csv:3: kind is 'analogue': it must be one of"));
  EXPECT_TRUE(refused(good + "a, analog_input, 1, 1, feeder, losses, , , , , , \n", "map.csv:3: point 'a' stands twice"));
  EXPECT_TRUE(refused(good + "b, analog_input, 0, 1, feeder, losses, , , , , , \n", "map.csv:3: analog_input 0 is already 'a'"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1, 4, feeder, losses, , , , , , \n", "map.csv:3: class is 4"));
  EXPECT_TRUE(refused(good + "b, analog_input, 70000, 1, feeder, losses, , , , , , \n", "map.csv:3: index is 70000"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1.5, 1, feeder, losses, , , , , , \n", "map.csv:3: index is 1.5"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1, 1, feeder, losses, 0, , , , , \n", "map.csv:3: scale is 0"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1, 1, feeder, losses, , , , -1, , \n", "map.csv:3: dead_band is -1"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1, 1, feeder, losses, , , , , 2, 1\n", "map.csv:3: low is 2 and high 1"));
  EXPECT_TRUE(refused(good + "b, analog_input, 1, 1, feeder, losses, x, , , , , \n", "map.csv:3: scale is 'x'"));
  EXPECT_TRUE(refused(good + ", analog_input, 1, 1, feeder, losses, , , , , , \n", "map.csv:3: the point has no name"));
  EXPECT_TRUE(refused(good + "b, octet_string, 1, 1, feeder, losses, , , , , , \n", "map.csv:3: a octet_string has no events"));
  EXPECT_TRUE(refused("", "maps no point"));
}

}  // namespace
}  // namespace gridfed

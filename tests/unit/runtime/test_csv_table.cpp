#include "runtime/csv_table.hpp"

#include "refusals.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace gridfed {
namespace {

CsvTable table_of(const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / "table.csv";
  std::ofstream(path) << text;
  return CsvTable::read(path, {"name", "length [m]"}, {"since"});
}

TEST(CsvTable, CellsAreFoundByColumnWhateverTheOrder) {
  const auto table = table_of("# a comment\nlength [m], name\n\n 2.5 , \"line a\"\n7,b\r\n");
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table.text(0, "name"), "line a");
  EXPECT_EQ(table.number(0, "length [m]", 0), 2.5);
  EXPECT_EQ(table.number(1, "length [m]", 0), 7);
  EXPECT_EQ(table.text(0, "since"), "");
  EXPECT_FALSE(table.has("since"));
  EXPECT_FALSE(table.number_if(0, "since", 0));
}

TEST(CsvTable, TimesHaveMinutesOrSeconds) {
  using namespace std::chrono;
  const auto table = table_of("name,length [m],since\na,1,2024-02-29 23:59\nb,1,2024-02-29T23:59:30\nc,1,2023-02-29 00:00\n");
  EXPECT_EQ(table.time(0, "since"), sys_days(2024y / 2 / 29) + 23h + 59min);
  EXPECT_EQ(table.time(1, "since"), sys_days(2024y / 2 / 29) + 23h + 59min + 30s);
  EXPECT_TRUE(refuses([&] { table.time(2, "since"); }, "table.csv:4: since is '2023-02-29 00:00': write it as"));
}

TEST(CsvTable, EveryFaultNamesItsLine) {
  EXPECT_TRUE(refuses([] { table_of(""); }, "is empty: its first line names"));
  EXPECT_TRUE(refuses([] { table_of("# only\nname\n"); }, "table.csv:2: column 'length [m]' is missing"));
  EXPECT_TRUE(refuses([] { table_of("name,length [m],colour\n"); }, ":1: unknown column 'colour': known are name"));
  EXPECT_TRUE(refuses([] { table_of("name,name,length [m]\n"); }, "column 'name' stands twice"));
  EXPECT_TRUE(refuses([] { table_of("name,length [m]\na\n"); }, ":2: 1 cells where the first line names 2"));
  const auto table = table_of("name,length [m]\na,far\nb,-1\nc,nan\n");
  EXPECT_TRUE(refuses([&] { table.number(0, "length [m]", 0); }, ":2: length [m] is 'far': write a number"));
  EXPECT_TRUE(refuses([&] { table.number(1, "length [m]", 0); }, ":3: length [m] is -1: it must not be below 0"));
  EXPECT_TRUE(refuses([&] { table.number(2, "length [m]", 0); }, ":4: length [m] is 'nan'"));
  EXPECT_TRUE(refuses([] { CsvTable::read("/no/such.csv", {"a"}); }, "cannot read '/no/such.csv'"));
}

}  // namespace
}  // namespace gridfed

// Load shapes. The values expected are what OpenDSS (C-API 0.14.5) answers to `? loadshape.x.mult`, qmult, hour and interval after the same
// lines.
#include "feeders.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

namespace fs = std::filesystem;
using Values = std::vector<double>;

class OpenDssShapes : public testing::Test {
 protected:
  OpenDssShapes() { fs::create_directories(folder); }
  ~OpenDssShapes() override { fs::remove_all(folder); }

  template <class Number>
  void write_binary(const std::string& name, std::initializer_list<Number> numbers) {
    std::ofstream(folder / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(numbers.begin()), static_cast<std::streamsize>(numbers.size() * sizeof(Number)));
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; }
  NetworkData read(const std::string& text) {
    write("case.dss", "new circuit.test\n" + text);
    return read_opendss(folder / "case.dss");
  }
  LoadShapeData shape(const std::string& properties) { return read("new loadshape.x " + properties).load_shapes.at(0); }
  std::string error_of(const std::string& text) {
    return test::error_of([&] { make_network(read(text)); });
  }

  fs::path folder = fs::temp_directory_path() / ("gridfed_shapes_" + std::to_string(getpid()));
};

TEST_F(OpenDssShapes, InlineValuesIntervalsAndHours) {
  const auto plain = shape("npts=4 minterval=15 mult=[1 2 3 4] qmult=(.5, .6, .7, .8)");
  EXPECT_EQ(plain.interval, 900);
  EXPECT_EQ(plain.active, (Values{1, 2, 3, 4}));
  EXPECT_EQ(plain.reactive, (Values{.5, .6, .7, .8}));
  const auto timed = shape("npts=3 hour=[0 1 5] mult=[1 2 3]");
  EXPECT_EQ(timed.interval, 0);
  EXPECT_EQ(timed.times, (Values{0, 3600, 18000}));
  EXPECT_EQ(shape("npts=2 sinterval=60 pmult=[1 2 3]").active, (Values{1, 2}));
}

TEST_F(OpenDssShapes, FilesOfEveryKind) {
  write("p.csv", "1\n2\r\n3\n\n4");
  write("timed.csv", "0, 1\n1.5, 2\n3, 3\n");
  write("pq.csv", "1, .5\n2, .6\n3, .7\n");
  write("head.csv", "hour, load\n1, 5\n2, +6\n");
  write_binary("p.sng", {1.0f, 2.0f, 0.5f});
  write_binary("p.dbl", {1.0, 2.0, 0.1});
  EXPECT_EQ(shape("npts=4 interval=1 csvfile=P.csv").active, (Values{1, 2, 3, 4}));
  EXPECT_EQ(shape("npts=9 interval=1 mult=(file=p.csv)").active, (Values{1, 2, 3, 4}));
  EXPECT_EQ(shape("npts=3 interval=1 mult=(file=p.csv)").active, (Values{1, 2, 3}));
  EXPECT_EQ(shape("npts=2 mult=(file=head.csv, column=2, header=yes)").active, (Values{5, 6}));
  const auto timed = shape("npts=3 interval=0 csvfile=timed.csv");
  EXPECT_EQ(timed.times, (Values{0, 5400, 10800}));
  EXPECT_EQ(timed.active, (Values{1, 2, 3}));
  const auto both = shape("npts=3 pqcsvfile=pq.csv");
  EXPECT_EQ(both.active, (Values{1, 2, 3}));
  EXPECT_EQ(both.reactive, (Values{.5, .6, .7}));
  EXPECT_EQ(shape("npts=3 interval=1 sngfile=p.sng").active, (Values{1, 2, 0.5}));
  EXPECT_EQ(shape("npts=3 interval=1 mult=(dblfile=p.dbl)").active, (Values{1, 2, 0.1}));
}

TEST_F(OpenDssShapes, ActualPowersAndNormalisation) {
  const auto actual = shape("npts=2 mult=[5 6] qmult=[1 2] useactual=yes");
  EXPECT_TRUE(actual.use_actual);
  EXPECT_EQ(actual.active, (Values{5e3, 6e3}));
  EXPECT_EQ(actual.reactive, (Values{1e3, 2e3}));
  const auto normal = shape("npts=4 mult=[1 -2 3 -4] qmult=[.5 1 1.5 2] useactual=yes action=normalize");
  EXPECT_FALSE(normal.use_actual);
  EXPECT_EQ(normal.active, (Values{.25, -.5, .75, -1}));
  EXPECT_EQ(normal.reactive, (Values{.25, .5, .75, 1}));
  EXPECT_EQ(shape("npts=4 mult=[1 2 3 4] pbase=8 action=normalize").active, (Values{.125, .25, .375, .5}));
}

TEST_F(OpenDssShapes, ElementsNameTheirShapes) {
  const auto data = read(
      "new loadshape.day npts=2 mult=[1 2]\nnew loadshape.year npts=2 mult=[1 2]\n"
      "new load.l bus1=sourcebus daily=Day yearly=year\nnew pvsystem.p bus1=sourcebus duty=day\nnew storage.s bus1=sourcebus "
      "daily=default\n"
      "new generator.g bus1=sourcebus yearly=year\n");
  EXPECT_EQ(data.loads.at(0).shapes.daily, "day");
  EXPECT_EQ(data.loads[0].shapes.yearly, "year");
  EXPECT_EQ(data.solar.at(0).shapes.duty, "day");
  EXPECT_EQ(data.batteries.at(0).shapes.daily, "default");
  ASSERT_EQ(data.load_shapes.size(), 3u);
  EXPECT_EQ(data.load_shapes[2].active.size(), 24u);
  EXPECT_EQ(data.load_shapes[2].active[4], 0.58028);
}

TEST_F(OpenDssShapes, FaultsNameFileAndLine) {
  write("bad.csv", "1\nNaN\n");
  write("word.csv", "1\n2\n3 x\n");
  write("odd.sng", "abc");
  EXPECT_EQ(error_of("\nnew load.l bus1=sourcebus daily=none_such"),
            "case.dss:3: LoadShape 'none_such' is not defined (property 'daily' of Load.l): define the LoadShape first");
  EXPECT_NE(error_of("new loadshape.x npts=2 csvfile=bad.csv").find("bad.csv:2: 'NaN' is not a number"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x npts=3 csvfile=word.csv").find("word.csv:3: 'x' is not a number"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x npts=3 sngfile=odd.sng").find("has 3 bytes"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x npts=3 csvfile=none.csv").find("case.dss:2: there is no file"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x npts=4 mult=[1 2]").find("2 values for npts=4"), std::string::npos);
  EXPECT_EQ(error_of("new loadshape.x npts=2"), "case.dss:2: load shape 'x' has no values: give npts= and mult=");
  EXPECT_NE(error_of("new loadshape.x npts=2 mult=[1 2] qmult=[1]").find("1 values for npts=2"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x mult=[1 2] hour=[3 1]").find("do not rise"), std::string::npos);
  EXPECT_NE(error_of("new loadshape.x mult=[1 2] interval=0").find("2 values at 0 hours"), std::string::npos);
}

}  // namespace
}  // namespace gridfed

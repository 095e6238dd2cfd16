#include "grid/opendss_reader.hpp"

#include "runtime/error.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <numeric>

namespace gridfed {
namespace {

namespace fs = std::filesystem;

/// A folder of scripts that goes when the test ends.
class OpenDssReader : public testing::Test {
 protected:
  OpenDssReader() {
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
  ~OpenDssReader() override { fs::remove_all(folder); }

  void write(const std::string& name, const std::string& text) { std::ofstream(folder / name) << text; }
  NetworkData read(const std::string& text) {
    write("case.dss", text);
    return read_opendss(folder / "case.dss");
  }
  NetworkData read_circuit(const std::string& text) { return read("new circuit.test basekv=12.47\n" + text); }
  std::string error_of(const std::string& text) {
    try {
      read_circuit(text);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  fs::path folder = fs::temp_directory_path() / ("gridfed_opendss_" + std::to_string(getpid()));
};

double relative(Complex a, Complex b) {
  return std::abs(a - b) / std::abs(b);
}

TEST_F(OpenDssReader, DefaultSourceHasTheImpedanceOpenDssGivesIt) {
  const auto data = read("new circuit.test");
  ASSERT_EQ(data.sources.size(), 1u);
  EXPECT_EQ(data.name, "test");
  EXPECT_EQ(data.sources[0].terminal.bus, "sourcebus");
  EXPECT_EQ(data.sources[0].terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_LT(relative(data.sources[0].z1, {1.60376682055275, 6.41506728221101}), 1e-12);
  EXPECT_LT(relative(data.sources[0].z0, {1.79603583012335, 5.38810749037006}), 1e-12);
}

TEST_F(OpenDssReader, ShortCircuitPowerComesBackFromTheSourceImpedance) {
  const auto source = read("new circuit.test basekv=12.47 phases=3\n~ mvasc3=200000 200000").sources.at(0);
  EXPECT_NEAR(12.47 * 12.47 / std::abs(source.z1), 200000, 1e-6);
  EXPECT_NEAR(3 * 12.47 * 12.47 / std::abs(2.0 * source.z1 + source.z0), 200000, 1e-6);
}

TEST_F(OpenDssReader, ImpedancesOfTheSourceOverrideItsShortCircuitPower) {
  const auto source = read("new object=circuit.test basekv=4.16 Bus1=150 pu=1.00 R1=0 X1=0.0001 R0=0 X0=0.0002").sources.at(0);
  EXPECT_EQ(source.z1, Complex(0, 0.0001));
  EXPECT_EQ(source.z0, Complex(0, 0.0002));
  EXPECT_EQ(source.terminal.bus, "150");
}

TEST_F(OpenDssReader, WindingStateArraysAndLikeFillTransformers) {
  const auto data = read_circuit(
      "new transformer.t1 phases=3 windings=2 xhl=(8 1000 /) %loadloss=1\n"
      "~ wdg=1 bus=sourcebus conn=delta kv=12.47 kva=500\n"
      "~ wdg=2 bus=b conn=wye kv=0.48 %r=.55 tap=1.05\n"
      "new transformer.r1 phases=1 bank=r buses=[b.1 c.1] conns='wye wye' kvs=[0.277 0.277] kvas=\"100 100\" ppm=0\n"
      "new transformer.r2 like=r1 bank=r buses=(b.2 c.2)\n"
      "Transformer.R2.Taps=[1.0 1.0625]\n");
  ASSERT_EQ(data.transformers.size(), 3u);
  const auto& t = data.transformers[0];
  EXPECT_DOUBLE_EQ(t.reactance_pu.at(0), 8e-5);
  EXPECT_EQ(t.windings[0].connection, Connection::delta);
  EXPECT_EQ(t.windings[0].terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(t.windings[1].terminal.nodes, (std::vector<int>{1, 2, 3, 0}));
  EXPECT_DOUBLE_EQ(t.windings[0].resistance_pu, 0.005);
  EXPECT_DOUBLE_EQ(t.windings[1].resistance_pu, 0.0055);
  EXPECT_EQ(t.windings[1].rated_power, 500e3);
  EXPECT_EQ(t.windings[1].tap, 1.05);
  const auto& r2 = data.transformers[2];
  EXPECT_EQ(r2.bank, "r");
  EXPECT_EQ(r2.phases, 1);
  EXPECT_EQ(r2.antifloat_ppm, 0);
  EXPECT_EQ(r2.windings[1].terminal.bus, "c");
  EXPECT_EQ(r2.windings[1].terminal.nodes, (std::vector<int>{2, 0}));
  EXPECT_EQ(r2.windings[1].tap, 1.0625);
  EXPECT_EQ(data.transformers[1].windings[1].tap, 1);
}

TEST_F(OpenDssReader, ResistanceIsReferredToTheWindingsOwnRating) {
  // OpenDSS's percent is of the first winding's base: 3 % of 1000 kVA is 1.5 % of 500 kVA.
  const auto t = read_circuit("new transformer.t buses=[a b] kvas=[1000 500] %rs=[1 3]").transformers.at(0);
  EXPECT_DOUBLE_EQ(t.windings[0].resistance_pu, 0.01);
  EXPECT_DOUBLE_EQ(t.windings[1].resistance_pu, 0.015);
}

TEST_F(OpenDssReader, CodesFillCentreTappedTransformers) {
  const auto t = read_circuit(
                     "New XfmrCode.CT phases=1 windings=3 kvs=[7.2 0.12 0.12] kVAs=[15 15 15] %imag=0.5 %Rs=[0.6 1.2 1.2] "
                     "%noloadloss=.2 Xhl=2.04 Xht=2.05 Xlt=1.36\n"
                     "New Transformer.T XfmrCode=CT buses=[a.1 x.1.0 x.0.2]")
                     .transformers.at(0);
  ASSERT_EQ(t.windings.size(), 3u);
  EXPECT_EQ(t.windings[2].terminal.nodes, (std::vector<int>{0, 2}));
  ASSERT_EQ(t.reactance_pu.size(), 3u);
  EXPECT_DOUBLE_EQ(t.reactance_pu[1], 0.0205);
  EXPECT_DOUBLE_EQ(t.reactance_pu[2], 0.0136);
  EXPECT_DOUBLE_EQ(t.no_load_loss_pu, 0.002);
}

TEST_F(OpenDssReader, LengthsConvertToTheUnitOfTheLineCode) {
  const auto data = read_circuit(
      "new linecode.c nphases=1 units=mi rmatrix=[1] xmatrix=[2] cmatrix=[10] normamps=230\n"
      "new line.feet linecode=c bus1=a.2 bus2=b.2 length=2640 units=ft\n"
      "new line.plain linecode=c bus1=a.2 bus2=b.2 length=2\n"
      "new line.before units=km length=1.609344 linecode=c bus1=a.2 bus2=b.2\n");
  ASSERT_EQ(data.lines.size(), 3u);
  EXPECT_LT(relative(data.lines[0].series_impedance(0, 0), {0.5, 1}), 1e-12);
  EXPECT_NEAR(data.lines[0].shunt_susceptance(0, 0), 0.5 * 120 * std::numbers::pi * 10e-9, 1e-18);
  EXPECT_NEAR(data.lines[0].length, 2640 * 0.3048, 1e-9);
  EXPECT_EQ(data.lines[0].rating, 230);
  EXPECT_LT(relative(data.lines[1].series_impedance(0, 0), {2, 4}), 1e-12);
  EXPECT_NEAR(data.lines[1].length, 2 * 1609.344, 1e-9);
  EXPECT_LT(relative(data.lines[2].series_impedance(0, 0), {1, 2}), 1e-12);
  EXPECT_EQ(data.lines[0].from.nodes, (std::vector<int>{2}));
}

TEST_F(OpenDssReader, SequenceDefaultsSwitchesAndPositionalValues) {
  const auto data = read_circuit(
      "new line.default bus1=a bus2=b\n"
      "new line.switch bus1=a bus2=c switch=y r1=1e-4 r0=1e-4 x1=0 x0=0 c1=0 c0=0\n"
      "new line.positional a d length=2 1 r1=1 3\n");
  const Eigen::MatrixXcd z = data.lines[0].series_impedance;
  EXPECT_LT(relative(z(0, 0), {(2 * 0.058 + 0.1784) / 3, (2 * 0.1206 + 0.4047) / 3}), 1e-12);
  EXPECT_LT(relative(z(0, 1), {(0.1784 - 0.058) / 3, (0.4047 - 0.1206) / 3}), 1e-12);
  EXPECT_TRUE(data.lines[1].is_switch);
  EXPECT_NEAR(data.lines[1].series_impedance(1, 1).real(), 1e-7, 1e-20);
  EXPECT_EQ(data.lines[1].shunt_susceptance.norm(), 0);
  ASSERT_EQ(data.lines[2].series_impedance.rows(), 1);
  EXPECT_EQ(data.lines[2].series_impedance(0, 0), Complex(2, 6));
}

TEST_F(OpenDssReader, ReactanceFollowsTheFrequency) {
  const auto data = read(
      "set defaultbasefrequency=50\nnew circuit.test\nnew linecode.c nphases=1 basefreq=60 rmatrix=[1] xmatrix=[2] xg=0 rg=0\n"
      "new line.l linecode=c bus1=a bus2=b");
  EXPECT_EQ(data.frequency, 50);
  EXPECT_NEAR(data.lines.at(0).series_impedance(0, 0).imag(), 2 * 50.0 / 60, 1e-12);
}

TEST_F(OpenDssReader, GeometryGivesCarsonImpedances) {
  const auto data = read_circuit(
      "set earthmodel=carson\n"
      "new wiredata.c Runits=mi Rac=0.306 GMRunits=ft GMRac=0.0244 Radunits=in Diam=0.721 normamps=530\n"
      "new wiredata.n Runits=mi Rac=0.592 GMRunits=ft GMRac=0.00814 Radunits=in Diam=0.563\n"
      "new linegeometry.g nconds=4 nphases=3 reduce=yes\n"
      "~ cond=1 wire=c units=ft x=-4 h=28\n~ cond=2 wire=c units=ft x=-1.5 h=28\n~ cond=3 wire=c x=3 h=28\n~ cond=4 wire=n x=0 h=24\n"
      "new line.l geometry=g length=5280 units=ft bus1=a bus2=b\n");
  const auto& line = data.lines.at(0);
  ASSERT_EQ(line.series_impedance.rows(), 3);
  EXPECT_NEAR(line.series_impedance(0, 0).real(), 0.4576, 1e-4);
  EXPECT_NEAR(line.series_impedance(0, 2).imag(), 0.3849, 1e-4);
  EXPECT_EQ(line.rating, 530);
}

TEST_F(OpenDssReader, LoadsTakePowerFactorsNodesAndTheLoadMultiplier) {
  const auto data = read_circuit(
      "set loadmult=0.5\n"
      "new loadshape.shop npts=2 mult=[1 2]\n"
      "new load.a bus1=x.2 phases=1 kv=7.2 kw=90 pf=0.9 model=2 vminpu=.85\n"
      "new load.b bus1=x phases=3 conn=delta kv=12.47 kva=100 pf=-0.8 status=fixed\n"
      "new load.c bus1=x.3.1 phases=1 conn=delta kv=12.47 kw=10 kvar=-4 model=8 zipv=[1 0 0 0 0 1 .5] daily=Shop\n"
      "load.a.vmaxpu=1.2\n");
  ASSERT_EQ(data.loads.size(), 3u);
  EXPECT_LT(relative(data.loads[0].power, Complex(45e3, 45e3 * std::tan(std::acos(0.9)))), 1e-12);
  EXPECT_EQ(data.loads[0].terminal.nodes, (std::vector<int>{2, 0}));
  EXPECT_EQ(data.loads[0].model, LoadModel::constant_impedance);
  EXPECT_EQ(data.loads[0].vmin_pu, 0.85);
  EXPECT_EQ(data.loads[0].vmax_pu, 1.2);
  EXPECT_LT(relative(data.loads[1].power, {80e3, -60e3}), 1e-12);
  EXPECT_EQ(data.loads[1].terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(data.loads[2].terminal.nodes, (std::vector<int>{3, 1}));
  EXPECT_EQ(data.loads[2].power, Complex(5e3, -2e3));
  EXPECT_EQ(data.loads[2].shapes.daily, "shop");
  EXPECT_TRUE(data.loads[1].fixed);
  EXPECT_EQ(data.loads[2].zip[6], 0.5);
}

TEST_F(OpenDssReader, AMultiplierScalesLoadsButNotAFixedReactivePower) {
  const auto data = read_circuit(
      "set loadmult=0.5\n"
      "new load.scaled bus1=x kv=4.16 kw=100 kvar=40\n"
      "new load.fixed_q bus1=x kv=4.16 kw=100 kvar=40 model=6\n"
      "new load.fixed_x bus1=x kv=4.16 kw=100 kvar=40 model=7\n"
      "new load.fixed bus1=x kv=4.16 kw=100 kvar=40 status=fixed\n");
  EXPECT_EQ(data.loads[0].power, Complex(50e3, 20e3));
  EXPECT_EQ(data.loads[1].power, Complex(50e3, 40e3));
  EXPECT_EQ(data.loads[2].power, Complex(50e3, 40e3));
  EXPECT_EQ(data.loads[3].power, Complex(100e3, 40e3));
}

TEST_F(OpenDssReader, BanksReactorsAndGeneratorsHaveTheirTerminals) {
  const auto data = read_circuit(
      "new capacitor.c bus1=x kvar=600 kv=4.16 numsteps=3 states=[1 0 1]\n"
      "new reactor.r bus1=x bus2=y r=0.1 x=2\n"
      "new reactor.s bus1=x kvar=100 kv=1 conn=delta\n"
      "new generator.g bus1=x kw=100 pf=1 kv=4.16\n"
      "new transformer.t wdg=1 bus=x.1.2.3.4 rneut=5 wdg=2 bus=z\n");
  EXPECT_EQ(data.capacitors.at(0).step_power, (std::vector<double>{200e3, 200e3, 200e3}));
  EXPECT_EQ(data.capacitors[0].states, (std::vector<int>{1, 0, 1}));
  EXPECT_EQ(data.capacitors[0].terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(data.capacitors[0].to);
  ASSERT_EQ(data.reactors.size(), 2u);
  const auto by_name = [&](const std::string& name) {
    return *std::find_if(data.reactors.begin(), data.reactors.end(), [&](const auto& r) { return r.name == name; });
  };
  EXPECT_EQ(by_name("r").to.value().bus, "y");
  EXPECT_EQ(by_name("r").impedance, Complex(0.1, 2));
  EXPECT_NEAR(by_name("s").impedance.imag(), 30, 1e-9);
  const auto& windings = data.transformers.at(0).windings;
  EXPECT_EQ(windings[0].terminal.nodes.back(), 4);
  EXPECT_EQ(windings[0].neutral_impedance, Complex(5, 0));
  EXPECT_FALSE(windings[1].neutral_impedance);
  EXPECT_LT(relative(data.loads.at(0).power, {-100e3, 0}), 1e-12);
  EXPECT_EQ(data.loads[0].vlow_pu, 0);
}

TEST_F(OpenDssReader, ResourcesAreReadInSi) {
  const auto data = read_circuit(
      "new pvsystem.p bus1=x kv=4.16 pmpp=500 %pmpp=80 kva=550\n"
      "new storage.s bus1=x.2 phases=1 kv=2.4 kwrated=100 kwhrated=400 %stored=50 %reserve=10 %effcharge=95 %effdischarge=94 "
      "%idlingkw=0.5\n"
      "new windgen.w bus1=x conn=delta kv=4.16 kw=700 rad=22.7 vcutin=3\n");
  EXPECT_NEAR(data.solar.at(0).capacity, 400e3, 1e-6);
  EXPECT_EQ(data.solar[0].inverter_rating, 550e3);
  EXPECT_EQ(data.batteries.at(0).capacity_wh, 400e3);
  EXPECT_EQ(data.batteries[0].inverter_rating, 100e3);
  EXPECT_DOUBLE_EQ(data.batteries[0].initial_soc, 0.5);
  EXPECT_DOUBLE_EQ(data.batteries[0].min_soc, 0.1);
  EXPECT_DOUBLE_EQ(data.batteries[0].discharge_efficiency, 0.94);
  EXPECT_DOUBLE_EQ(data.batteries[0].idling_loss, 0.005);
  EXPECT_EQ(data.wind.at(0).terminal.nodes, (std::vector<int>{1, 2, 3}));
  EXPECT_NEAR(data.wind[0].rated_speed, 12, 0.02);
  EXPECT_EQ(data.wind[0].cut_in_speed, 3);
  EXPECT_EQ(data.wind[0].cut_out_speed, 23);
}

TEST_F(OpenDssReader, SwitchingAndServiceStates) {
  const auto data = read_circuit(
      "new line.a bus1=x bus2=y\nnew line.b bus1=x bus2=y enabled=no\nnew line.c bus1=x bus2=y\nopen line.a 1\nopen line.c 2\nclose line.c "
      "2\n"
      "new line.d bus1=x bus2=y\ndisable line.d\n");
  ASSERT_EQ(data.lines.size(), 2u);
  EXPECT_TRUE(data.lines[0].from.all_open());
  EXPECT_TRUE(data.lines[0].to.open.empty() && data.lines[1].from.open.empty() && data.lines[1].to.open.empty());
}

TEST_F(OpenDssReader, ClearForgetsEarlierCircuits) {
  const auto data = read("new circuit.first\nnew load.l bus1=x\nclear\nnew circuit.second\nnew reactor.l bus1=sourcebus");
  EXPECT_EQ(data.name, "second");
  EXPECT_TRUE(data.loads.empty());
  EXPECT_EQ(data.reactors.size(), 1u);
}

TEST_F(OpenDssReader, FilesAreFoundBesideTheirScriptWhateverTheirCase) {
  fs::create_directories(folder / "Parts");
  write("Parts/Lines.DSS", "new line.l bus1=sourcebus bus2=B\nbuscoords xy.csv\n");
  write("Parts/XY.csv", "// places\nsourcebus, 1.5, -2\nB 3 4\nnowhere, 0, 0\n");
  const auto data = read_circuit("/* not\nnew line.not bus1=x\n*/\nRedirect parts\\lines.dss\nset voltagebases=[12.47, .48]\ncalcv\n");
  ASSERT_EQ(data.lines.size(), 1u);
  EXPECT_EQ(data.lines[0].origin.file, "Lines.DSS");
  ASSERT_EQ(data.buses.size(), 2u);
  EXPECT_EQ(data.buses[1].name, "b");
  EXPECT_EQ(data.buses[0].position.value()[1], -2);
  EXPECT_EQ(data.voltage_bases, (std::vector<double>{12470, 480}));
}

TEST_F(OpenDssReader, WhatHasNoPhysicsIsNotedOnce) {
  const auto data = read_circuit("new monitor.a element=line.x\n~ foo=1\nnew monitor.b\nshow voltages LN Nodes\nsolve\nplot circuit");
  EXPECT_EQ(data.notes.size(), 3u);
}

TEST_F(OpenDssReader, ErrorsNameFileLineAndRemedy) {
  EXPECT_EQ(error_of("\nnew line.l1 bus1=a bus2=b length=long"),
            "case.dss:3: 'long' is not a number (property 'length' of Line.l1): give a number, or in-line math such as (8 1000 /)");
  EXPECT_EQ(error_of("new line.l1 linecode=none_such"),
            "case.dss:2: LineCode 'none_such' is not defined (property 'linecode' of Line.l1): define the LineCode first");
  EXPECT_EQ(error_of("new line.a bus1=x bus2=y\nnew line.a bus1=x bus2=y"),
            "case.dss:3: Line.a is defined already at case.dss:2: rename it, or change the first one with edit");
  EXPECT_EQ(error_of("new line.a bus1=x"), "case.dss:2: Line.a has no bus: give the bus of every terminal");
  EXPECT_NE(error_of("redirect missing.dss").find("case.dss:2: there is no file"), std::string::npos);
  EXPECT_NE(error_of("redirect case.dss").find("circuit 'test' is defined already"), std::string::npos);
  EXPECT_NE(error_of("new transformer.t wdg=3").find("winding 3 of 2 (property 'wdg' of Transformer.t)"), std::string::npos);
  EXPECT_NE(error_of("allocateloads").find("is not carried out here"), std::string::npos);
}

TEST_F(OpenDssReader, WhatIsUnknownIsAnsweredByWhatIsUnderstood) {
  EXPECT_EQ(error_of("new lineSpacing.s nconds=3 foo=1"),
            "case.dss:2: unknown property 'foo' of LineSpacing.s (the nearest is 'x'): leave it out or write one of nconds, nphases, x, h, "
            "units, like");
  // What is only refused is not among what is understood.
  const std::string property = error_of("new reactor.r bus1=a foo=1");
  EXPECT_NE(property.find("write one of bus1, bus2, phases, kvar, kv, conn, Parallel, R, X, Rp, Z, RCurve,"), std::string::npos)
      << property;
  const std::string kind = error_of("new lien.l1");
  EXPECT_EQ(
      kind.find("case.dss:2: class 'lien' is not known here (the nearest is 'Line'): take the object out or make it one of LoadShape, "),
      0u)
      << kind;
  EXPECT_NE(kind.find(" WindGen; read past are TShape,"), std::string::npos) << kind;
  const std::string command = error_of("frobnicate");
  EXPECT_EQ(command.find("case.dss:2: unknown command 'frobnicate' (the nearest is 'Rotate'): leave it out or write one of New, Edit, "),
            0u)
      << command;
  EXPECT_EQ(command.find("Allocateloads"), std::string::npos) << command;
  const std::string option = error_of("set lodmult=2");
  EXPECT_EQ(option.find("case.dss:2: unknown option 'lodmult' (the nearest is 'loadmult'): leave it out or write one of "), 0u) << option;
  for (const std::string* message : {&property, &kind, &command, &option}) EXPECT_EQ(message->find('\n'), std::string::npos);
}

TEST_F(OpenDssReader, OtherKindsOfFileAreRefused) {
  EXPECT_THROW(read_feeder(folder / "case.txt"), Error);
  EXPECT_THROW(read_feeder(folder / "missing.dss"), Error);
  EXPECT_THROW(read("! nothing"), Error);
}

// ---- the feeders of inputs/ and, where they are at hand, those that OpenDSS ships ----

struct Feeder {
  const char* name;
  std::size_t buses, lines, transformers, loads, capacitors, regulators;
  double load_kw;
};

class OwnFeeder : public testing::TestWithParam<Feeder> {};

TEST_P(OwnFeeder, HasItsPublishedSize) {
  const Feeder& feeder = GetParam();
  const auto data = read_feeder(fs::path(GRIDFED_SOURCE_DIR) / "inputs/feeders" / (std::string(feeder.name) + ".dss"));
  EXPECT_EQ(data.name, feeder.name);
  EXPECT_EQ(data.buses.size(), feeder.buses);
  EXPECT_EQ(data.lines.size(), feeder.lines);
  EXPECT_EQ(data.transformers.size(), feeder.transformers);
  EXPECT_EQ(data.loads.size(), feeder.loads);
  EXPECT_EQ(data.capacitors.size(), feeder.capacitors);
  EXPECT_EQ(data.regulators.size(), feeder.regulators);
  EXPECT_TRUE(data.notes.empty());
  double load = 0;
  for (const auto& l : data.loads) load += l.power.real();
  EXPECT_NEAR(load, 1e3 * feeder.load_kw, 1);
  for (const auto& bus : data.buses) EXPECT_TRUE(bus.position) << bus.name;
  for (const auto& line : data.lines) EXPECT_GT(line.rating, 0) << line.name;
}

TEST_P(OwnFeeder, ResourcesHaveTheirShareOfThePeak) {
  const Feeder& feeder = GetParam();
  const auto data = read_feeder(fs::path(GRIDFED_SOURCE_DIR) / "inputs/feeders" / (std::string(feeder.name) + "_der.dss"));
  const auto total = [](const auto& units, auto member) {
    return std::accumulate(units.begin(), units.end(), 0.0, [&](double sum, const auto& unit) { return sum + unit.*member; }) / 1e3;
  };
  EXPECT_NEAR(total(data.solar, &SolarPvData::capacity) / feeder.load_kw, 1.1, 0.1);
  EXPECT_NEAR(total(data.wind, &WindTurbineData::capacity) / feeder.load_kw, 0.2, 0.05);
  EXPECT_NEAR(total(data.batteries, &BatteryData::power_rating) / feeder.load_kw, 0.2, 0.005);
  EXPECT_NEAR(total(data.batteries, &BatteryData::capacity_wh) / feeder.load_kw, 0.8, 0.02);
  EXPECT_GE(data.batteries.size(), 4u);
  EXPECT_EQ(data.buses.size(), feeder.buses);
}

INSTANTIATE_TEST_SUITE_P(Feeders, OwnFeeder,
                         testing::Values(Feeder{"ieee13", 16, 12, 5, 15, 2, 3, 3466}, Feeder{"ieee34", 37, 32, 8, 68, 2, 6, 1769},
                                         Feeder{"ieee37", 39, 36, 4, 30, 0, 2, 2457}, Feeder{"ieee123", 130, 126, 8, 91, 4, 7, 3490}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(ReferenceFeeders, AreRead) {
  const fs::path reference = fs::path(GRIDFED_SOURCE_DIR) / "../shared/reference/feeders";
  if (!fs::exists(reference)) GTEST_SKIP() << "no reference feeders at " << reference;
  const struct {
    const char* script;
    std::size_t lines, transformers, loads;
  } cases[] = {{"13Bus/network/IEEE13Nodeckt.dss", 12, 5, 15},
               {"34Bus/network/ieee34Mod1.dss", 32, 8, 68},
               {"37Bus/network/ieee37.dss", 36, 4, 30},
               {"123Bus/network/IEEE123Master.dss", 126, 8, 91},
               {"8500-Node/network/Master.dss", 3698, 1190, 1177},
               {"4Bus-YY-Bal/network/4Bus-YY-Bal.DSS", 2, 1, 1},
               {"4Bus-OYOD-Bal/network/4Bus-OYOD-Bal.DSS", 2, 2, 1},
               {"4Bus-OYOD-UnBal/network/4bus-OYOD-UnBal.dss", 2, 2, 3}};
  for (const auto& c : cases) {
    const auto data = read_feeder(reference / c.script);
    EXPECT_EQ(data.lines.size(), c.lines) << c.script;
    EXPECT_EQ(data.transformers.size(), c.transformers) << c.script;
    EXPECT_EQ(data.loads.size(), c.loads) << c.script;
  }
}

}  // namespace
}  // namespace gridfed

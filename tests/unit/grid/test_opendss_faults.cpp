// Scripts that are wrong, odd or huge: each ends in an error that names the line, or reads.
#include "feeders.hpp"

#include <gtest/gtest.h>

#include <chrono>

namespace gridfed {
namespace {

std::string fault_of(const std::string& text) {
  return test::error_of([&] { test::script(text); });
}
std::string circuit_fault(const std::string& text) {
  return fault_of("new circuit.a basekv=12.47 bus1=a\n" + text);
}

void expect_in(const std::string& part, const std::string& whole) {
  EXPECT_NE(whole.find(part), std::string::npos) << "'" << part << "' is not in:\n" << whole;
}

TEST(OpenDssFaults, EmptyFile) {
  expect_in("small.dss: defines no circuit: begin it with new circuit.name", fault_of(""));
}

TEST(OpenDssFaults, BinaryFile) {
  EXPECT_EQ(circuit_fault(std::string("new line.l\0bus1=a", 17)), "small.dss:2: holds binary data: give a script in text");
}

TEST(OpenDssFaults, QuotesAndCommentsThatDoNotEnd) {
  expect_in("small.dss:2: a quote opened by [ is never closed", circuit_fault("new line.l bus1=a bus2=b rmatrix=[1"));
  expect_in("never closed: add */", circuit_fault("/* never\nclosed"));
}

TEST(OpenDssFaults, RecursionOfRedirects) {
  expect_in("small.dss:1: more than 32 files are nested, the last ", fault_of("redirect small.dss"));
  expect_in(": let no file redirect to itself", fault_of("redirect small.dss"));
}

TEST(OpenDssFaults, FileNameTooLongForTheSystem) {
  expect_in("small.dss:1: there is no file '", fault_of("redirect " + std::string(300, 'x')));
  expect_in("small.dss:1: there is no file '", fault_of("buscoords " + std::string(5000, 'y') + "/z"));
}

TEST(OpenDssFaults, ZeroLength) {
  expect_in("small.dss:2: 0 is not above zero (property 'length' of Line.l)", circuit_fault("new line.l bus1=a bus2=b length=0"));
}

TEST(OpenDssFaults, ZeroImpedance) {
  EXPECT_EQ(circuit_fault("new line.l bus1=a bus2=b r1=0 x1=0 r0=0 x0=0 c1=0 c0=0"),
            "small.dss:2: line 'l' has zero impedance: give it a length or make it a switch");
  EXPECT_EQ(circuit_fault("new line.l bus1=a.1.2 bus2=b.1.2 phases=2 rmatrix=[1 1|1 1] xmatrix=[2 2|2 2]"),
            "small.dss:2: line 'l' has an impedance matrix that cannot be inverted: check its rows");
  expect_in("small.dss:2: reactor 'r' has zero impedance", circuit_fault("new reactor.r bus1=a r=0 x=0"));
  expect_in("small.dss:2: a leakage reactance of transformer 't' is 0: it must be positive",
            circuit_fault("new transformer.t buses=[a b] xhl=0"));
}

TEST(OpenDssFaults, NegativeKva) {
  expect_in("small.dss:2: rated power of transformer 't' is -5000: it must be positive",
            circuit_fault("new transformer.t buses=[a b] kvas=[-5 -5]"));
  expect_in("small.dss:2: a rating of zero (property 'kVA' of Transformer.t)", circuit_fault("new transformer.t buses=[a b] wdg=1 kva=-5"));
  expect_in("small.dss:2: -5 is not above zero (property 'kVA' of PVSystem.p)", circuit_fault("new pvsystem.p bus1=a kva=-5"));
}

TEST(OpenDssFaults, SelfLoop) {
  EXPECT_EQ(circuit_fault("new line.l bus1=a bus2=a"), "small.dss:2: line 'l' joins 'a' to itself: name two buses");
}

TEST(OpenDssFaults, DuplicatedNames) {
  EXPECT_EQ(circuit_fault("new load.x bus1=a\nnew load.x bus1=a"),
            "small.dss:3: Load.x is defined already at small.dss:2: rename it, or change the first one with edit");
}

TEST(OpenDssFaults, MissingBus) {
  EXPECT_EQ(circuit_fault("new line.l bus2=b"), "small.dss:2: Line.l has no bus: give the bus of every terminal");
  EXPECT_EQ(
      circuit_fault("new load.l bus1=nowhere kv=12.47"),
      "small.dss:2: bus 'nowhere' has no path to a source (no closed line or transformer leads there): close it or disable the elements "
      "there");
}

TEST(OpenDssFaults, TwoSources) {
  EXPECT_EQ(circuit_fault("new vsource.two bus1=b basekv=12.47\nnew line.l bus1=a bus2=b"), "no error");
}

TEST(OpenDssFaults, NoSource) {
  expect_in("network 'a' has no source: add a Circuit or Vsource", circuit_fault("vsource.source.enabled=no\nnew load.l bus1=a kv=12.47"));
}

TEST(OpenDssFaults, ZeroTapsAndVoltages) {
  expect_in("has 0 taps", circuit_fault("new transformer.t buses=[a b] wdg=1 numtaps=0"));
  expect_in("0 is not above zero", circuit_fault("new load.l bus1=a kv=0"));
}

TEST(OpenDssFaults, CountsThatWouldTakeAllMemory) {
  expect_in("small.dss:2: 999999999 is not from 1 to 100 (property 'windings' of Transformer.t)",
            circuit_fault("new transformer.t windings=999999999"));
  expect_in("(property 'nphases' of LineCode.c)", circuit_fault("new linecode.c nphases=100000"));
  expect_in("(property 'nconds' of LineGeometry.g)", circuit_fault("new linegeometry.g nconds=1e8"));
  expect_in("(property 'nconds' of LineSpacing.s)", circuit_fault("new linespacing.s nconds=1e8"));
  expect_in("(property 'Numsteps' of Capacitor.c)", circuit_fault("new capacitor.c bus1=a numsteps=1e9"));
  expect_in("(property 'phases' of Load.l)", circuit_fault("new load.l bus1=a phases=1e9"));
}

TEST(OpenDssFaults, UnknownThingsAreErrorsOrNotes) {
  const std::string text =
      "new circuit.a basekv=12.47 bus1=a\nnew gadget.g bus1=a\n~ size=3\ngadget.g.size=4\nnew gadget.h\nnew line.l bus1=a bus2=b "
      "colour=red "
      "length=2\nset gadgets=on\nfrobnicate now\nclear\nnew circuit.b basekv=12.47 bus1=a\nnew line.l bus1=a bus2=b colour=red length=2\n"
      "new gadget.g\nset gadgets=on\nfrobnicate now\n";
  EXPECT_NE(fault_of(text).find("small.dss:2: class 'gadget' is not known here"), std::string::npos);
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_unknown_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "case.dss") << text;
  const auto data = read_feeder(folder / "case.dss", {.ignore_unknown = true});
  std::filesystem::remove_all(folder);
  EXPECT_EQ(data.notes,
            (std::vector<std::string>{"Property colour of class Line is not known and left out.", "Objects of class gadget are read past.",
                                      "Option gadgets is not known and left out.", "Command frobnicate is not known and left out."}));
  EXPECT_NEAR(data.lines.at(0).series_impedance(0, 1).real(), 2 * (0.1784 - 0.058) / 3, 1e-12);
}

TEST(OpenDssFaults, LoadsByTransformerRatingEnergyAndGrowth) {
  // kW and kvar as OpenDSS (C-API 0.14.5) answers to `? load.x.kw` after the same line.
  const auto power = [](const std::string& properties, const std::string& options = "") {
    return test::script_data("new circuit.a basekv=12.47 bus1=a\n" + options + "\nnew load.x bus1=a kv=12.47 " + properties)
               .loads.at(0)
               .power /
           1e3;
  };
  const auto expect = [](Complex ours, double kw, double kvar) {
    EXPECT_NEAR(ours.real(), kw, 1e-9);
    EXPECT_NEAR(ours.imag(), kvar, 1e-9);
  };
  expect(power("xfkva=100 pf=.9"), 44, 21.3101726128655);
  expect(power("allocationfactor=.7 xfkva=100 pf=-.9"), 61.6, -29.8342416580117);
  expect(power("xfkva=100 pf=.9 kw=5"), 5, 2.42161052418926);
  expect(power("kwh=7200 kwhdays=10 pf=.9"), 120, 58.1186525805423);
  expect(power("kwh=7200 cfactor=2 pf=.9"), 20, 9.68644209675705);
  expect(power("kw=10 kvar=5 pf=.8"), 10, 5);
  expect(power("kw=10 kva=20"), 17.6, 9.49947366963034);
  // 100 kW in year 3: 105.0625 kW by the default growth, 110.25 kW at 5 %.
  EXPECT_NEAR(power("kw=100", "set year=3").real(), 105.0625, 1e-9);
  EXPECT_NEAR(power("kw=100", "set %growth=5\nset year=3").real(), 110.25, 1e-9);
}

TEST(OpenDssFaults, LineOfAMillionCharactersAndLongFilesTakeTimeInProportion) {
  const auto seconds = [](const std::string& text) {
    const auto begin = std::chrono::steady_clock::now();
    test::error_of([&] { test::script_data(text); });
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const std::string circuit = "new circuit.a basekv=12.47 bus1=a\n";
  EXPECT_LT(seconds(circuit + "new loadshape.s npts=1 mult=[" + std::string(1'000'000, '1') + "]"), 2);
  EXPECT_LT(seconds(circuit + std::string(1'000'000, 'x')), 2);
  EXPECT_LT(circuit_fault(std::string(1'000'000, 'x')).size(), 2000u);
  std::string many = circuit + "new line.l0 bus1=a bus2=b0\n";
  for (int i = 1; i < 20'000; ++i)
    many += "new line.l" + std::to_string(i) + " bus1=b" + std::to_string(i - 1) + " bus2=b" + std::to_string(i) + "\n";
  EXPECT_LT(seconds(many), 5);
}

}  // namespace
}  // namespace gridfed

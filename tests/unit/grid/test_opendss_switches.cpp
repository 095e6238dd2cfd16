// Switches, protective devices, open and close. Which of two parallel lines carries current was asked of OpenDSS (C-API 0.14.5) with the
// same lines, a load at b and a solve.
#include "feeders.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

const std::string circuit =
    "new circuit.a basekv=12.47 bus1=a\nnew line.l bus1=a bus2=b\nnew line.m bus1=a bus2=b\nnew load.x bus1=b kv=12.47 kw=100\n"
    "new capacitor.c bus1=b kv=12.47\nnew transformer.t buses=[b e] kvs=[12.47 4.16]\n";

NetworkData data_of(const std::string& text) {
  return test::script_data(circuit + text);
}
/// Is line l closed at both ends?
bool closed(const std::string& text) {
  const auto line = data_of(text).lines.at(0);
  return line.closed && !line.from.all_open() && !line.to.all_open();
}

TEST(OpenDssSwitches, SwitchControlsSetTheirElement) {
  const std::string control = "new swtcontrol.s switchedobj=line.l switchedterm=1 ";
  EXPECT_FALSE(closed(control + "action=open"));
  EXPECT_FALSE(closed(control + "normal=open"));
  EXPECT_FALSE(closed(control + "state=open"));
  EXPECT_TRUE(closed(control + "normal=open state=closed"));
  EXPECT_TRUE(closed(control + "action=open lock=yes"));
  EXPECT_TRUE(closed(control + "normal=open lock=yes"));
  EXPECT_FALSE(closed(control + "state=open lock=yes"));
  EXPECT_TRUE(closed(control + "normal=open action=close"));
  EXPECT_FALSE(closed("open line.l 1\n" + control));
  EXPECT_TRUE(closed("open line.l 1\n" + control + "state=closed"));
  const auto opened = data_of("new swtcontrol.s switchedobj=transformer.t switchedterm=1 state=open");
  EXPECT_TRUE(opened.transformers.at(0).windings[0].terminal.all_open());
  EXPECT_FALSE(opened.transformers.at(0).windings[1].terminal.all_open());
}

TEST(OpenDssSwitches, ProtectionIsInTheStateItIsGiven) {
  EXPECT_FALSE(closed("new recloser.s monitoredobj=line.l state=open"));
  EXPECT_FALSE(closed("new recloser.s monitoredobj=line.l normal=open"));
  EXPECT_FALSE(closed("new relay.s monitoredobj=line.l type=voltage action=trip"));
  EXPECT_FALSE(closed("new fuse.s monitoredobj=line.l action=open"));
  EXPECT_FALSE(closed("new fuse.s monitoredobj=line.l state=[open open open]"));
  const auto one = data_of("new fuse.s monitoredobj=line.l state=[open closed closed]");
  EXPECT_TRUE(one.lines[0].closed);
  EXPECT_EQ(one.lines[0].from.open, (std::vector<int>{0}));
  EXPECT_TRUE(one.lines[0].to.open.empty());
  const auto other = data_of("new recloser.s monitoredobj=line.l switchedobj=line.m state=open\nnew relay.r monitoredobj=line.l");
  EXPECT_TRUE(other.lines[0].closed);
  EXPECT_TRUE(other.lines[1].from.all_open());
  EXPECT_EQ(other.notes.size(), 1u);
}

TEST(OpenDssSwitches, DevicesOfLinesAndTransformersAreKept) {
  const auto data = data_of(
      "new swtcontrol.s switchedobj=line.l switchedterm=2\nnew fuse.f monitoredobj=transformer.t\nnew recloser.r monitoredobj=line.l "
      "switchedobj=line.m\nnew relay.b monitoredobj=line.l monitoredterm=2 enabled=no\nnew relay.c monitoredobj=line.l switchedterm=1\n"
      "new swtcontrol.k switchedobj=capacitor.c");
  ASSERT_EQ(data.switching_devices.size(), 4u);
  const auto expect = [&](std::size_t i, const char* name, SwitchingDeviceKind kind, ElementKind element, const char* of, int terminal) {
    const auto& device = data.switching_devices[i];
    EXPECT_EQ(device.name, name);
    EXPECT_EQ(device.kind, kind);
    EXPECT_EQ(device.element.kind, element);
    EXPECT_EQ(device.element.name, of);
    EXPECT_EQ(device.element.terminal, terminal);
  };
  expect(0, "s", SwitchingDeviceKind::disconnector, ElementKind::line, "l", 2);
  expect(1, "f", SwitchingDeviceKind::fuse, ElementKind::transformer, "t", 1);
  expect(2, "r", SwitchingDeviceKind::recloser, ElementKind::line, "m", 1);
  expect(3, "c", SwitchingDeviceKind::breaker, ElementKind::line, "l", 1);
}

TEST(OpenDssSwitches, OpenAndCloseReachElementsAndConductors) {
  const auto data =
      data_of("open load.x 1\nopen capacitor.c 1\nopen transformer.t 2\nopen line.l 2 3\nopen line.l 1 1\nclose line.l 1 1\n");
  EXPECT_TRUE(data.loads.empty());
  EXPECT_EQ(data.capacitors.at(0).states, (std::vector<int>{0}));
  EXPECT_TRUE(data.transformers[0].windings[1].terminal.all_open());
  EXPECT_TRUE(data.lines[0].from.open.empty());
  EXPECT_EQ(data.lines[0].to.open, (std::vector<int>{2}));
  EXPECT_EQ(make_network(data)->node_count(), 6);  // nothing lands on e
  EXPECT_TRUE(data_of("open transformer.t 1\nopen transformer.t 2").transformers.empty());
  EXPECT_EQ(data_of("open transformer.t 2 4").transformers[0].windings[1].terminal.open, (std::vector<int>{3}));
  // A line that is open at both ends, and a switch, may be closed again; a line open at one end keeps its charging.
  EXPECT_FALSE(data_of("open line.l 1\nopen line.l 2").lines[0].closed);
  EXPECT_TRUE(data_of("open line.l 2").lines[0].closed);
  EXPECT_FALSE(data_of("line.l.switch=yes\nopen line.l 2").lines[0].closed);
  EXPECT_EQ(data_of("open load.x 1\nclose load.x 1").loads.size(), 1u);
  EXPECT_FALSE(closed("open line.l 1 1\nopen line.l 1 2\nopen line.l 1 3"));
  EXPECT_TRUE(closed("open line.l 1\nclose line.l 1"));
}

TEST(OpenDssSwitches, WhatCannotBeOpenedIsNamed) {
  const auto fault = [](const std::string& text) { return test::error_of([&] { data_of(text); }); };
  EXPECT_EQ(fault("open load.x 1 2"), "small.dss:7: a single conductor of Load.x cannot be opened: open all of them");
  EXPECT_EQ(fault("open transformer.t 3"), "small.dss:7: Transformer.t has no conductor 0 at terminal 3: correct the number");
  EXPECT_EQ(fault("open line.l 3 1"), "small.dss:7: Line.l has no conductor 1 at terminal 3: correct the number");
  EXPECT_EQ(fault("open vsource.source 1"),
            "small.dss:7: Vsource.source cannot be opened: open a line or another element, or disable the object");
  EXPECT_EQ(fault("new swtcontrol.s switchedobj=line.none state=open"),
            "small.dss:7: SwtControl.s switches 'line.none', which is not defined: define it");
  EXPECT_EQ(fault("new fuse.s"), "small.dss:7: Fuse.s switches no element: name it as class.name");
}

TEST(OpenDssSwitches, BatchEditReachesEveryNameThatMatches) {
  const auto data =
      data_of("new load.y bus1=b kv=12.47\nnew load.z bus1=b kv=12.47\nbatchedit load.X|Y kw=7\nbatchedit line.^l$ length=5\n");
  EXPECT_EQ(data.loads[0].power.real(), 7e3);
  EXPECT_EQ(data.loads[1].power.real(), 7e3);
  EXPECT_EQ(data.loads[2].power.real(), 10e3);
  EXPECT_NEAR(data.lines[0].series_impedance(0, 0).real() / data.lines[1].series_impedance(0, 0).real(), 5, 1e-12);
  EXPECT_EQ(test::error_of([] { data_of("batchedit load.( kw=7"); }), "small.dss:7: '(' is no regular expression: correct it");
}

}  // namespace
}  // namespace gridfed

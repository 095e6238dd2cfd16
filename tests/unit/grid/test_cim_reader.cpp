#include "grid/cim_reader.hpp"

#include "feeders.hpp"
#include "grid/network.hpp"
#include "runtime/error.hpp"

#include <gtest/gtest.h>

namespace gridfed {
namespace {

/// A source, a line and a load, with more objects before the end.
std::string model(const std::string& more) {
  return R"(<rdf:RDF xmlns:cim="http://iec.ch/TC57/CIM100#" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<cim:BaseVoltage rdf:ID="v"><cim:BaseVoltage.nominalVoltage>400</cim:BaseVoltage.nominalVoltage></cim:BaseVoltage>
<cim:ConnectivityNode rdf:about="urn:uuid:a"><cim:IdentifiedObject.name>A 1</cim:IdentifiedObject.name></cim:ConnectivityNode>
<cim:ConnectivityNode rdf:ID="b"/>
<cim:EnergySource rdf:ID="s"><cim:EnergySource.nominalVoltage>400</cim:EnergySource.nominalVoltage></cim:EnergySource>
<cim:Terminal rdf:ID="st"><cim:Terminal.ConductingEquipment rdf:resource="#s"/><cim:Terminal.ConnectivityNode rdf:resource="urn:uuid:a"/></cim:Terminal>
<cim:ACLineSegment rdf:ID="l"><cim:ACLineSegment.r>0.1</cim:ACLineSegment.r><cim:ACLineSegment.x>0.2</cim:ACLineSegment.x></cim:ACLineSegment>
<cim:Terminal rdf:ID="l2"><cim:ACDCTerminal.sequenceNumber>2</cim:ACDCTerminal.sequenceNumber><cim:Terminal.ConductingEquipment rdf:resource="#l"/><cim:Terminal.ConnectivityNode rdf:resource="#b"/></cim:Terminal>
<cim:Terminal rdf:ID="l1"><cim:ACDCTerminal.sequenceNumber>1</cim:ACDCTerminal.sequenceNumber><cim:Terminal.ConductingEquipment rdf:resource="#l"/><cim:Terminal.ConnectivityNode rdf:resource="#a"/></cim:Terminal>
)" + more +
         "\n</rdf:RDF>\n";
}

NetworkData read_text(const std::string& text) {
  const auto folder = std::filesystem::temp_directory_path() / ("gridfed_cim_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "small.xml") << text;
  NetworkData data;
  const std::string message = test::error_of([&] { data = read_cim(folder / "small.xml"); });
  std::filesystem::remove_all(folder);
  if (message != "no error") throw Error(message);
  return data;
}

void expect_refusal(const std::string& part, const std::string& text) {
  const std::string message = test::error_of([&] { read_text(text); });
  EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in:\n" << message;
}

TEST(CimReader, TakesTerminalsInTheirSequenceAndASourceWithoutImpedanceAsIdeal) {
  const auto data = read_text(model(""));
  ASSERT_EQ(data.lines.size(), 1u);
  EXPECT_EQ(data.lines[0].from.bus, "a_1");
  EXPECT_EQ(data.lines[0].to.bus, "b");
  EXPECT_LT(std::abs(data.lines[0].series_impedance(1, 1) - Complex(0.1, 0.2)), 1e-15);
  EXPECT_EQ(data.lines[0].series_impedance(0, 1), 0.0);
  EXPECT_TRUE(data.sources[0].ideal);
  EXPECT_EQ(make_network(data)->node_count(), 6);
}

TEST(CimReader, SwitchesWhosePhasesStandDifferentlyAreSplit) {
  const auto data = read_text(model(
      "<cim:Breaker rdf:ID='w'><cim:IdentifiedObject.name>l</cim:IdentifiedObject.name></cim:Breaker>"
      "<cim:Terminal rdf:ID='w1'><cim:Terminal.ConductingEquipment rdf:resource='#w'/><cim:Terminal.ConnectivityNode "
      "rdf:resource='#a'/></cim:Terminal>"
      "<cim:Terminal rdf:ID='w2'><cim:ACDCTerminal.sequenceNumber>2</cim:ACDCTerminal.sequenceNumber><cim:Terminal.ConductingEquipment "
      "rdf:resource='#w'/>"
      "<cim:Terminal.ConnectivityNode rdf:resource='#b'/></cim:Terminal>"
      "<cim:SwitchPhase rdf:ID='wa'><cim:SwitchPhase.Switch rdf:resource='#w'/><cim:SwitchPhase.closed>true</cim:SwitchPhase.closed>"
      "<cim:SwitchPhase.phaseSide1 rdf:resource='x#SinglePhaseKind.A'/></cim:SwitchPhase>"
      "<cim:SwitchPhase rdf:ID='wc'><cim:SwitchPhase.Switch rdf:resource='#w'/><cim:SwitchPhase.closed>false</cim:SwitchPhase.closed>"
      "<cim:SwitchPhase.phaseSide1 rdf:resource='x#SinglePhaseKind.C'/><cim:SwitchPhase.phaseSide2 "
      "rdf:resource='x#SinglePhaseKind.B'/></cim:SwitchPhase>"));
  ASSERT_EQ(data.lines.size(), 3u);  // the segment's name is taken
  EXPECT_EQ(data.lines[1].name, "l_breaker_1");
  EXPECT_TRUE(data.lines[1].closed);
  EXPECT_EQ(data.lines[2].name, "l_breaker_3");
  EXPECT_FALSE(data.lines[2].closed);
  EXPECT_EQ(data.lines[2].from.nodes, std::vector<int>{3});
  EXPECT_EQ(data.lines[2].to.nodes, std::vector<int>{2});
}

TEST(CimReader, NamesObjectClassAndLineOfWhatItCannotRead) {
  expect_refusal(
      "small.xml:10: SynchronousMachine 'G' (m) is connected to the network but of a class that is not read",
      model("<cim:SynchronousMachine rdf:ID='m'><cim:IdentifiedObject.name>G</cim:IdentifiedObject.name></cim:SynchronousMachine>"
            "<cim:Terminal rdf:ID='mt'><cim:Terminal.ConductingEquipment rdf:resource='#m'/></cim:Terminal>"));
  expect_refusal("small.xml:10: Fuse f has 0 terminals: it needs 2", model("<cim:Fuse rdf:ID='f'/>"));
  expect_refusal("BaseVoltage v is defined twice", model("<cim:BaseVoltage rdf:ID='v'/>"));
  expect_refusal("EnergyConsumer c refers by LoadResponse to none, which the file does not have",
                 model("<cim:EnergyConsumer rdf:ID='c'><cim:ConductingEquipment.BaseVoltage rdf:resource='#v'/>"
                       "<cim:EnergyConsumer.LoadResponse rdf:resource='#none'/></cim:EnergyConsumer>"
                       "<cim:Terminal rdf:ID='ct'><cim:Terminal.ConductingEquipment rdf:resource='#c'/><cim:Terminal.ConnectivityNode "
                       "rdf:resource='#b'/></cim:Terminal>"));
  expect_refusal("PowerTransformer t must have either PowerTransformerEnds or TransformerTanks",
                 model("<cim:PowerTransformer rdf:ID='t'/>"));
  expect_refusal(
      "BaseFrequency q has frequency 'fifty': it must be a number",
      model("<cim:BaseFrequency rdf:ID='q'><cim:BaseFrequency.frequency>fifty</cim:BaseFrequency.frequency></cim:BaseFrequency>"));
  expect_refusal("small.xml:11: this is not well-formed XML", model("<cim:Fuse>"));
  expect_refusal("the outermost element is 'html'", "<html/>");
}

TEST(CimReader, NotesUnknownClassesOnce) {
  const auto data = read_text(model("<cim:Manufacturer rdf:ID='m1'/><cim:Manufacturer rdf:ID='m2'/>"));
  EXPECT_EQ(data.notes, std::vector<std::string>{"2 objects of class Manufacturer are not read"});
}

}  // namespace
}  // namespace gridfed

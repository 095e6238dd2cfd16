#include "field/net/station_loop.hpp"

#include "refusals.hpp"
#include "stations.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <filesystem>
#include <fstream>

namespace gridfed {
namespace {

using namespace dnp3;

/// A master and an outstation joined by a loop over 127.0.0.1.
struct Loopback {
  explicit Loopback(ServerOptions server = {}, ClientOptions client = {}, MasterOptions options = {})
      : master(options), outstation({}, few_points()) {
    server.endpoint = {"127.0.0.1", 0};
    client.endpoint = {"127.0.0.1", loop.serve(outstation.station, server)};
    client.reconnect = 50ms;
    loop.connect(master.station, client);
  }
  /// Turns until it holds or too much time is over.
  template <class Holds>
  bool until(Holds&& holds, Duration longest = 60s) {
    for (const auto end = StationLoop::now() + longest; StationLoop::now() < end;) {
      if (holds()) return true;
      outstation.now = StationLoop::now();
      loop.run_once(5ms);
    }
    return holds();
  }
  bool online() {
    return until([&] { return master.station.online(); });
  }

  TestMaster master;
  TestOutstation outstation;
  StationLoop loop;
};

TEST(StationLoop, ReadsAndCommandsOverASocket) {
  Loopback both;
  both.outstation.station.update(PointType::analog_input, 1, {.value = 7}, StationLoop::now());
  ASSERT_TRUE(both.online());
  EXPECT_EQ(both.master.value(PointType::analog_input, 1), 7);
  both.master.station.operate(std::vector{Command::latch(2, true)}, CommandMode::select_before_operate, StationLoop::now(),
                              both.master.note());
  EXPECT_TRUE(both.until([&] { return !both.master.results.empty(); }));
  EXPECT_EQ(both.master.results.at(0).outcome, CommandResult::Outcome::done);
  EXPECT_EQ(both.outstation.done.size(), 1u);
}

TEST(StationLoop, AnAddressThatIsNotAllowedIsRefused) {
  Loopback both({.allowed = AllowList({"192.0.2.0/24", "2001:db8::/32"})});
  EXPECT_TRUE(both.until([&] { return both.loop.statistics().refused_addresses > 0; }));
  EXPECT_FALSE(both.master.station.online());
  EXPECT_NE(both.loop.statistics().last_problem.find("127.0.0.1, which is not allowed"), std::string::npos);
  Loopback allowed({.allowed = AllowList({"127.0.0.0/8"})});
  EXPECT_TRUE(allowed.online());
}

TEST(AllowList, KnowsAddressesAndNetworks) {
  const AllowList list({"10.1.0.0/16", "192.0.2.7", "2001:db8::/33"});
  EXPECT_TRUE(list.allows(resolve({"10.1.255.3", 1})));
  EXPECT_FALSE(list.allows(resolve({"10.2.0.0", 1})));
  EXPECT_TRUE(list.allows(resolve({"192.0.2.7", 1})));
  EXPECT_FALSE(list.allows(resolve({"192.0.2.6", 1})));
  EXPECT_TRUE(list.allows(resolve({"2001:db8:7fff::1", 1})));
  EXPECT_FALSE(list.allows(resolve({"2001:db8:8000::1", 1})));
  EXPECT_TRUE(AllowList().allows(resolve({"203.0.113.1", 1})));
  for (const auto* wrong : {"10.1.0.0/33", "10.1", "10.1.0.0/", "x", "::/129", "10.0.0.0/-1"})
    EXPECT_TRUE(refuses([&] { AllowList({wrong}); }, wrong)) << wrong;
}

TEST(StationLoop, APortInUseIsNamed) {
  TestOutstation one, two;
  StationLoop loop;
  const auto port = loop.serve(one.station, {.endpoint = {"127.0.0.1", 0}});
  EXPECT_TRUE(refuses([&] { loop.serve(two.station, {.endpoint = {"127.0.0.1", port}}); }, "cannot listen at 127.0.0.1:"));
}

/// A peer that is nothing but a socket.
struct RawPeer {
  explicit RawPeer(std::uint16_t port) : socket(connecting_socket(resolve({"127.0.0.1", port}))), stream(tcp_stream(std::move(socket))) {}
  FileDescriptor socket;
  std::unique_ptr<Stream> stream;
};

TEST(StationLoop, ANewConnectionReplacesAHalfOpenOne) {
  TestOutstation outstation;
  StationLoop loop;
  const auto port = loop.serve(outstation.station, {.endpoint = {"127.0.0.1", 0}});
  RawPeer dead(port);
  for (int i = 0; i < 5; ++i) loop.run_once(5ms);
  EXPECT_EQ(loop.statistics().connections, 1u);
  TestMaster master;
  loop.connect(master.station, {.endpoint = {"127.0.0.1", port}});
  for (int i = 0; i < 5000 && !master.station.online(); ++i) loop.run_once(5ms);
  EXPECT_TRUE(master.station.online());
  EXPECT_EQ(loop.statistics().replaced, 1u);
}

TEST(StationLoop, AMasterConnectsAgainAfterTheOutstationWentAway) {
  TestMaster master;
  StationLoop loop;
  std::uint16_t port = 0;
  {
    StationLoop other;
    TestOutstation outstation;
    port = other.serve(outstation.station, {.endpoint = {"127.0.0.1", 0}});
    loop.connect(master.station, {.endpoint = {"127.0.0.1", port}, .reconnect = 20ms});
    for (int i = 0; i < 20000 && !master.station.online(); ++i) {
      loop.run_once(1ms);
      other.run_once(1ms);
    }
    ASSERT_TRUE(master.station.online());
  }
  for (int i = 0; i < 20; ++i) loop.run_once(2ms);
  EXPECT_FALSE(master.station.online());
  TestOutstation again;
  StationLoop other;
  other.serve(again.station, {.endpoint = {"127.0.0.1", port}});
  for (int i = 0; i < 20000 && !master.station.online(); ++i) {
    loop.run_once(1ms);
    other.run_once(1ms);
  }
  EXPECT_TRUE(master.station.online());
}

TEST(HostilePeer, OneThatWritesAndNeverReadsIsHeldBackAndStallsNobody) {
  std::vector<PointOptions> points;
  for (std::uint16_t i = 0; i < 1000; ++i) points.push_back({.type = PointType::analog_input, .index = i});
  TestOutstation victim({}, points), other;
  TestMaster master({.event_period = 20ms});
  StationLoop loop;
  const auto port = loop.serve(victim.station, {.endpoint = {"127.0.0.1", 0}});
  loop.connect(master.station, {.endpoint = {"127.0.0.1", loop.serve(other.station, {.endpoint = {"127.0.0.1", 0}})}});
  RawPeer peer(port);
  Bytes requests;
  for (unsigned i = 0; i < 1000; ++i) put(requests, frame_with(hex("C0 01 3C 01 06"), 10, 1, true, i));
  // Until the kernel takes nothing more for long: it is not read from any more.
  std::size_t largest = 0;
  int blocked = 0;
  for (const auto end = StationLoop::now() + 60s; StationLoop::now() < end && (blocked < 200 || master.polls < 10);) {
    blocked = peer.stream->write(requests).status == Stream::Status::blocked ? blocked + 1 : 0;
    loop.run_once(1ms);
    largest = std::max(largest, victim.station.output().size());
  }
  EXPECT_GE(blocked, 200);
  EXPECT_GE(largest, 64u * 1024);
  EXPECT_LT(largest, 256u * 1024);
  EXPECT_GE(master.polls, 10);
}

TEST(HostilePeer, AByteAtATimeStallsNobody) {
  TestOutstation victim, other;
  TestMaster master({.event_period = 20ms});
  StationLoop loop;
  const auto port = loop.serve(victim.station, {.endpoint = {"127.0.0.1", 0}});
  loop.connect(master.station, {.endpoint = {"127.0.0.1", loop.serve(other.station, {.endpoint = {"127.0.0.1", 0}})}});
  RawPeer peer(port);
  const auto frame = frame_with(hex("C0 01 3C 01 06"), 10, 1, true);
  std::size_t at = 0;
  for (const auto end = StationLoop::now() + 60s;
       StationLoop::now() < end && (victim.station.statistics().requests < 5 || master.polls < 10);) {
    if (peer.stream->write({&frame[at % frame.size()], 1}).bytes == 1) ++at;
    loop.run_once(1ms);
  }
  EXPECT_GE(victim.station.statistics().requests, 5u);
  EXPECT_GE(master.polls, 10);
}

/// Certificates made for a test: an authority and what it or another one signed.
class Certificates {
 public:
  Certificates() : folder_(std::filesystem::temp_directory_path() / ("gridfed_tls_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(folder_);
    const auto authority = key(), stranger = key();
    write("authority", authority.get(), "authority", authority.get(), "authority");
    write("stranger", stranger.get(), "stranger", stranger.get(), "stranger");
    for (const std::string name : {"master", "outstation"}) {
      const auto own = key();
      write(name, own.get(), name, authority.get(), "authority");
    }
    const auto own = key();
    write("intruder", own.get(), "master", stranger.get(), "stranger");
  }
  ~Certificates() { std::filesystem::remove_all(folder_); }
  TlsOptions of(const std::string& name, const std::string& peer = "") const {
    return {.certificate = folder_ / (name + ".pem"),
            .key = folder_ / (name + ".key"),
            .authority = folder_ / "authority.pem",
            .peer_name = peer};
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
  };
  using Key = std::unique_ptr<EVP_PKEY, Free>;
  static Key key() { return Key(EVP_EC_gen("P-256")); }

  void write(const std::string& file, EVP_PKEY* own, const std::string& name, EVP_PKEY* signer, const std::string& issuer) {
    const std::unique_ptr<X509, Free> certificate(X509_new());
    auto* const x = certificate.get();
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    const auto set = [](X509_NAME* into, const std::string& text) {
      X509_NAME_add_entry_by_txt(into, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
    };
    set(X509_get_subject_name(x), name);
    set(X509_get_issuer_name(x), issuer);
    X509_set_pubkey(x, own);
    const auto extend = [&](int kind, const std::string& text) {
      auto* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, text.c_str());
      X509_add_ext(x, extension, -1);
      X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, own == signer ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (own != signer) extend(NID_subject_alt_name, "DNS:" + name);
    X509_sign(x, signer, EVP_sha256());
    auto* pem = std::fopen((folder_ / (file + ".pem")).c_str(), "w");
    PEM_write_X509(pem, x);
    std::fclose(pem);
    pem = std::fopen((folder_ / (file + ".key")).c_str(), "w");
    PEM_write_PrivateKey(pem, own, nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(pem);
  }

  std::filesystem::path folder_;
  long serial_ = 0;
};

std::shared_ptr<const TlsContext> context(const TlsOptions& options, TlsContext::Role role) {
  return std::make_shared<TlsContext>(options, role);
}

Loopback secured(const Certificates&, const TlsOptions& server, const TlsOptions& client) {
  return Loopback({.tls = context(server, TlsContext::Role::server)}, {.tls = context(client, TlsContext::Role::client)});
}

TEST(Tls, BothEndsShowACertificate) {
  const Certificates certificates;
  auto both = secured(certificates, certificates.of("outstation", "master"), certificates.of("master", "outstation"));
  EXPECT_TRUE(both.online()) << both.loop.statistics().last_problem;
}

TEST(Tls, CertificateOfAnotherAuthorityIsRefused) {
  const Certificates certificates;
  auto both = secured(certificates, certificates.of("outstation"), certificates.of("intruder"));
  EXPECT_TRUE(both.until([&] { return both.loop.statistics().failed_handshakes > 0; }));
  EXPECT_FALSE(both.master.station.online());
}

TEST(Tls, CertificateOfAnotherNameIsRefused) {
  const Certificates certificates;
  auto both = secured(certificates, certificates.of("outstation"), certificates.of("master", "substation-7"));
  EXPECT_TRUE(both.until([&] { return both.loop.statistics().failed_handshakes > 0; }));
  EXPECT_FALSE(both.master.station.online());
}

TEST(Tls, PlainTextIsNoConversation) {
  const Certificates certificates;
  Loopback both({.tls = context(certificates.of("outstation"), TlsContext::Role::server)});
  EXPECT_TRUE(both.until([&] { return both.loop.statistics().failed_handshakes > 0; }));
  EXPECT_FALSE(both.master.station.online());
  EXPECT_EQ(both.outstation.station.statistics().requests, 0u);
}

TEST(Tls, OneWhoConnectsAndSaysNothingBlocksNobody) {
  const Certificates certificates;
  TestOutstation outstation;
  TestMaster master;
  StationLoop loop;
  const auto port = loop.serve(outstation.station,
                               {.endpoint = {"127.0.0.1", 0}, .tls = context(certificates.of("outstation"), TlsContext::Role::server)});
  RawPeer silent(port);
  for (int i = 0; i < 5; ++i) loop.run_once(2ms);
  loop.connect(master.station, {.endpoint = {"127.0.0.1", port}, .tls = context(certificates.of("master"), TlsContext::Role::client)});
  for (int i = 0; i < 20000 && !master.station.online(); ++i) loop.run_once(5ms);
  EXPECT_TRUE(master.station.online());
}

TEST(Tls, FilesThatCannotBeUsedAreNamed) {
  const Certificates certificates;
  auto options = certificates.of("master");
  options.key = certificates.of("outstation").key;
  EXPECT_TRUE(refuses([&] { TlsContext(options, TlsContext::Role::client); }, "outstation.key"));
  options = certificates.of("nobody");
  EXPECT_TRUE(refuses([&] { TlsContext(options, TlsContext::Role::client); }, "nobody.pem"));
}

}  // namespace
}  // namespace gridfed

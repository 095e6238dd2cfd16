#include "field/options.hpp"

#include "runtime/csv_table.hpp"

namespace gridfed {

namespace po = boost::program_options;

void declare(po::options_description& deck, FieldLinkOptions& o) {
  deck.add_options()("link.host", po::value(&o.host)->default_value(o.host), "address to listen at; of a master: where the outstation is")(
      "link.port", po::value(&o.port)->default_value(o.port), "TCP port")(
      "link.outstation", po::value(&o.outstation)->default_value(o.outstation), "DNP3 address of the outstation")(
      "link.master", po::value(&o.master)->default_value(o.master), "DNP3 address of the master")(
      "link.confirmed", po::value(&o.confirmed)->default_value(o.confirmed), "acknowledge every frame; not of use over TCP")(
      "link.keep_alive", po::value(&o.keep_alive)->default_value(o.keep_alive), "silence until the other is asked whether it is there [s]")(
      "link.allowed", po::value(&o.allowed)->default_value(o.allowed),
      "addresses and networks that may connect, separated by commas; empty = all")(
      "tls.certificate", po::value(&o.tls.certificate)->default_value(""), "own certificate (PEM); empty = no TLS")(
      "tls.key", po::value(&o.tls.key)->default_value(""), "its private key (PEM)")(
      "tls.authority", po::value(&o.tls.authority)->default_value(""), "certificates of those who may sign the other's (PEM)")(
      "tls.peer_name", po::value(&o.tls.peer_name)->default_value(""), "name that the other's certificate must hold; empty = any");
}

dnp3::LinkOptions link_options(const FieldLinkOptions& o, bool master) {
  const auto address = [](const char* key, int value) {
    if (value < 0 || value >= dnp3::first_reserved_address)
      throw Error("{} is {}: stations have addresses from 0 to {}", key, value, dnp3::first_reserved_address - 1);
    return static_cast<std::uint16_t>(value);
  };
  if (!(o.keep_alive >= 0)) throw Error("link.keep_alive is {}: it must not be negative", o.keep_alive);
  const auto outstation_address = address("link.outstation", o.outstation), master_address = address("link.master", o.master);
  return {.local = master ? master_address : outstation_address,
          .remote = master ? outstation_address : master_address,
          .master = master,
          .confirmed = o.confirmed,
          .keep_alive = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(o.keep_alive))};
}

std::shared_ptr<const TlsContext> tls_context(const FieldLinkOptions& o, TlsContext::Role role) {
  if (o.tls.certificate.empty()) {
    if (!o.tls.key.empty() || !o.tls.authority.empty()) throw Error("tls.certificate is empty: name the certificate of tls.key");
    return nullptr;
  }
  return std::make_shared<TlsContext>(o.tls, role);
}

namespace {

Endpoint endpoint(const FieldLinkOptions& o) {
  if (o.port < 0 || o.port > 65535) throw Error("link.port is {}: it must be from 0 to 65535", o.port);
  return {o.host, static_cast<std::uint16_t>(o.port)};
}

}  // namespace

ServerOptions server_options(const FieldLinkOptions& o) {
  return {.endpoint = endpoint(o),
          .tls = tls_context(o, TlsContext::Role::server),
          .allowed = o.allowed.empty() ? AllowList() : AllowList(csv_cells(o.allowed))};
}

ClientOptions client_options(const FieldLinkOptions& o) {
  return {.endpoint = endpoint(o), .tls = tls_context(o, TlsContext::Role::client)};
}

}  // namespace gridfed

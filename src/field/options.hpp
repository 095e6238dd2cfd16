#pragma once

#include "field/dnp3/link_layer.hpp"
#include "field/net/station_loop.hpp"

#include <boost/program_options/options_description.hpp>

namespace gridfed {

/// How a driver of the field reaches its peer: keys [link] and [tls].
struct FieldLinkOptions {
  std::string host = "127.0.0.1";
  int port = 20000;
  int outstation = 10, master = 1;  ///< DNP3 addresses
  bool confirmed = false;
  double keep_alive = 60;  ///< [s]
  std::string allowed;     ///< networks, separated by commas
  TlsOptions tls;
};

void declare(boost::program_options::options_description& deck, FieldLinkOptions& options);

/// All of these throw an Error naming the key.
dnp3::LinkOptions link_options(const FieldLinkOptions& options, bool master);
std::shared_ptr<const TlsContext> tls_context(const FieldLinkOptions& options, TlsContext::Role role);
ServerOptions server_options(const FieldLinkOptions& options);
ClientOptions client_options(const FieldLinkOptions& options);

}  // namespace gridfed

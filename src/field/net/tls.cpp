#include "field/net/tls.hpp"

#include "runtime/error.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <climits>

namespace gridfed {

namespace {

std::string openssl_reason() {
  const auto code = ERR_get_error();
  ERR_clear_error();
  const char* const reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason ? reason : "no reason given";
}

struct FreeSsl {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};

class TlsStream final : public Stream {
 public:
  TlsStream(FileDescriptor socket, std::unique_ptr<SSL, FreeSsl> ssl) : socket_(std::move(socket)), ssl_(std::move(ssl)) {}
  ~TlsStream() override {
    // Tells the other side without waiting for it; after an error nothing may be sent.
    if (ready_ && !failed_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

  int descriptor() const override { return socket_.get(); }
  Status handshake() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    ready_ = done == 1;
    return ready_ ? Status::done : status(done);
  }
  Result read(std::span<std::uint8_t> into) override {
    ERR_clear_error();
    std::size_t count = 0;
    const int done = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    return done == 1 ? Result{Status::done, count} : Result{status(done)};
  }
  Result write(dnp3::ByteSpan bytes) override {
    ERR_clear_error();
    std::size_t count = 0;
    const int done = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    return done == 1 ? Result{Status::done, count} : Result{status(done)};
  }
  bool wants_to_write() const override { return wants_to_write_; }
  bool has_buffered() const override { return SSL_pending(ssl_.get()) > 0; }
  std::string problem() const override { return problem_; }

 private:
  Status status(int result) {
    const int error = SSL_get_error(ssl_.get(), result);
    wants_to_write_ = error == SSL_ERROR_WANT_WRITE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Status::blocked;
    failed_ = failed_ || error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL;
    if (error == SSL_ERROR_SSL) {
      problem_ = openssl_reason();
      const auto verified = SSL_get_verify_result(ssl_.get());
      if (verified != X509_V_OK) problem_ += std::string(" (") + X509_verify_cert_error_string(verified) + ")";
    }
    return Status::closed;
  }

  FileDescriptor socket_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string problem_;
  bool ready_ = false, failed_ = false, wants_to_write_ = false;
};

}  // namespace

void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}

TlsContext::TlsContext(const TlsOptions& options, Role role)
    : context_(SSL_CTX_new(role == Role::client ? TLS_client_method() : TLS_server_method())), peer_name_(options.peer_name), role_(role) {
  if (!context_) throw Error("OpenSSL gives no TLS context ({}): check its installation", openssl_reason());
  auto* const context = context_.get();
  const auto need = [](bool done, const char* what, const std::filesystem::path& file) {
    if (!done)
      throw Error("the {} '{}' cannot be used ({}): it must be a PEM file that fits the others", what, file.string(), openssl_reason());
  };
  need(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1, "protocol", "TLS 1.2");
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  need(SSL_CTX_load_verify_locations(context, options.authority.c_str(), nullptr) == 1, "authority", options.authority);
  need(SSL_CTX_use_certificate_chain_file(context, options.certificate.c_str()) == 1, "certificate", options.certificate);
  need(SSL_CTX_use_PrivateKey_file(context, options.key.c_str(), SSL_FILETYPE_PEM) == 1, "key", options.key);
  need(SSL_CTX_check_private_key(context) == 1, "key", options.key);
}

std::unique_ptr<Stream> TlsContext::stream(FileDescriptor socket) const {
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context_.get()));
  if (!ssl || SSL_set_fd(ssl.get(), socket.get()) != 1) throw Error("OpenSSL gives no TLS connection ({})", openssl_reason());
  if (!peer_name_.empty()) {
    auto* const parameters = SSL_get0_param(ssl.get());
    // An address is compared with the addresses of a certificate, any other text with its names.
    if (X509_VERIFY_PARAM_set1_ip_asc(parameters, peer_name_.c_str()) != 1) {
      ERR_clear_error();
      if (SSL_set1_host(ssl.get(), peer_name_.c_str()) != 1) throw Error("'{}' is no name of a TLS peer: write a DNS name", peer_name_);
    }
  }
  if (role_ == Role::client) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
  return std::make_unique<TlsStream>(std::move(socket), std::move(ssl));
}

}  // namespace gridfed

#include "field/net/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gridfed {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) close(fd_);
}

namespace {

class TcpStream final : public Stream {
 public:
  explicit TcpStream(FileDescriptor socket) : socket_(std::move(socket)) {}

  int descriptor() const override { return socket_.get(); }
  Status handshake() override { return Status::done; }
  Result read(std::span<std::uint8_t> into) override {
    const auto count = recv(socket_.get(), into.data(), into.size(), 0);
    // An answer is written at once; a peer that waits for the acknowledgement of its last segment must not wait for that.
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    return count == 0 ? Result{Status::closed} : result(count);
  }
  Result write(dnp3::ByteSpan bytes) override { return result(send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL)); }
  bool wants_to_write() const override { return false; }
  bool has_buffered() const override { return false; }
  std::string problem() const override { return error_ == 0 ? "" : std::strerror(error_); }

 private:
  Result result(ssize_t count) {
    if (count >= 0) return {Status::done, static_cast<std::size_t>(count)};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {Status::blocked};
    error_ = errno;
    return {Status::closed};
  }

  FileDescriptor socket_;
  int error_ = 0;
};

}  // namespace

std::unique_ptr<Stream> tcp_stream(FileDescriptor socket) {
  return std::make_unique<TcpStream>(std::move(socket));
}

}  // namespace gridfed

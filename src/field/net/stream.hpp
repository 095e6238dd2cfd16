#pragma once

#include "field/dnp3/bytes.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

namespace gridfed {

/// Sole owner of a file descriptor.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// A connection that never waits: what it cannot do now is `blocked`.
class Stream {
 public:
  enum class Status { done, blocked, closed };
  struct Result {
    Status status = Status::done;
    std::size_t bytes = 0;
  };

  virtual ~Stream() = default;
  virtual int descriptor() const = 0;
  /// To be called until it is done before anything is read or written.
  virtual Status handshake() = 0;
  virtual Result read(std::span<std::uint8_t> into) = 0;
  virtual Result write(dnp3::ByteSpan bytes) = 0;
  /// Does what blocked wait until it may write?
  virtual bool wants_to_write() const = 0;
  /// Bytes that were received and that poll(2) does not tell of.
  virtual bool has_buffered() const = 0;
  /// Why it closed, for the log; may be empty.
  virtual std::string problem() const = 0;
};

std::unique_ptr<Stream> tcp_stream(FileDescriptor socket);

}  // namespace gridfed

#pragma once

#include "field/dnp3/bytes.hpp"

#include <optional>

namespace gridfed::dnp3 {

/// One end of a conversation, without sockets: bytes in, bytes out, and the time told from outside. Not moved by anything else.
class Station {
 public:
  virtual ~Station() = default;

  /// A new connection stands: what was half said on the last one is forgotten.
  virtual void connected(Instant now) = 0;
  virtual void disconnected(Instant now) = 0;
  virtual void receive(ByteSpan bytes, Instant now) = 0;
  /// Does what is due; to be called at next_deadline() or later, and after anything that gives it something to say.
  virtual void tick(Instant now) = 0;
  virtual std::optional<Instant> next_deadline() const = 0;
  /// Bytes for the wire; the caller takes them out.
  virtual Bytes& output() = 0;
  /// Nobody answers any more: the connection is to be closed.
  virtual bool lost() const = 0;
};

}  // namespace gridfed::dnp3

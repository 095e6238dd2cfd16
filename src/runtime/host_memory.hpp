#pragma once

#include "runtime/communicator.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace gridfed {

/// Memory that ranks of one host write and read in common, a part for each of them. Where the system gives none, every rank is a host of
/// its own.
class HostMemory {
 public:
  /// Collective on comm. host holds the ranks of comm that share memory with this one, in their order (comm.split_by_host()); bytes are
  /// those of this rank's part, which begins at a multiple of 64.
  HostMemory(const Communicator& comm, Communicator host, std::size_t bytes);
  HostMemory(HostMemory&& other) noexcept
      : host_(std::move(other.host_)),
        window_(std::exchange(other.window_, MPI_WIN_NULL)),
        alone_(std::move(other.alone_)),
        parts_(std::move(other.parts_)),
        ranks_(std::move(other.ranks_)) {}
  HostMemory& operator=(HostMemory&&) = delete;
  ~HostMemory();

  const Communicator& host() const { return host_; }
  /// Ranks of comm on this host, ascending: the k-th is rank k of host().
  const std::vector<int>& ranks() const { return ranks_; }
  /// The part of rank k of host().
  std::span<std::byte> part(int k) const { return parts_[static_cast<std::size_t>(k)]; }
  std::span<std::byte> own() const { return part(host_.rank()); }
  /// To be called before and after a collective call that tells ranks of this host that others have written.
  void sync() const;

 private:
  Communicator host_;
  MPI_Win window_ = MPI_WIN_NULL;
  std::unique_ptr<std::byte[]> alone_;  ///< where there is no window
  std::vector<std::span<std::byte>> parts_;
  std::vector<int> ranks_;
};

}  // namespace gridfed

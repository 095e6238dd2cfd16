#pragma once

#include "runtime/error.hpp"

#include <mpi.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <ranges>
#include <source_location>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace gridfed {

/// Throws the text of an MPI error code as an Error.
void check(int mpi_code, std::source_location where = std::source_location::current());

/// The MPI type of an arithmetic type.
template <class T>
MPI_Datatype mpi_type();

/// Sole owner of a duplicate of an MPI communicator, so its messages never meet those of a library.
/// Freeing is collective: while an exception unwinds one rank of several the duplicate is leaked, as a leak before abort beats a deadlock.
class Communicator {
 public:
  /// Collective on comm.
  static Communicator duplicate(MPI_Comm comm);
  Communicator(Communicator&& other) noexcept : comm_(std::exchange(other.comm_, MPI_COMM_NULL)) {}
  Communicator& operator=(Communicator&& other) noexcept {
    std::swap(comm_, other.comm_);
    return *this;
  }
  ~Communicator();

  /// Collective on comm. Ranks of equal colour form one communicator, ordered by key.
  Communicator split(int color, int key) const;
  /// Collective on comm. The ranks that share memory with this one, in their order.
  Communicator split_by_host() const;

  int rank() const;
  int size() const;
  MPI_Comm get() const { return comm_; }

  /// Collective on comm.
  void barrier() const;
  /// Collective on comm. Replaces values by their sums over the ranks. MPI may add in an order that depends on the number of ranks:
  /// where a result must not, gather and add in client order.
  template <class T>
  void all_reduce_sum(std::span<T> values) const {
    reduce(values.data(), values.size(), sizeof(T), mpi_type<T>(), MPI_SUM);
  }
  /// Collective on comm.
  template <class T>
  void all_reduce_max(std::span<T> values) const {
    reduce(values.data(), values.size(), sizeof(T), mpi_type<T>(), MPI_MAX);
  }
  /// Collective on comm.
  template <class T>
  void all_reduce_min(std::span<T> values) const {
    reduce(values.data(), values.size(), sizeof(T), mpi_type<T>(), MPI_MIN);
  }
  /// Collective on comm. The parts of all ranks in rank order; counts receives the length of each part.
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> all_gather_v(std::span<const T> mine, std::vector<int>* counts = nullptr)
  const {
    std::vector<int> lengths = gathered_counts(mine.size());
    std::vector<T> all(total(lengths));
    gather(mine.data(), mine.size(), all.data(), sizeof(T), lengths);
    if (counts) *counts = std::move(lengths);
    return all;
  }
  /// Collective on comm. The same where every rank knows the lengths of all parts: one message less.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void all_gather_v(std::span<const T> mine, std::span<const int> counts, std::span<T> all) const {
    gather(mine.data(), mine.size(), all.data(), sizeof(T), counts);
  }
  /// Collective on comm. values has the same length on every rank.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void broadcast(std::span<T> values, int root) const { broadcast_bytes(values.data(), values.size_bytes(), root); }
  /// Collective on comm. The text of root, whatever the other ranks pass.
  std::string broadcast(std::string text, int root) const;
  /// Collective on comm. Sends the first send_counts[0] elements to rank 0, the next send_counts[1] to rank 1, and so on;
  /// returns what the ranks sent here in rank order, recv_counts receives the length of each part.
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> all_to_all_v(std::span<const T> send, std::span<const int> send_counts,
                                                                       std::vector<int>* recv_counts = nullptr)
  const {
    std::vector<int> lengths = exchanged_counts(send.size(), send_counts);
    std::vector<T> received(total(lengths));
    exchange(send.data(), send_counts, received.data(), sizeof(T), lengths);
    if (recv_counts) *recv_counts = std::move(lengths);
    return received;
  }
  /// Collective on comm. The same where every rank knows what it receives.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void all_to_all_v(std::span<const T> send, std::span<const int> send_counts, std::span<const int> recv_counts,
                    std::span<T> received) const {
    exchange(send.data(), send_counts, received.data(), sizeof(T), recv_counts);
  }
  /// Collective on comm. Throws the same AgreedError on every rank if any passes a message: that of the lowest such rank.
  void agree(const std::optional<std::string>& failure) const;

 private:
  explicit Communicator(MPI_Comm comm) : comm_(comm) {}
  static std::size_t total(std::span<const int> counts);
  void reduce(void* values, std::size_t count, std::size_t width, MPI_Datatype type, MPI_Op op) const;
  std::vector<int> gathered_counts(std::size_t mine) const;
  void gather(const void* mine, std::size_t count, void* all, std::size_t width, std::span<const int> counts) const;
  void broadcast_bytes(void* bytes, std::size_t count, int root) const;
  std::vector<int> exchanged_counts(std::size_t held, std::span<const int> send_counts) const;
  void exchange(const void* send, std::span<const int> send_counts, void* received, std::size_t width, std::span<const int> counts) const;

  MPI_Comm comm_ = MPI_COMM_NULL;
};

/// Half-open run of items [first, last).
struct Range {
  int first = 0, last = 0;
  int size() const { return last - first; }
  bool contains(int item) const { return first <= item && item < last; }
  auto begin() const { return std::views::iota(first, last).begin(); }
  auto end() const { return std::views::iota(first, last).end(); }
  bool operator==(const Range&) const = default;
};

/// The items of a rank when count items are dealt in order: sizes differ by at most one and the longer runs come first.
Range block_range(int count, int rank, int ranks);
Range block_range(int count, const Communicator& comm);

/// The rank whose block_range contains item.
int owner(int item, int count, int ranks);

/// Collective on comm. Runs local work that may throw; if it throws on any rank, every rank throws one AgreedError with the message
/// of the lowest failing rank, otherwise each rank gets its own result. The work must not communicate.
template <class F>
auto agreed(const Communicator& comm, F&& work) {
  using Value = std::remove_cvref_t<std::invoke_result_t<F>>;
  std::optional<std::string> failure;
  if constexpr (std::is_void_v<Value>) {
    try {
      std::forward<F>(work)();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    comm.agree(failure);
  } else {
    std::optional<Value> value;
    try {
      value.emplace(std::forward<F>(work)());
    } catch (const std::exception& error) {
      failure = error.what();
    }
    comm.agree(failure);
    return std::move(*value);
  }
}

template <class T>
MPI_Datatype mpi_type() {
  static_assert(std::is_arithmetic_v<T> && !std::same_as<T, bool>, "reductions take numbers");
  if constexpr (std::same_as<T, float>) return MPI_FLOAT;
  if constexpr (std::same_as<T, double>) return MPI_DOUBLE;
  if constexpr (std::signed_integral<T>) {
    if constexpr (sizeof(T) == 1) return MPI_INT8_T;
    if constexpr (sizeof(T) == 2) return MPI_INT16_T;
    if constexpr (sizeof(T) == 4) return MPI_INT32_T;
    if constexpr (sizeof(T) == 8) return MPI_INT64_T;
  }
  if constexpr (std::unsigned_integral<T>) {
    if constexpr (sizeof(T) == 1) return MPI_UINT8_T;
    if constexpr (sizeof(T) == 2) return MPI_UINT16_T;
    if constexpr (sizeof(T) == 4) return MPI_UINT32_T;
    if constexpr (sizeof(T) == 8) return MPI_UINT64_T;
  }
}

}  // namespace gridfed

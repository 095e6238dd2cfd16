#include "runtime/communicator.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

namespace gridfed {

namespace {

constexpr std::size_t largest_count = std::numeric_limits<int>::max();

/// An element of width bytes as one MPI unit, so counts and displacements stay in elements.
class ElementType {
 public:
  explicit ElementType(std::size_t width) {
    check(MPI_Type_contiguous(static_cast<int>(width), MPI_BYTE, &type_));
    check(MPI_Type_commit(&type_));
  }
  ElementType(const ElementType&) = delete;
  ElementType& operator=(const ElementType&) = delete;
  ~ElementType() { MPI_Type_free(&type_); }
  MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_ = MPI_DATATYPE_NULL;
};

std::vector<int> displacements(std::span<const int> counts) {
  std::vector<int> starts(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), starts.begin(), 0);
  return starts;
}

}  // namespace

void check(int mpi_code, std::source_location where) {
  if (mpi_code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(mpi_code, text.data(), &length);
  throw Error("MPI failed in {} ({}): check the hosts and the network of the job", where.function_name(), text.data());
}

Communicator Communicator::duplicate(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  check(MPI_Comm_dup(comm, &copy));
  Communicator owned(copy);
  check(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN));
  return owned;
}

Communicator::~Communicator() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (comm_ == MPI_COMM_NULL || finalized) return;
  int ranks = 1;
  MPI_Comm_size(comm_, &ranks);
  if (ranks == 1 || std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
}

Communicator Communicator::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split(comm_, color, key, &part));
  Communicator owned(part);
  check(MPI_Comm_set_errhandler(part, MPI_ERRORS_RETURN));
  return owned;
}

Communicator Communicator::split_by_host() const {
  MPI_Comm part = MPI_COMM_NULL;
  check(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, rank(), MPI_INFO_NULL, &part));
  Communicator owned(part);
  check(MPI_Comm_set_errhandler(part, MPI_ERRORS_RETURN));
  return owned;
}

int Communicator::rank() const {
  int rank = 0;
  check(MPI_Comm_rank(comm_, &rank));
  return rank;
}

int Communicator::size() const {
  int size = 0;
  check(MPI_Comm_size(comm_, &size));
  return size;
}

void Communicator::barrier() const {
  check(MPI_Barrier(comm_));
}

std::string Communicator::broadcast(std::string text, int root) const {
  std::uint64_t length = text.size();
  broadcast(std::span(&length, 1), root);
  text.resize(length);
  broadcast_bytes(text.data(), text.size(), root);
  return text;
}

void Communicator::agree(const std::optional<std::string>& failure) const {
  const int here = rank(), ranks = size();
  std::array<int, 2> lowest{failure ? here : ranks, failure ? ranks : here};  // rank that failed, rank that did not
  all_reduce_min(std::span<int>(lowest));
  if (lowest[0] == ranks) return;
  const std::string message = broadcast(failure.value_or(""), lowest[0]);
  const bool all_failed = lowest[1] == ranks;
  throw AgreedError(all_failed ? message : fmt::format("rank {}: {}", lowest[0], message));
}

std::size_t Communicator::total(std::span<const int> counts) {
  return std::accumulate(counts.begin(), counts.end(), std::size_t{0});
}

void Communicator::reduce(void* values, std::size_t count, std::size_t width, MPI_Datatype type, MPI_Op op) const {
  auto* bytes = static_cast<std::byte*>(values);
  for (std::size_t done = 0; done < count; done += largest_count) {
    const std::size_t now = std::min(count - done, largest_count);
    check(MPI_Allreduce(MPI_IN_PLACE, bytes + done * width, static_cast<int>(now), type, op, comm_));
  }
}

std::vector<int> Communicator::gathered_counts(std::size_t mine) const {
  std::vector<std::uint64_t> wide(static_cast<std::size_t>(size()));
  const std::uint64_t count = mine;
  check(MPI_Allgather(&count, 1, MPI_UINT64_T, wide.data(), 1, MPI_UINT64_T, comm_));
  const std::uint64_t all = std::accumulate(wide.begin(), wide.end(), std::uint64_t{0});
  if (all > largest_count) throw AgreedError("cannot gather {} elements (MPI counts end at {}): gather in parts", all, largest_count);
  return {wide.begin(), wide.end()};
}

void Communicator::gather(const void* mine, std::size_t count, void* all, std::size_t width, std::span<const int> counts) const {
  const ElementType element(width);
  const auto starts = displacements(counts);
  check(MPI_Allgatherv(mine, static_cast<int>(count), element.get(), all, counts.data(), starts.data(), element.get(), comm_));
}

void Communicator::broadcast_bytes(void* bytes, std::size_t count, int root) const {
  for (std::size_t done = 0; done < count; done += largest_count) {
    const std::size_t now = std::min(count - done, largest_count);
    check(MPI_Bcast(static_cast<std::byte*>(bytes) + done, static_cast<int>(now), MPI_BYTE, root, comm_));
  }
}

std::vector<int> Communicator::exchanged_counts(std::size_t held, std::span<const int> send_counts) const {
  const auto ranks = static_cast<std::size_t>(size());
  agreed(*this, [&] {
    if (send_counts.size() != ranks)
      throw Error("all_to_all_v got {} counts for {} ranks: pass one count a rank", send_counts.size(), ranks);
    if (std::ranges::any_of(send_counts, [](int count) { return count < 0; }) || total(send_counts) != held)
      throw Error("all_to_all_v got counts that do not add up to its {} elements: pass the length of each rank's part", held);
    if (held > largest_count) throw Error("cannot send {} elements (MPI counts end at {}): send in parts", held, largest_count);
  });
  std::vector<int> counts(ranks);
  check(MPI_Alltoall(send_counts.data(), 1, MPI_INT, counts.data(), 1, MPI_INT, comm_));
  agreed(*this, [&] {
    if (total(counts) > largest_count)
      throw Error("cannot receive {} elements (MPI counts end at {}): send in parts", total(counts), largest_count);
  });
  return counts;
}

void Communicator::exchange(const void* send, std::span<const int> send_counts, void* received, std::size_t width,
                            std::span<const int> counts) const {
  const ElementType element(width);
  const auto send_starts = displacements(send_counts), starts = displacements(counts);
  check(MPI_Alltoallv(send, send_counts.data(), send_starts.data(), element.get(), received, counts.data(), starts.data(), element.get(),
                      comm_));
}

Range block_range(int count, int rank, int ranks) {
  const int base = count / ranks, extra = count % ranks;
  const auto start = [&](int r) { return r * base + std::min(r, extra); };
  return {start(rank), start(rank + 1)};
}

Range block_range(int count, const Communicator& comm) {
  return block_range(count, comm.rank(), comm.size());
}

int owner(int item, int count, int ranks) {
  const int base = count / ranks, extra = count % ranks;
  const int in_longer = extra * (base + 1);
  return item < in_longer ? item / (base + 1) : extra + (item - in_longer) / base;
}

}  // namespace gridfed

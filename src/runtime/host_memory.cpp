#include "runtime/host_memory.hpp"

#include <array>

namespace gridfed {

namespace {

constexpr std::size_t alignment = 64;

std::size_t padded(std::size_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment + alignment;
}

std::span<std::byte> aligned(void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  return {reinterpret_cast<std::byte*>((address + alignment - 1) / alignment * alignment), bytes};
}

}  // namespace

HostMemory::HostMemory(const Communicator& comm, Communicator host, std::size_t bytes) : host_(std::move(host)) {
  const auto allocate = [&] {
    void* memory = nullptr;
    const auto size = static_cast<MPI_Aint>(padded(bytes));
    return MPI_Win_allocate_shared(size, 1, MPI_INFO_NULL, host_.get(), &memory, &window_);
  };
  std::array<int, 1> shared{allocate() == MPI_SUCCESS ? 1 : 0};
  comm.all_reduce_min(std::span<int>(shared));
  if (shared[0] == 0) {
    window_ = MPI_WIN_NULL;  // leaked where other ranks have none: they would not help to free it
    host_ = comm.split(comm.rank(), 0);
    alone_ = std::make_unique_for_overwrite<std::byte[]>(padded(bytes));
    parts_.push_back(aligned(alone_.get(), bytes));
    ranks_.push_back(comm.rank());
    return;
  }
  check(MPI_Win_lock_all(MPI_MODE_NOCHECK, window_));
  const std::array<int, 1> rank{comm.rank()};
  const std::array<std::uint64_t, 1> length{bytes};
  ranks_ = host_.all_gather_v<int>(rank);
  const auto lengths = host_.all_gather_v<std::uint64_t>(length);
  for (int k = 0; k < host_.size(); ++k) {
    MPI_Aint size = 0;
    int unit = 0;
    void* memory = nullptr;
    check(MPI_Win_shared_query(window_, k, &size, &unit, &memory));
    parts_.push_back(aligned(memory, lengths[static_cast<std::size_t>(k)]));
  }
}

HostMemory::~HostMemory() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (window_ == MPI_WIN_NULL || finalized || (host_.size() > 1 && std::uncaught_exceptions() > 0)) return;
  MPI_Win_unlock_all(window_);
  MPI_Win_free(&window_);
}

void HostMemory::sync() const {
  if (window_ != MPI_WIN_NULL) check(MPI_Win_sync(window_));
}

}  // namespace gridfed

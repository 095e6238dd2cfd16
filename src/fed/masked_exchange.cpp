#include "fed/masked_exchange.hpp"

#include "secure/masking_client.hpp"

#include <algorithm>
#include <memory>

namespace gridfed {

namespace {

template <class Word>
std::vector<Word> sum(const Communicator& comm, const MaskedParties& parties, std::span<Word> rows, std::size_t length) {
  const std::size_t count = parties.participants.size();
  std::vector<std::size_t> mine;  // positions among the participants
  for (std::size_t i = 0; i < count; ++i) {
    if (parties.hosted.contains(parties.participants[i])) mine.push_back(i);
  }
  std::vector<std::unique_ptr<MaskingClient>> clients;
  std::vector<Advertisement> advertised;
  agreed(comm, [&] {
    for (const std::size_t i : mine) {
      clients.push_back(std::make_unique<MaskingClient>(static_cast<int>(i), parties.threshold));
      advertised.push_back(clients.back()->advertisement());
    }
  });
  advertised = comm.all_gather_v<Advertisement>(advertised);
  std::vector<SealedShares> sealed;
  agreed(comm, [&] {
    for (auto& client : clients) {
      const auto dealt = client->deal(advertised);
      sealed.insert(sealed.end(), dealt.begin(), dealt.end());
    }
  });
  sealed = comm.all_gather_v<SealedShares>(sealed);  // [from, to]
  std::vector<Word> total(length, 0);
  agreed(comm, [&] {
    std::size_t row = 0;
    for (std::size_t k = 0; k < mine.size(); ++k) {
      std::vector<SealedShares> received;
      for (std::size_t from = 0; from < count; ++from) received.push_back(sealed[from * count + mine[k]]);
      clients[k]->receive(received);
      if (!parties.delivered[mine[k]]) continue;
      const std::span<Word> vector = rows.subspan(row++ * length, length);
      clients[k]->mask(vector);
      for (std::size_t i = 0; i < length; ++i) total[i] += vector[i];
    }
  });
  comm.all_reduce_sum(std::span<Word>(total));  // exact in any order
  std::vector<DisclosedShare> disclosed;
  std::vector<int> by;
  agreed(comm, [&] {
    for (std::size_t k = 0; k < mine.size(); ++k) {
      if (!parties.delivered[mine[k]]) continue;
      const auto shares = clients[k]->disclose(parties.delivered);
      disclosed.insert(disclosed.end(), shares.begin(), shares.end());
      by.push_back(static_cast<int>(mine[k]));
    }
  });
  disclosed = comm.all_gather_v<DisclosedShare>(disclosed);
  by = comm.all_gather_v<int>(by);
  agreed(comm, [&] { unmask(std::span<Word>(total), advertised, parties.delivered, by, disclosed, parties.threshold); });
  return total;
}

}  // namespace

std::vector<std::uint32_t> masked_sum(const Communicator& comm, const MaskedParties& parties, std::span<std::uint32_t> rows,
                                      std::size_t length) {
  return sum(comm, parties, rows, length);
}

std::vector<std::uint64_t> masked_sum(const Communicator& comm, const MaskedParties& parties, std::span<std::uint64_t> rows,
                                      std::size_t length) {
  return sum(comm, parties, rows, length);
}

std::size_t mask_overhead_bytes(std::size_t participants) {
  return sizeof(Advertisement) + participants * (sizeof(SealedShares) + sizeof(DisclosedShare));
}

}  // namespace gridfed

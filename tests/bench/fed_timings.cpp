// `./gridfed bench fed`: what a round costs beside local training, against a bare MPI_Allreduce of as many floats in the same run, and
// what masks and Paillier cost. Writes rows {case, ours, theirs, who, unit, ratio, goal}; ratio > 1: ours is faster or smaller.
#include "fed/federation.hpp"
#include "runtime/session.hpp"
#include "secure/masking_client.hpp"
#include "secure/packing.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <vector>

using namespace gridfed;

namespace {

constexpr std::size_t parameters = 200000;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string row(const std::string& name, double ours, double theirs, const std::string& who, const std::string& unit, double goal) {
  const auto cell = [](double value) { return value > 0 ? fmt::format("{:.6g}", value) : std::string("null"); };
  return fmt::format(R"({{"case": "{}", "ours": {}, "theirs": {}, "who": "{}", "unit": "{}", "ratio": {}, "goal": {}}})", name, cell(ours),
                     cell(theirs), who, unit, cell(theirs / ours), cell(goal));
}

/// Rounds of one way of federating; local training writes a change that was drawn before.
class Rounds {
 public:
  Rounds(const Communicator& comm, FederationOptions options) : comm_(comm), federation_(make(comm, options)) {
    RandomStream stream(1, Draw::test, static_cast<std::uint64_t>(comm.rank()));
    change_.resize(parameters);
    for (float& value : change_) value = static_cast<float>(1e-3 * stream.normal());
  }
  /// Seconds of a round beside local training, the slowest rank's.
  double run() {
    comm_.barrier();
    double local = 0;
    const double begin = now();
    bytes_ = static_cast<double>(federation_
                                     .run_round([&](LocalRound& turn) {
                                       const double start = now();
                                       for (std::size_t i = 0; i < parameters; ++i) turn.parameters[i] += change_[i];
                                       local += now() - start;
                                     })
                                     .bytes_sent);
    std::array<double, 1> spent{now() - begin - local};
    comm_.all_reduce_max(std::span<double>(spent));
    return spent[0];
  }
  double bytes() const { return bytes_; }

 private:
  static Federation make(const Communicator& comm, FederationOptions options) {
    options.num_clients = comm.size();
    return Federation(comm, options, {}, std::vector<float>(parameters), 0, std::vector<double>(comm.size(), 1.0), 1);
  }
  const Communicator& comm_;
  Federation federation_;
  std::vector<float> change_;
  double bytes_ = 0;
};

double all_reduce(const Communicator& comm, std::span<float> values) {
  comm.barrier();
  const double begin = now();
  comm.all_reduce_sum(values);
  std::array<double, 1> spent{now() - begin};
  comm.all_reduce_max(std::span<double>(spent));
  return spent[0];
}

std::vector<std::string> round_rows(const Communicator& comm, int repetitions) {
  Rounds dense(comm, {}), sparse(comm, {.compression = Sparsification::top_k, .bits = 8}),
      masked(comm, {.secure_aggregation = SecureAggregation::masks});
  std::vector<float> values(parameters, 1.0f);
  std::vector<double> bare, of_dense, of_sparse, of_masked;
  for (int i = 0; i < repetitions + 2; ++i) {  // in turn, so that all see the same machine
    bare.push_back(all_reduce(comm, values));
    of_dense.push_back(dense.run());
    of_sparse.push_back(sparse.run());
    of_masked.push_back(masked.run());
  }
  for (auto* times : {&bare, &of_dense, &of_sparse, &of_masked}) times->erase(times->begin(), times->begin() + 2);
  const double theirs = 1e6 * median(bare);
  const std::string who = "MPI_Allreduce of 200 000 floats", ranks = fmt::format("{} ranks", comm.size());
  return {row("round dense, " + ranks, 1e6 * median(of_dense), theirs, who, "us", 1.3 * theirs),
          row("round top 10 % in 8 bits, " + ranks, 1e6 * median(of_sparse), theirs, who, "us", comm.size() == 4 ? 0.5 * theirs : 0),
          row("round masked, " + ranks, 1e6 * median(of_masked), theirs, who, "us", 0),
          row("bytes top 10 % in 8 bits, " + ranks, sparse.bytes(), dense.bytes(), "the same updates as floats", "bytes",
              comm.size() == 4 ? 0.2 * dense.bytes() : 0)};
}

/// Everything that a client does in a round with seven others, shared out over them.
double seconds_a_pair(int repetitions) {
  constexpr int clients = 8, threshold = 6;
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    std::vector<std::unique_ptr<MaskingClient>> all;
    std::vector<Advertisement> advertised;
    for (int client = 0; client < clients; ++client) {
      all.push_back(std::make_unique<MaskingClient>(client, threshold));
      advertised.push_back(all.back()->advertisement());
    }
    std::vector<SealedShares> received;
    for (int client = 1; client < clients; ++client) received.push_back(all[client]->deal(advertised)[0]);
    std::vector<std::uint32_t> values(parameters, 1);
    const double begin = now();
    received.insert(received.begin(), all[0]->deal(advertised)[0]);
    all[0]->receive(received);
    all[0]->mask(values);
    all[0]->disclose(std::vector<bool>(clients, true));
    times.push_back((now() - begin) / (clients - 1));
  }
  return median(times);
}

template <class Work>
double seconds_of(int repetitions, Work work) {
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    const double begin = now();
    work();
    times.push_back(now() - begin);
  }
  return median(times);
}

std::vector<std::string> secure_rows() {
  const PaillierKeyHolder holder;
  const PaillierPublicKey key(holder.public_parts());
  const SlotPacking packing(127, 16);
  const std::vector<std::int64_t> levels(parameters, 100);
  const Plaintext text = packing.pack(levels)[0];
  Ciphertext sum = key.encrypt(text);
  const Ciphertext other = key.encrypt(text);
  const double packed = seconds_of(1, [&] {
    for (const Plaintext& plaintext : packing.pack(levels)) sum = key.encrypt(plaintext);
  });
  const std::string who = "no peer ran this case";
  return {row("masks, a pair, 32 bits", 1e6 * seconds_a_pair(15), 0, who, "us", 600),
          row("Paillier encryption, public key", 1e6 * seconds_of(300, [&] { key.encrypt(text); }), 0, who, "us", 1e6 / 900),
          row("Paillier encryption, key holder", 1e6 * seconds_of(300, [&] { holder.encrypt(text); }), 0, who, "us", 1e6 / 1400),
          row("Paillier decryption", 1e6 * seconds_of(50, [&] { holder.decrypt(other); }), 0, who, "us", 0),
          row("Paillier sum of two", 1e6 * seconds_of(300, [&] { key.add(sum, other); }), 0, who, "us", 0),
          row("Paillier, 200 000 parameters packed", 1e6 * packed, 0, who, "us", 1.5e6)};
}

void run(Session& session) {
  std::string out = "fed.json";
  int repetitions = 50;
  const auto declare = [&](boost::program_options::options_description& deck) {
    deck.add_options()("out", boost::program_options::value(&out)->default_value(out), "JSON file of the rows")(
        "repetitions", boost::program_options::value(&repetitions)->default_value(repetitions), "rounds of each kind");
  };
  if (!session.parse("fed_timings", "Times rounds of a federation, on one rank secure sums.", declare)) return;
  const Communicator& world = session.world();
  const auto rows = world.size() > 1 ? round_rows(world, repetitions) : agreed(world, secure_rows);
  agreed(world, [&] {
    if (world.rank() != 0) return;
    std::ofstream file(out);
    file << "[\n";
    for (std::size_t i = 0; i < rows.size(); ++i) file << rows[i] << (i + 1 < rows.size() ? ",\n" : "\n]\n");
    if (!file) throw Error("'{}' cannot be written: check the path", out);
  });
}

}  // namespace

int main(int argc, char** argv) {
  return run_driver(argc, argv, run);
}

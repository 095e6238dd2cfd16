#include "grid/synthetic_script.hpp"

#include "grid/network.hpp"
#include "grid/opendss_writer.hpp"
#include "runtime/error.hpp"

#include <fmt/ostream.h>

#include <fstream>
#include <sstream>

namespace gridfed::synthetic {

namespace {

namespace fs = std::filesystem;

/// A file that the ranks write one after the other: each writes its part beside it, and then copies it to its place.
class SharedFile {
 public:
  SharedFile(const Communicator& comm, fs::path path)
      : comm_(comm), path_(std::move(path)), mine_(path_.string() + ".part" + std::to_string(comm.rank())) {
    out_.open(mine_, std::ios::binary);
    if (!out_) throw Error("cannot write '{}' (no such folder, or not to be written): give another", mine_.string());
  }
  std::ostream& out() { return out_; }

  /// Collective on comm.
  void commit() {
    const fs::path whole = path_.string() + ".part";
    const auto size = agreed(comm_, [&] {
      out_.close();
      if (!out_) throw Error("cannot write '{}' (disk full): make room", mine_.string());
      if (comm_.rank() == 0) fs::rename(mine_, whole);
      return static_cast<std::uint64_t>(fs::file_size(comm_.rank() == 0 ? whole : mine_));
    });
    const auto sizes = comm_.all_gather_v(std::span<const std::uint64_t>(&size, 1));
    agreed(comm_, [&] {
      if (comm_.rank() == 0) return;
      std::uint64_t begin = 0;
      for (int r = 0; r < comm_.rank(); ++r) begin += sizes[r];
      std::fstream place(whole, std::ios::in | std::ios::out | std::ios::binary);
      place.seekp(static_cast<std::streamoff>(begin));
      if (size > 0) place << std::ifstream(mine_, std::ios::binary).rdbuf();
      place.close();
      if (!place) throw Error("cannot write '{}' (disk full): make room", whole.string());
      fs::remove(mine_);
    });
    agreed(comm_, [&] {
      if (comm_.rank() == 0) fs::rename(whole, path_);
    });
  }

 private:
  const Communicator& comm_;
  fs::path path_, mine_;
  std::ofstream out_;
};

}  // namespace

Statistics write_script(const Communicator& comm, const Plan& plan, const fs::path& path) {
  const fs::path coordinates_path = path.parent_path() / (path.stem().string() + "_buscoords.csv");
  Statistics statistics;
  auto files = agreed(comm, [&] { return std::pair(SharedFile(comm, path), SharedFile(comm, coordinates_path)); });
  auto& [script, coordinates] = files;
  std::ostringstream end;  // what follows the last substation: one line a breaker
  agreed(comm, [&] {
    for (const int i : block_range(plan.substations(), comm)) {
      Substation substation = synthesize(plan, i);
      statistics += substation.statistics;
      const auto network = make_network(std::move(substation.data));
      const GridState state = initial_state(*network);
      if (i == 0) {
        write_opendss_part(*network, state, OpenDssPart::head, script.out());
        write_opendss_part(*network, state, OpenDssPart::voltage_bases, end);
      }
      write_opendss_part(*network, state, OpenDssPart::elements, script.out());
      write_opendss_part(*network, state, OpenDssPart::switches, end);
      write_opendss_coordinates(network->data(), coordinates.out());
    }
  });
  comm.all_reduce_sum(statistics.counts());
  const std::string mine = end.str();
  const auto all = comm.all_gather_v(std::span<const char>(mine));
  if (comm.rank() == comm.size() - 1) {
    script.out().write(all.data(), static_cast<std::streamsize>(all.size()));
    fmt::print(script.out(), "buscoords {}\n", coordinates_path.filename().string());
  }
  script.commit();
  coordinates.commit();
  return statistics;
}

}  // namespace gridfed::synthetic

#include "grid/synthetic_tables.hpp"

#include "grid/network_tables.hpp"

namespace gridfed::synthetic {

Statistics write_tables(const Communicator& comm, const Plan& plan, const FileHeader& header, const std::filesystem::path& path) {
  const auto mine = block_range(plan.substations(), comm);
  NetworkTables counted;
  Statistics statistics;
  agreed(comm, [&] {
    for (const int i : mine) {
      Substation substation = synthesize(plan, i);
      statistics += substation.statistics;
      counted.add(*make_network(std::move(substation.data)), i == 0);
      counted.drop_rows();
    }
  });
  comm.all_reduce_sum(statistics.counts());
  const auto own = counted.sizes();
  const auto all = comm.all_gather_v(std::span<const std::int64_t>(own));
  std::vector<std::int64_t> total = NetworkTables().sizes(), before = total;
  for (int r = 0; r < comm.size(); ++r) {
    const auto part = std::span(all).subspan(static_cast<std::size_t>(r) * own.size(), own.size());
    NetworkTables::combine(total, part);
    if (r < comm.rank()) NetworkTables::combine(before, part);
  }
  File file = File::create(comm, path);
  file.write_header(header);
  NetworkTables tables;
  tables.create(file, total);
  tables.start_behind(before);
  agreed(comm, [&] {
    for (const int i : mine) {
      tables.add(*make_network(synthesize(plan, i).data), i == 0);
      tables.put(file);
    }
  });
  file.commit();
  return statistics;
}

}  // namespace gridfed::synthetic

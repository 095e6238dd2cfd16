#pragma once

#include "grid/network_data.hpp"
#include "powerflow/lanes.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gridfed {

/// A nodal admittance by node pairs, rows compressed with ascending columns, scaled by the nodes' voltage bases: [VA] from [p.u.].
/// Symmetric, as element models are reciprocal.
struct NodalMatrix {
  std::span<const int> bus_start;  ///< first node of each bus, then the number of nodes
  std::span<const int> row_start, column;
  std::span<const Complex> value;
  std::span<const double> base;  ///< [V] by node
  int nodes() const { return static_cast<int>(row_start.size()) - 1; }
};

/// Solves Y v = i where currents enter at few places. A port is a pair of nodes where a device draws current; what a fixed point needs each
/// iteration is port voltages from port currents, nothing else. So:
///
/// 1. Buses where nothing draws and nothing switches, with at most two neighbours, are eliminated once (Kron's reduction).
/// 2. The rest is cut into clusters of neighbouring buses along an elimination tree (for a radial feeder the feeder itself, from the leaves
///    on, so without fill). A cluster meets the rest of the network at few boundary nodes.
/// 3. Per cluster, with interior nodes I, boundary B, ports and boundary nodes of clusters further out as its channels (A: nodes to
///    channels): M = A^T Y_II^-1 A and W = A^T Y_II^-1 Y_IB, dense. Currents r and voltages x by channel then obey, leaves to root and
///    back,
///        r_B -= W^T r_I,        x_I = M r_I - W x_B.
/// 4. Small clusters of one shape that do not depend on each other are worked on eight at a time, one a vector lane, with half of the
///    symmetric M; a larger one fills the lanes with its own channels.
///
/// What is read is contiguous, and only what is drawn upon is ever touched. Large matrices are there in single precision, too: half the
/// bytes, for iterations that need no more.
class ClusterFactor {
 public:
  /// Where a current enters and a voltage is wanted: nodes, ground is -1. Both belong to one bus.
  using Port = std::array<int, 2>;

  /// Most channels of a cluster that is worked on in one lane.
  static constexpr int most_packed = 6;

  /// What clusters are sized for: solve(), or scenarios side by side (blocks()), where operations count.
  enum class Use { solve, blocks };

  /// Works out the order. `kept` marks nodes whose row may change by refactorise(); `root` is the bus that is eliminated last.
  ClusterFactor(const NodalMatrix& y, std::span<const Port> ports, const std::vector<bool>& kept, int root, Use use = Use::solve);

  /// Numeric factorisation. Returns the node of a vanishing pivot, -1 if all went well.
  int factorise(const NodalMatrix& y);
  /// The same after values of rows of `changed` nodes have changed, all of them kept: only clusters on their way to the root are done
  /// again.
  int refactorise(const NodalMatrix& y, std::span<const int> changed);

  /// Channels in memory, a multiple of the vector length; those that are padding carry zero.
  int channels() const { return channels_; }
  std::span<const int> channel_of_port() const { return channel_of_port_; }

  /// Voltages by channel from currents by channel, real and imaginary parts apart, in double or float. r is changed: boundary currents are
  /// added to it.
  template <class Real>
  void solve(Real* r_re, Real* r_im, Real* x_re, Real* x_im) const;
  /// What there is to do for the voltages of some nodes.
  class Recovery;
  Recovery recovery_of(std::span<const int> nodes) const;
  /// Voltages of these nodes [V], and of a few more, from r as solve() left it and x; the others are not touched.
  void recover(const Recovery& recovery, const double* r_re, const double* r_im, const double* x_re, const double* x_im,
               std::span<Complex> v) const;
  /// Of all nodes.
  void recover(const double* r_re, const double* r_im, const double* x_re, const double* x_im, std::span<Complex> v) const {
    recover(all_, r_re, r_im, x_re, x_im, v);
  }

  /// A cluster's equations, voltages in per unit. Clusters stand before those they hang on.
  struct Block {
    int parent = -1;                      ///< position of the cluster it hangs on
    std::vector<int> channels, boundary;  ///< channels of this cluster, and those of others that it meets
    std::vector<Port> ends;               ///< nodes of each channel of this cluster
    std::vector<Complex> m, w;            ///< [channel, channel], [channel, boundary]
    std::vector<int> rest;                ///< nodes without a channel: their voltages are rest_m r_I - rest_w x_B
    std::vector<Complex> rest_m, rest_w;  ///< [rest, channel], [rest, boundary]
  };
  std::vector<Block> blocks() const;
  /// An eliminated node's voltage as a sum over remaining nodes; per unit.
  struct Eliminated {
    int node = 0;
    std::vector<int> from;
    std::vector<Complex> gain;
  };
  std::vector<Eliminated> eliminated() const;

  /// Whether solve() can be had in float: where matrices leave the first-level cache, so that half the bytes pay.
  bool has_single() const { return !single_matrices_.empty(); }
  /// Bytes of the matrices in double precision, which one solve() reads, part of them twice.
  std::size_t bytes() const { return matrices_.size() * sizeof(double); }
  int clusters() const { return static_cast<int>(clusters_.size()); }

  class Recovery {
    friend ClusterFactor;
    struct Direct {
      int node = 0, channel = 0;
    };
    struct Recovered {
      int node = 0, terms = 0;
    };
    std::vector<Direct> direct;        // nodes whose voltage to ground is a channel's
    std::vector<int> with_rest;        // passes with nodes that have no channel
    std::vector<Recovered> recovered;  // eliminated nodes: a voltage is a sum of gains times voltages of remaining nodes
    std::vector<int> nodes;            // of all recovered nodes, one after the other
    std::vector<double> gains;         // [V] from [V], real and imaginary part of each
  };

 private:
  /// What solve() needs of a cluster, or of as many of one shape as there are lanes: channel k of the cluster in lane l is then
  /// first_channel + lane_count k + l, and its boundary's channels and its numbers lie in the same way.
  struct Pass {
    int first_channel = 0, count = 0, rows = 0, boundary = 0;
    bool packed = false;
    std::size_t matrix = 0, channels = 0;  // where its numbers and its boundary's channels begin
    std::size_t recovery = 0;              // where the rows of nodes without a channel lie: `rest` of them, in each lane
    int rest = 0;
    /// Numbers of M, before those of W.
    std::size_t own_numbers() const { return static_cast<std::size_t>(count) * (packed ? lane_count * (count + 1) : 2 * rows); }
    std::size_t numbers() const { return own_numbers() + static_cast<std::size_t>(2) * boundary * (packed ? lane_count * count : rows); }
  };
  struct Cluster {
    int parent = -1;
    int count = 0;           // channels
    int pass = 0, lane = 0;  // where its numbers are
    int first_channel = 0, stride = 1;
    int channel(int k) const { return first_channel + k * stride; }
    std::vector<int> interior, boundary;
    std::vector<Port> ends;                      // of each channel, positions in interior
    std::vector<std::array<int, 3>> entries;     // slot, row, column of the front (interior, then boundary)
    std::vector<int> children;                   // clusters
    std::vector<std::vector<int>> child_places;  // of a child's boundary in this front
    std::vector<int> rest;                       // interior nodes without a channel: positions
    std::vector<std::vector<int>> below;         // of each interior node, those its elimination reaches
    std::vector<Complex> schur;                  // boundary x boundary, passed to the parent
    int rows() const { return (count + 7) / 8 * 8; }
  };

  void reduce(const NodalMatrix& y);
  void order(const NodalMatrix& y, int root);
  enum class Detail { sizes, full };
  /// Channels that clusters may have: those without clusters further out, and the others.
  struct Sizes {
    int leaf = 8, inner = 8;
  };
  void make_clusters(std::span<const Port> ports, Sizes sizes, Detail detail);
  struct Group {  ///< clusters of one pass
    std::vector<int> members;
    bool packed = false;
  };
  std::vector<Group> groups() const;
  void lay_out(std::span<const Port> ports, Use use);
  static std::vector<std::vector<int>> filled_pattern(const Cluster& cluster);
  double cost(Sizes sizes, std::span<const Port> ports, Use use);
  int factorise(Cluster& cluster);
  void store_numbers(const Cluster& cluster, int width);
  template <class Real>
  const Real* matrices() const;
  /// Where the real part of what row `row` of the nodes without a channel takes of column k lies in recovery_, and how far on the
  /// imaginary part.
  std::array<std::size_t, 2> recovery_place(const Cluster& cluster, int row, int k) const;
  static void recover_eliminated(const Recovery& recovery, std::span<Complex> v);

  // Of the network as given.
  std::vector<int> bus_start_, bus_of_node_;
  std::vector<double> base_;
  std::vector<bool> kept_bus_;
  // After the reduction: the remaining nodes' matrix by the original node numbers.
  Recovery all_;                                       // of all nodes
  std::vector<int> row_start_, column_, source_slot_;  // slot in the given matrix, -1 for fill
  std::vector<Complex> value_, fill_;                  // fill_: what the eliminated buses added
  // Elimination tree of the remaining buses.
  std::vector<int> bus_order_, bus_parent_;
  std::vector<Cluster> clusters_;
  std::vector<Pass> passes_;
  std::vector<std::vector<int>> rest_nodes_;  // by pass: of each row and lane, -1 for none
  std::vector<int> boundary_channels_;
  std::vector<int> cluster_of_node_, node_channel_, channel_of_port_;
  std::vector<bool> dirty_;
  AlignedDoubles matrices_, recovery_;
  Aligned<float> single_matrices_;
  std::vector<Complex> front_;  // work space
  AlignedDoubles right_;
  int channels_ = 0;
};

}  // namespace gridfed

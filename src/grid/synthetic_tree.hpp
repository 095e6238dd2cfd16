#pragma once

#include "runtime/random.hpp"

#include <array>
#include <vector>

namespace gridfed::synthetic {

/// The nodes behind one busbar and how they hang together. Node 0 is the busbar, at hop 1; nodes are sorted by hop, so that parents come
/// before their children.
struct Tree {
  std::vector<int> parent;  ///< -1 for the busbar
  std::vector<int> hop;
  std::vector<int> children;                    ///< how many
  std::vector<std::uint8_t> no_load;            ///< the busbar has none
  std::vector<double> length;                   ///< of the branch to the parent [m]
  std::vector<std::array<double, 2>> position;  ///< [m], the busbar at the origin

  int size() const { return static_cast<int>(parent.size()); }
};

/// Hop distances and branches of `nodes` nodes beside the busbar: each node hangs on the one a hop nearer that lacks most branches.
Tree draw_tree(int nodes, RandomStream& random);
/// Marks that many nodes beside the busbar as being without load.
void draw_no_load_nodes(Tree& tree, int count, RandomStream& random);
/// Lengths of all branches, and positions: branches leave outwards, in sectors as wide as what hangs on them.
void draw_lengths(Tree& tree, RandomStream& random);

}  // namespace gridfed::synthetic

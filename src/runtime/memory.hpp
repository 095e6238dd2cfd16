#pragma once

namespace gridfed {

/// Hands memory that was freed back to the system where the allocator can do so (the GNU one). Worth a call after very much was freed in
/// small pieces, which would count as resident until the end otherwise.
void release_free_memory();

}  // namespace gridfed

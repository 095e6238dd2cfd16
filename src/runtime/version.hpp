#pragma once

namespace gridfed {

/// Version of the program that writes a file, such as "0.1.0".
const char* program_version();
/// Git commit it was built from, "unknown" outside a git checkout.
const char* program_commit();

}  // namespace gridfed

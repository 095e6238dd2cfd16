#include "runtime/version.hpp"

namespace gridfed {

const char* program_version() {
  return GRIDFED_VERSION;
}

const char* program_commit() {
  return GRIDFED_COMMIT;
}

}  // namespace gridfed

#include "runtime/error.hpp"
#include "powerflow/solver.hpp"
#include <petscsnes.h>
#include <torch/torch.h>
#include "nowhere/thing.hpp"
// #include "powerflow/comment.hpp"

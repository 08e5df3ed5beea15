#define LANES 4
#define NAMED(x) x##_portable
#define ISA_NAME "portable"
#include "table.h"

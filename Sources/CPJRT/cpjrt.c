#include "pjrt.h"

_Static_assert(sizeof(PjrtNamedValue) == 56, "named values lie in arrays of the plugin's own stride");
_Static_assert(offsetof(PjrtTable, functions) == 40, "the table's functions follow its header");

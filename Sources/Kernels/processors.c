#define _GNU_SOURCE
#include "kernels.h"

#include <unistd.h>

#if defined(__linux__)
#include <sched.h>

int lam_usable_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
#else
int lam_usable_cpus(void) {
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
#endif

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>

enum { PERMISSION_REQUEST = 0x1023, TILE_DATA = 18 };

/// The operating system saves tile registers only for processes that asked.
int lam_amx_is_usable(void) {
#if defined(LAM_EMULATED_TILES)
    return 1;
#endif
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("amx-tile") || !__builtin_cpu_supports("amx-bf16")) return 0;
    return syscall(SYS_arch_prctl, PERMISSION_REQUEST, TILE_DATA) == 0;
}
#endif

/* Preloaded by test_crash.py: kills the process at its n-th change of a file, tearing a write. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

static long left;

void arm(long calls) { left = calls; }

static int fatal(void) { return left > 0 && --left == 0; }

static void die(void) { kill(getpid(), SIGKILL); }

#define PWRITE(name)                                                                \
    ssize_t name(int file, const void *bytes, size_t count, off_t offset)           \
    {                                                                               \
        ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, #name); \
        if (fatal()) {                                                              \
            real(file, bytes, count / 2, offset);                                   \
            die();                                                                  \
        }                                                                           \
        return real(file, bytes, count, offset);                                    \
    }

#define ONE_FILE(name)                                  \
    int name(int file)                                  \
    {                                                   \
        int (*real)(int) = dlsym(RTLD_NEXT, #name);     \
        if (fatal()) die();                             \
        return real(file);                              \
    }

#define TRUNCATE(name)                                         \
    int name(int file, off_t length)                           \
    {                                                          \
        int (*real)(int, off_t) = dlsym(RTLD_NEXT, #name);     \
        if (fatal()) die();                                    \
        return real(file, length);                             \
    }

#if !defined(__LP64__)
#error "off_t is assumed to have 64 bits"
#endif

PWRITE(pwrite)
PWRITE(pwrite64)
ONE_FILE(fsync)
ONE_FILE(fdatasync)
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

ssize_t write(int file, const void *bytes, size_t count)
{
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    if (fatal()) {
        real(file, bytes, count / 2);
        die();
    }
    return real(file, bytes, count);
}

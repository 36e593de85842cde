/* Functions compiled for several vector units, of which the best is chosen when the library is
 * loaded; everywhere else, what -O3 makes. What sanitizers insert cannot run as early as that.
 * A helper is compiled along only if it is inlined: mark it so.
 */
#ifndef HEXKEY_VECTOR_H
#define HEXKEY_VECTOR_H

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__) &&      \
    !defined(__SANITIZE_ADDRESS__)
#define VECTORISED __attribute__((target_clones("avx512f", "avx2", "default")))
#define VECTORISED_ALONG static inline __attribute__((always_inline))
#else
#define VECTORISED
#define VECTORISED_ALONG static inline
#endif

#endif

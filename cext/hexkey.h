/* hexkey's C kernels: every declaration and its contract.
 *
 * House rules: C11, no allocation, no globals, no Python.h, one story per file. Sizes are counts of
 * elements unless the name says bytes. Arrays named `restrict` must not overlap. Functions that can
 * refuse their input return a negative code and then have written nothing the caller may use.
 * cext/build.py hands this file to cffi: keep it plain (no inline functions, constants as enum).
 */
#ifndef HEXKEY_H
#define HEXKEY_H

#include <stddef.h>
#include <stdint.h>

#endif

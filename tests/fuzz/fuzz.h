/* fuzz.h - what every fuzz target includes first: the calls of libFuzzer, and the door to seeds.
 *
 * fuzz_NAME.c is one target, corpus/NAME its seeds, NAME.dict its words.  Text is seeded by hand;
 * a target of a binary format writes its own seeds: FUZZ_SEEDS=tests/fuzz/corpus/NAME
 * build/fuzz/fuzz/NAME.  An input that once broke something stays in the corpus.
 * SPDX-License-Identifier: MIT */
#ifndef MW_TESTS_FUZZ_H
#define MW_TESTS_FUZZ_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static inline void fuzz_seed(const char *name, const void *p, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("FUZZ_SEEDS"), name);
    FILE *f = fopen(path, "wb");
    MW_ASSERT(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

/* WRITE seeds when asked to; START before the first input. */
static inline int fuzz_initialize(void (*start)(void), void (*write)(void))
{
    mw_log_setup(MW_FATAL, false);
    if (start) start();
    if (write && getenv("FUZZ_SEEDS")) {
        write();
        exit(0);
    }
    return 0;
}
#define FUZZ_INITIALIZE(start, write) \
    int LLVMFuzzerInitialize(int *argc, char ***argv) { return fuzz_initialize(start, write); }

#endif

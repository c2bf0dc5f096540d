/* packed_tables.c - constants of the format: changing one makes what is on disk unreadable.
 * SPDX-License-Identifier: MIT */
#include "model/sample.h"
#include "tsdb/packed_inside.h"

const uint64_t mw_packed_steps[MW_PACKED_STEPS] = {15000, 1000, 5000, 10000, 20000, 30000, 60000};

const uint64_t mw_packed_holes[MW_HOLE_RAW] = {
    [MW_HOLE_STALE] = MW_STALE_BITS,
    [MW_HOLE_NAN] = MW_PACKED_NAN,
    [MW_HOLE_ZERO] = 0,
};

const double mw_packed_tens[MW_PACKED_SCALE_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* host_devices.c - disks, networks, filesystems: /proc/diskstats, net/dev, mounts.
 *
 * Which devices are left out is as in node_exporter.  Filesystems of other machines are left out
 * too: asking one whose server is gone would block.
 * SPDX-License-Identifier: MIT */
#include <string.h>
#include <sys/statvfs.h>

#include "metrics/host_inside.h"

typedef struct column { /* one figure of a line, in the order of the file */
    mw_kind kind;
    const char *name, *help;
    double times, over; /* the figure in the base unit: times / over */
} column;

static size_t set_columns(mw_host_stats *h, const column *c, size_t n, mw_str device, mw_str line)
{
    mw_label l = {MW_STR("device"), device};
    size_t i = 0;
    double v;
    for (; i < n && mw_host_count(&line, &v); i++)
        mw_passing_set(&h->passing, c[i].kind, c[i].name, c[i].help, &l, 1,
                       v * c[i].times / c[i].over);
    return i;
}

/* -- /proc/diskstats ------------------------------------------------------------------------ */

#define SECTOR 512
#define MS     1000

static const column disk_columns[] = {
    {MW_COUNTER, "node_disk_reads_completed_total", "Reads completed successfully.", 1, 1},
    {MW_COUNTER, "node_disk_reads_merged_total", "Reads merged.", 1, 1},
    {MW_COUNTER, "node_disk_read_bytes_total", "Bytes read successfully.", SECTOR, 1},
    {MW_COUNTER, "node_disk_read_time_seconds_total", "Seconds spent by all reads.", 1, MS},
    {MW_COUNTER, "node_disk_writes_completed_total", "Writes completed successfully.", 1, 1},
    {MW_COUNTER, "node_disk_writes_merged_total", "Writes merged.", 1, 1},
    {MW_COUNTER, "node_disk_written_bytes_total", "Bytes written successfully.", SECTOR, 1},
    {MW_COUNTER, "node_disk_write_time_seconds_total", "Seconds spent by all writes.", 1, MS},
    {MW_GAUGE, "node_disk_io_now", "I/Os currently in progress.", 1, 1},
    {MW_COUNTER, "node_disk_io_time_seconds_total", "Seconds spent doing I/Os.", 1, MS},
    {MW_COUNTER, "node_disk_io_time_weighted_seconds_total", "Weighted seconds doing I/Os.", 1, MS},
    {MW_COUNTER, "node_disk_discards_completed_total", "Discards completed successfully.", 1, 1},
    {MW_COUNTER, "node_disk_discards_merged_total", "Discards merged.", 1, 1},
    {MW_COUNTER, "node_disk_discarded_sectors_total", "Sectors discarded successfully.", 1, 1},
    {MW_COUNTER, "node_disk_discard_time_seconds_total", "Seconds spent by all discards.", 1, MS},
    {MW_COUNTER, "node_disk_flush_requests_total", "Flush requests completed successfully.", 1, 1},
    {MW_COUNTER, "node_disk_flush_requests_time_seconds_total",
     "Seconds spent by all flush requests.", 1, MS},
};
enum { DISK_COLUMNS = sizeof disk_columns / sizeof *disk_columns, DISK_NEEDED = 11 };

/* ram0, loop0, fd0 and partitions: sda1, vdb2, nvme0n1p1. */
static bool disk_left_out(mw_str name)
{
    static const char *const bare[] = {"ram", "loop", "fd"};
    static const char *const whole[] = {"hd", "sd", "vd", "xvd"};
    mw_str stem = name;
    while (stem.n && stem.p[stem.n - 1] >= '0' && stem.p[stem.n - 1] <= '9') stem.n--;
    if (stem.n == name.n) return false;
    for (size_t i = 0; i < sizeof bare / sizeof *bare; i++)
        if (mw_str_is(stem, bare[i])) return true;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (mw_str_starts(stem, whole[i]) && stem.n == strlen(whole[i]) + 1) return true;
    return mw_str_starts(stem, "nvme") && stem.p[stem.n - 1] == 'p';
}

bool mw_host_read_diskstats(mw_host_stats *h, mw_str text)
{
    mw_str line, device;
    double major, minor;
    bool sane = true;
    while (mw_host_line(&text, &line)) {
        if (!mw_host_count(&line, &major) || !mw_host_count(&line, &minor) ||
            !mw_host_field(&line, &device)) {
            sane = false;
            continue;
        }
        if (disk_left_out(device)) continue;
        if (set_columns(h, disk_columns, DISK_COLUMNS, device, line) < DISK_NEEDED) sane = false;
    }
    return sane;
}

/* -- /proc/net/dev -------------------------------------------------------------------------- */

#define NET(way, what)                                         \
    {                                                          \
        MW_COUNTER, "node_network_" way "_" what "_total",     \
            "Network device statistic " way "_" what ".", 1, 1 \
    }

static const column net_columns[] = {
    NET("receive", "bytes"),       NET("receive", "packets"),   NET("receive", "errs"),
    NET("receive", "drop"),        NET("receive", "fifo"),      NET("receive", "frame"),
    NET("receive", "compressed"),  NET("receive", "multicast"), NET("transmit", "bytes"),
    NET("transmit", "packets"),    NET("transmit", "errs"),     NET("transmit", "drop"),
    NET("transmit", "fifo"),       NET("transmit", "colls"),    NET("transmit", "carrier"),
    NET("transmit", "compressed"),
};
enum { NET_COLUMNS = sizeof net_columns / sizeof *net_columns };

bool mw_host_read_net(mw_host_stats *h, mw_str text)
{
    mw_str line;
    bool found = false;
    while (mw_host_line(&text, &line)) {
        const char *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
        if (!colon) continue; /* the two lines of headings */
        size_t n = (size_t)(colon - line.p);
        mw_str device = mw_str_trim((mw_str){line.p, n});
        mw_str figures = {colon + 1, line.n - n - 1};
        found |= set_columns(h, net_columns, NET_COLUMNS, device, figures) == NET_COLUMNS;
    }
    return found;
}

/* -- /proc/mounts --------------------------------------------------------------------------- */

static const char *const kinds_left_out[] = {
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "procfs",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tracefs",
    /* of other machines */
    "9p",
    "afs",
    "ceph",
    "cifs",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "smb3",
    "smbfs",
};

static const char *const places_left_out[] = {
    "/dev", "/proc", "/sys", "/run/credentials", "/var/lib/docker", "/var/lib/containers/storage"};

static bool mount_left_out(mw_str kind, const char *place)
{
    for (size_t i = 0; i < sizeof kinds_left_out / sizeof *kinds_left_out; i++)
        if (mw_str_is(kind, kinds_left_out[i])) return true;
    for (size_t i = 0; i < sizeof places_left_out / sizeof *places_left_out; i++) {
        size_t n = strlen(places_left_out[i]);
        if (strncmp(place, places_left_out[i], n) == 0 && (!place[n] || place[n] == '/'))
            return true;
    }
    /* overlay: layers of containers; the root is shown, as it may be all there is */
    if (mw_str_is(kind, "overlay")) return strcmp(place, "/") != 0;
    return mw_str_starts(kind, "fuse.");
}

enum { PLACE_BYTES = 1024 };

static bool is_octal(char c) { return c >= '0' && c <= '7'; }

/* A space in a name is written \040.  False when it does not fit. */
static bool unescape(mw_str s, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (n + 1 >= PLACE_BYTES) return false;
        const char *p = s.p + i;
        bool coded =
            p[0] == '\\' && s.n - i >= 4 && is_octal(p[1]) && is_octal(p[2]) && is_octal(p[3]);
        out[n++] = coded ? (char)((p[1] - '0') * 64 + (p[2] - '0') * 8 + (p[3] - '0')) : *p;
        if (coded) i += 3;
    }
    out[n] = 0;
    return true;
}

static void one_mount(mw_host_stats *h, const char *device, const char *place, mw_str kind)
{
    struct statvfs fs;
    mw_label l[] = {{MW_STR("device"), mw_str_of(device)},
                    {MW_STR("fstype"), kind},
                    {MW_STR("mountpoint"), mw_str_of(place)}};
    bool failed = statvfs(place, &fs) != 0;
    if (failed || fs.f_blocks > 0)
        mw_passing_set(&h->passing, MW_GAUGE, "node_filesystem_device_error",
                       "1 when it cannot be asked how full it is.", l, 3, failed);
    if (failed || fs.f_blocks == 0) return;
    double block = (double)fs.f_frsize;
    const struct {
        const char *name, *help;
        double v;
    } rows[] = {
        {"node_filesystem_size_bytes", "Filesystem size in bytes.", (double)fs.f_blocks * block},
        {"node_filesystem_free_bytes", "Filesystem free space in bytes.",
         (double)fs.f_bfree * block},
        {"node_filesystem_avail_bytes", "Filesystem space available to non-root users in bytes.",
         (double)fs.f_bavail * block},
        {"node_filesystem_files", "Filesystem total file nodes.", (double)fs.f_files},
        {"node_filesystem_files_free", "Filesystem total free file nodes.", (double)fs.f_ffree},
        {"node_filesystem_readonly", "Filesystem read-only status.", fs.f_flag & ST_RDONLY ? 1 : 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        mw_passing_set(&h->passing, MW_GAUGE, rows[i].name, rows[i].help, l, 3, rows[i].v);
    if (strcmp(place, "/") == 0)
        mw_host_note(h, MW_GAUGE, "disk_usage_bytes", "Bytes used on the root filesystem.", NULL, 0,
                     (double)(fs.f_blocks - fs.f_bfree) * block);
}

bool mw_host_read_mounts(mw_host_stats *h, mw_str text)
{
    mw_str line, device, place, kind;
    char device_z[PLACE_BYTES], place_z[PLACE_BYTES];
    bool found = false;
    while (mw_host_line(&text, &line)) {
        if (!mw_host_field(&line, &device) || !mw_host_field(&line, &place) ||
            !mw_host_field(&line, &kind))
            continue;
        if (!unescape(device, device_z) || !unescape(place, place_z)) continue;
        found = true;
        if (!mount_left_out(kind, place_z)) one_mount(h, device_z, place_z, kind);
    }
    return found;
}

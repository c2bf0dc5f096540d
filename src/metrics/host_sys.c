/* host_sys.c - devices as /sys shows them: a folder for each, a file for each figure.
 *
 * Network interfaces, frequencies of processors, temperatures and fans, power supplies, clocks.
 * Which files there are depends on the device, so one that is missing or refuses to be read (the
 * speed of an interface that is down) is left out and is no failure.
 * SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "metrics/host_inside.h"

enum { PATH_BYTES = 512, WORD_BYTES = 128, MOST = 512 }; /* MOST: devices of a kind */

typedef struct device {
    mw_host_stats *h;
    char path[PATH_BYTES]; /* its folder */
    char name[WORD_BYTES];
} device;

/* -- files of one word ------------------------------------------------------------------------ */

/* The first line of FILE; empty when there is none. */
static mw_str word_of(device *d, const char *file)
{
    char path[PATH_BYTES + WORD_BYTES];
    bool there;
    mw_str text, line = {"", 0};
    snprintf(path, sizeof path, "%s/%s", d->path, file);
    if (!mw_host_read_file(path, &d->h->text, &there)) return line;
    text = (mw_str){d->h->text.p, d->h->text.n};
    mw_host_line(&text, &line);
    return mw_str_trim(line);
}

/* OUT holds WORD_BYTES. */
static mw_str copy_of(device *d, const char *file, char *out)
{
    mw_str word = word_of(d, file);
    snprintf(out, WORD_BYTES, "%.*s", MW_STR_ARG(word));
    return mw_str_of(out);
}

static bool number_of(device *d, const char *file, double *v)
{
    mw_str word = word_of(d, file);
    return word.n && mw_double_parse(word, v) && *v > -1e300 && *v < 1e300;
}

typedef struct figure {
    const char *file;
    mw_kind kind;
    const char *name, *help;
    double times;
    bool never_negative; /* -1 means that nobody knows */
} figure;

static void tell(device *d, const figure *f, const char *file, const mw_label *l, size_t n)
{
    double v;
    if (number_of(d, file, &v) && !(f->never_negative && v < 0))
        mw_passing_set(&d->h->passing, f->kind, f->name, f->help, l, n, v * f->times);
}

static void tell_all(device *d, const figure *f, size_t n_figures, const mw_label *l, size_t n)
{
    for (size_t i = 0; i < n_figures; i++) tell(d, &f[i], f[i].file, l, n);
}

#define TELL_ALL(d, figures, l, n) tell_all(d, figures, sizeof figures / sizeof *figures, l, n)

/* -- folders ---------------------------------------------------------------------------------- */

/* What stands behind PREFIX, when the rest of NAME is a number; NULL: it is called otherwise. */
static const char *number_behind(const char *name, const char *prefix)
{
    size_t n = strlen(prefix);
    if (strncmp(name, prefix, n) || !name[n]) return NULL;
    return strspn(name + n, "0123456789") == strlen(name + n) ? name + n : NULL;
}

static void each(mw_host_stats *h, const char *folder, void (*one)(device *d))
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", h->sys, folder);
    DIR *dir = opendir(path);
    int n = 0;
    for (const struct dirent *e; dir && n < MOST && (e = readdir(dir));) {
        device d = {.h = h};
        if (e->d_name[0] == '.' || strlen(e->d_name) >= sizeof d.name) continue;
        snprintf(d.name, sizeof d.name, "%s", e->d_name);
        if (snprintf(d.path, sizeof d.path, "%s/%s", path, d.name) >= (int)sizeof d.path) continue;
        one(&d);
        n++;
    }
    if (dir) closedir(dir);
}

/* -- network interfaces ----------------------------------------------------------------------- */

#define LINK(file, metric, what)                                                  \
    {                                                                             \
        file, MW_GAUGE, "node_network_" metric, "Network device: " what ".", 1, 0 \
    }
#define LINK_COUNT(file, metric, what)                                                       \
    {                                                                                        \
        file, MW_COUNTER, "node_network_" metric "_total", "Network device: " what ".", 1, 0 \
    }

static const figure link_figures[] = {
    LINK("addr_assign_type", "address_assign_type", "where its address is from"),
    LINK("carrier", "carrier", "1 when there is a signal"),
    LINK_COUNT("carrier_changes", "carrier_changes", "changes of the signal"),
    LINK_COUNT("carrier_up_count", "carrier_up_changes", "times the signal came"),
    LINK_COUNT("carrier_down_count", "carrier_down_changes", "times the signal went"),
    LINK("dev_id", "device_id", "its number among those of one card"),
    LINK("dormant", "dormant", "1 while it waits for something else"),
    LINK("flags", "flags", "IFF_ flags"),
    LINK("ifindex", "iface_id", "its index"),
    LINK("iflink", "iface_link", "the index of what it is on"),
    LINK("link_mode", "iface_link_mode", "link mode"),
    LINK("mtu", "mtu_bytes", "largest packet"),
    LINK("name_assign_type", "name_assign_type", "where its name is from"),
    LINK("netdev_group", "net_dev_group", "its group"),
    LINK("type", "protocol_type", "ARPHRD_ type"),
    LINK("tx_queue_len", "transmit_queue_length", "packets that may wait"),
    LINK_COUNT("statistics/rx_nohandler", "receive_nohandler", "packets that nobody wanted"),
    {"speed", MW_GAUGE, "node_network_speed_bytes", "Network device: bytes a second.", 125000,
     true},
};

static void one_link(device *d)
{
    static const char *const words[] = {"address", "broadcast", "duplex", "ifalias", "operstate"};
    enum { WORDS = sizeof words / sizeof *words };
    char text[WORDS][WORD_BYTES];
    mw_label l[WORDS + 1] = {{MW_STR("device"), mw_str_of(d->name)}};
    mw_str state = word_of(d, "operstate");
    if (!state.n) return; /* bonding_masters is a file among the folders */
    mw_passing_set(&d->h->passing, MW_GAUGE, "node_network_up", "1 when the device is up.", l, 1,
                   mw_str_is(state, "up"));
    TELL_ALL(d, link_figures, l, 1);
    for (size_t i = 0; i < WORDS; i++)
        l[i + 1] = (mw_label){mw_str_of(words[i]), copy_of(d, words[i], text[i])};
    mw_passing_set(&d->h->passing, MW_GAUGE, "node_network_info", "What a network device is.", l,
                   WORDS + 1, 1);
}

/* -- processors ------------------------------------------------------------------------------- */

static const figure frequencies[] = {
    {"cpufreq/scaling_cur_freq", MW_GAUGE, "node_cpu_scaling_frequency_hertz",
     "Frequency of a processor.", 1000, 0},
    {"cpufreq/scaling_min_freq", MW_GAUGE, "node_cpu_scaling_frequency_min_hertz",
     "The least it is scaled to.", 1000, 0},
    {"cpufreq/scaling_max_freq", MW_GAUGE, "node_cpu_scaling_frequency_max_hertz",
     "The most it is scaled to.", 1000, 0},
    {"cpufreq/cpuinfo_cur_freq", MW_GAUGE, "node_cpu_frequency_hertz",
     "Frequency of a processor, as the hardware says.", 1000, 0},
    {"cpufreq/cpuinfo_min_freq", MW_GAUGE, "node_cpu_frequency_min_hertz", "The least it can.",
     1000, 0},
    {"cpufreq/cpuinfo_max_freq", MW_GAUGE, "node_cpu_frequency_max_hertz", "The most it can.", 1000,
     0},
};

static void one_processor(device *d)
{
    const char *number = number_behind(d->name, "cpu");
    if (!number) return;
    mw_label l = {MW_STR("cpu"), mw_str_of(number)};
    TELL_ALL(d, frequencies, &l, 1);
}

/* -- heat and power --------------------------------------------------------------------------- */

static const figure zone_figures[] = {{"temp", MW_GAUGE, "node_thermal_zone_temp",
                                       "Temperature of a zone in degrees Celsius.", 1e-3, 0}};
static const figure cooling_figures[] = {
    {"cur_state", MW_GAUGE, "node_cooling_device_cur_state", "How much it cools.", 1, 0},
    {"max_state", MW_GAUGE, "node_cooling_device_max_state", "How much it can.", 1, 0},
};

static void one_thermal(device *d)
{
    char type[WORD_BYTES];
    const char *zone = number_behind(d->name, "thermal_zone");
    const char *cooling = number_behind(d->name, "cooling_device");
    mw_label l[] = {{zone ? MW_STR("zone") : MW_STR("name"), mw_str_of(zone ? zone : cooling)},
                    {MW_STR("type"), copy_of(d, "type", type)}};
    if (zone) TELL_ALL(d, zone_figures, l, 2);
    if (cooling) TELL_ALL(d, cooling_figures, l, 2);
}

static const figure supply_figures[] = {
    {"online", MW_GAUGE, "node_power_supply_online", "1 when it gives power.", 1, 0},
    {"capacity", MW_GAUGE, "node_power_supply_capacity", "Charge of a battery in percent.", 1, 0},
};

static void one_supply(device *d)
{
    mw_label l = {MW_STR("power_supply"), mw_str_of(d->name)};
    TELL_ALL(d, supply_figures, &l, 1);
}

/* Small letters, digits, colons and underscores. */
static void clean(char *s)
{
    for (; *s; s++) {
        if (*s >= 'A' && *s <= 'Z') *s = (char)(*s - 'A' + 'a');
        if (!(*s >= 'a' && *s <= 'z') && !(*s >= '0' && *s <= ':')) *s = '_';
    }
}

/* As node_exporter calls a chip: by the last two folders of its device ("platform_coretemp_0"),
 * else by its NAME, else by its own folder.  OUT holds WORD_BYTES. */
static void chip_name(const device *d, const char *name, char *out)
{
    char link[PATH_BYTES + 16];
    snprintf(link, sizeof link, "%s/device", d->path);
    char *real = realpath(link, NULL), *from = real ? strrchr(real, '/') : NULL;
    while (from && from > real && from[-1] != '/') from--;
    snprintf(out, WORD_BYTES, "%s", from ? from : *name ? name : d->name);
    clean(out);
    free(real);
}

static const figure sensor_figures[] = {
    {"temp%d_input", MW_GAUGE, "node_hwmon_temp_celsius", "Temperature of a sensor.", 1e-3, 0},
    {"temp%d_max", MW_GAUGE, "node_hwmon_temp_max_celsius", "The most it should be.", 1e-3, 0},
    {"temp%d_crit", MW_GAUGE, "node_hwmon_temp_crit_celsius", "The most it may be.", 1e-3, 0},
    {"temp%d_crit_hyst", MW_GAUGE, "node_hwmon_temp_crit_hyst_celsius",
     "Below this it is well again.", 1e-3, 0},
    {"temp%d_crit_alarm", MW_GAUGE, "node_hwmon_temp_crit_alarm_celsius",
     "0.001 when it is too hot.", 1e-3, 0},
    {"fan%d_input", MW_GAUGE, "node_hwmon_fan_rpm", "Turns of a fan in a minute.", 1, 0},
    {"fan%d_min", MW_GAUGE, "node_hwmon_fan_min_rpm", "The least it should turn.", 1, 0},
    {"in%d_input", MW_GAUGE, "node_hwmon_in_volts", "Voltage of a sensor.", 1e-3, 0},
};
enum { SENSORS = 32 }; /* of each kind on a chip */

static void one_sensor(device *d, const figure *f, int i, mw_str chip)
{
    char file[64], sensor[64];
    snprintf(file, sizeof file, "%.*s%d%s", (int)(strchr(f->file, '%') - f->file), f->file, i,
             strchr(f->file, 'd') + 1);
    snprintf(sensor, sizeof sensor, "%.*s", (int)strcspn(file, "_"), file);
    mw_label l[] = {{MW_STR("chip"), chip}, {MW_STR("sensor"), mw_str_of(sensor)}};
    tell(d, f, file, l, 2);
}

/* Sensors are numbered with gaps, so the folder is asked which there are: MARKS[i] is set. */
static void sensors_of(device *d, bool *marks)
{
    DIR *dir = opendir(d->path);
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        const char *digits = e->d_name + strcspn(e->d_name, "0123456789");
        int i = *digits ? atoi(digits) : SENSORS;
        if (i >= 0 && i < SENSORS) marks[i] = true;
    }
    if (dir) closedir(dir);
}

static void one_chip(device *d)
{
    char name[WORD_BYTES], chip[WORD_BYTES];
    bool marks[SENSORS] = {false};
    copy_of(d, "name", name);
    chip_name(d, name, chip);
    mw_label l[] = {{MW_STR("chip"), mw_str_of(chip)}, {MW_STR("chip_name"), mw_str_of(name)}};
    if (*name)
        mw_passing_set(&d->h->passing, MW_GAUGE, "node_hwmon_chip_names", "What chips are.", l, 2,
                       1);
    sensors_of(d, marks);
    for (int i = 0; i < SENSORS; i++)
        for (size_t k = 0; marks[i] && k < sizeof sensor_figures / sizeof *sensor_figures; k++)
            one_sensor(d, &sensor_figures[k], i, mw_str_of(chip));
}

/* -- clocks ----------------------------------------------------------------------------------- */

static void clock_info(device *d, const char *number, const char *file, const char *metric)
{
    char text[WORD_BYTES];
    mw_str rest = copy_of(d, file, text), clock;
    while (mw_host_field(&rest, &clock)) {
        mw_label l[] = {{MW_STR("device"), mw_str_of(number)}, {MW_STR("clocksource"), clock}};
        mw_passing_set(&d->h->passing, MW_GAUGE, metric,
                       "Sources that the kernel can count time by.", l, 2, 1);
    }
}

static void one_clock(device *d)
{
    const char *number = number_behind(d->name, "clocksource");
    if (!number) return;
    clock_info(d, number, "available_clocksource", "node_time_clocksource_available_info");
    clock_info(d, number, "current_clocksource", "node_time_clocksource_current_info");
}

void mw_host_read_sys(mw_host_stats *h)
{
    static const struct {
        const char *folder;
        void (*one)(device *d);
    } kinds[] = {
        {"class/net", one_link},        {"devices/system/cpu", one_processor},
        {"class/thermal", one_thermal}, {"class/power_supply", one_supply},
        {"class/hwmon", one_chip},      {"devices/system/clocksource", one_clock},
    };
    for (size_t i = 0; h->sys && i < sizeof kinds / sizeof *kinds; i++)
        each(h, kinds[i].folder, kinds[i].one);
}

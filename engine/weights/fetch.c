/*
 * fetch.c - see fetch.h: from a row of the catalog to a file on this machine.
 */
#include "thaw/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/sha256.h"
#include "engine/base/str.h"
#include "engine/net/address.h"
#include "engine/net/download.h"

/* Where all of torchvision's files are; what a mirror stands for. */
static const char origin[] = "https://download.pytorch.org/models/";

static const double timeout_default = 30, first_wait_default = 1, seconds_most = 3600;
enum { TRIES_DEFAULT = 5, TRIES_MOST = 1000 };

/* ---- what the environment says ---- */

/* Set, and not to a word for no. */
static bool is_on(const char *variable) {
    static const char *const no[] = {"", "0", "no", "off", "false"};
    const char *value = getenv(variable);
    for (size_t i = 0; value && i < sizeof no / sizeof no[0]; i++)
        if (!strcasecmp(value, no[i])) return false;
    return value != NULL;
}

static double number_or(const char *variable, double least, double most, double otherwise) {
    const char *value = getenv(variable);
    char *end = NULL;
    double number = value ? strtod(value, &end) : 0;
    return value && end != value && !*end && number >= least && number <= most ? number : otherwise;
}

thaw_fetch_params thaw_fetch_default_params(void) {
    const char *mirror = getenv("THAW_MIRROR");
    return (thaw_fetch_params){
        .mirror = mirror && mirror[0] ? mirror : NULL,
        .offline = is_on("THAW_OFFLINE") || is_on("HF_HUB_OFFLINE"),
        .timeout = number_or("THAW_FETCH_TIMEOUT", 1, seconds_most, timeout_default),
        .tries = (int)number_or("THAW_FETCH_TRIES", 1, TRIES_MOST, TRIES_DEFAULT),
        .first_wait = number_or("THAW_FETCH_WAIT", 0, seconds_most, first_wait_default),
    };
}

thaw_status thaw_fetch_check_params(const thaw_fetch_params *params) {
    return params->mirror ? address_check("mirror", params->mirror) : thaw_ok();
}

void thaw_fetch_result_clear(thaw_fetch_result *r) {
    free(r->path);
    *r = (thaw_fetch_result){0};
}

/* ---- from where, and to where ---- */

/* With the password, if the mirror's address has one. */
static char *full_address(const thaw_weights_info *info, const thaw_fetch_params *params) {
    if (!info->url || !params->mirror) return xstrdup(info->url);
    bool known = !strncmp(info->url, origin, sizeof origin - 1);
    return address_join(params->mirror, known ? info->url + sizeof origin - 1 : path_base(info->url));
}

char *thaw_fetch_address(const thaw_weights_info *info, const thaw_fetch_params *params) {
    char *url = full_address(info, params), *shown = url ? address_shown(url) : NULL;
    free(url);
    return shown;
}

char *thaw_fetch_destination(const thaw_weights_info *info, const thaw_fetch_params *params) {
    if (!params->folder) return thaw_catalog_destination(info);
    char *folder = path_expand(params->folder), *path = path_join(folder, info->file);
    free(folder);
    return path;
}

char *thaw_fetch_find(const thaw_weights_info *info, const thaw_fetch_params *params) {
    if (info->bundled || !params->folder) return thaw_catalog_locate(info);
    char *path = thaw_fetch_destination(info, params);
    if (path_exists(path) && !path_is_directory(path)) return path;
    free(path);
    return NULL;
}

/* ---- a file that is there ---- */

typedef struct looking {
    const thaw_fetch_params *params;
    int64_t total;
} looking;

static bool look_on(void *user, int64_t done) {
    const looking *l = user;
    thaw_fetch_progress p = {.stage = THAW_FETCH_CHECKING, .done = done, .total = l->total};
    return !l->params->progress || l->params->progress(l->params->user, &p);
}

/* What PATH's bytes should be: by its name, or by that of the blob it is a link to. Owned by the caller. */
static char *hash_of(const char *path) {
    char *hash = address_hash(path), *target = hash ? NULL : realpath(path, NULL);
    if (target) hash = address_hash(target);
    free(target);
    return hash;
}

static thaw_status check_file(const thaw_fetch_params *params, thaw_fetch_result *out) {
    char found[SHA256_HEX_MAX], *hash = hash_of(out->path);
    looking l = {.params = params, .total = out->bytes};
    if (!hash) return thaw_ok(); /* not checked, and the result says so */
    thaw_status status = sha256_file(out->path, look_on, &l, found);
    out->checked = !thaw_failed(&status);
    if (out->checked && strncmp(found, hash, strlen(hash)) != 0)
        status =
            thaw_error(THAW_ERR_FORMAT,
                       "%s is damaged: by its name the SHA-256 begins with %s, but it is %s; remove it and "
                       "fetch it again",
                       out->path, hash, found);
    free(hash);
    return status;
}

static thaw_status take_found(const thaw_fetch_params *params, char *path, thaw_fetch_result *out) {
    struct stat info;
    out->path = path;
    out->bytes = stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
    return params->check ? check_file(params, out) : thaw_ok();
}

/* ---- a file that is not ---- */

static thaw_status cannot_ask(const thaw_weights_info *info, const char *url, const char *destination) {
    if (info->bundled)
        return thaw_error(THAW_ERR_NOT_FOUND,
                          "%s comes with thaw and is missing: set THAW_HOME to the folder that has zoo/%s",
                          info->file, info->file);
    if (!url)
        return thaw_error(THAW_ERR_NOT_FOUND, "the catalog has no address for %s; put the file at %s",
                          info->file, destination);
    char *shown = address_shown(url);
    thaw_status status = thaw_error(THAW_ERR_NOT_FOUND,
                                    "%s is not on this machine, and nothing is fetched while offline "
                                    "(--offline, THAW_OFFLINE, HF_HUB_OFFLINE); bring %s here as %s",
                                    info->file, shown, destination);
    free(shown);
    return status;
}

static thaw_status fetch(const thaw_weights_info *info, const thaw_fetch_params *params, const char *url,
                         const char *destination, thaw_fetch_result *out) {
    download_result got;
    THAW_TRY(thaw_fetch_check_params(params));
    download_params what = {.url = url, .path = destination, .hash = info->sha256_prefix, .how = params};
    THAW_TRY(download(&what, &got));
    *out = (thaw_fetch_result){.path = xstrdup(destination),
                               .fetched = got.fetched,
                               .checked = got.fetched && what.hash,
                               .bytes = got.bytes,
                               .resumed = got.resumed};
    return thaw_ok();
}

thaw_status thaw_fetch(const thaw_weights_info *info, const thaw_fetch_params *params,
                       thaw_fetch_result *out) {
    *out = (thaw_fetch_result){0};
    char *destination = thaw_fetch_destination(info, params), *url = full_address(info, params);
    char *found = thaw_fetch_find(info, params);
    thaw_status status = found ? take_found(params, found, out)
                         : info->bundled || !url || params->offline
                             ? cannot_ask(info, url, destination)
                             : fetch(info, params, url, destination, out);
    if (thaw_failed(&status)) thaw_fetch_result_clear(out);
    free(url);
    free(destination);
    return status;
}

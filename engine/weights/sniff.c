/*
 * sniff.c - saying what a file is that is no weights file, so that the error tells what to do about it.
 */
#include <string.h>

#include "engine/weights/weights_file.h"

typedef struct known_format {
    size_t offset;
    const char *magic;
    size_t length;
    const char *what; /* "it is <what>" */
} known_format;

#define MAGIC(offset_, bytes_, what_) \
    { .offset = offset_, .magic = bytes_, .length = sizeof(bytes_) - 1, .what = what_ }

static const known_format known[] = {
    MAGIC(257, "ustar",
          "a tar archive, as torch wrote before 2017; load it in Python and save its state dict again"),
    MAGIC(0, "\x89HDF\r\n", "an HDF5 file (Keras), which thaw does not read; convert it to .safetensors"),
    MAGIC(0, "\x1f\x8b", "compressed with gzip; unpack it first"),
    MAGIC(0, "\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    MAGIC(0,
          "\xfd"
          "7zXZ",
          "compressed with xz; unpack it first"),
    MAGIC(0, "GGUF", "a GGUF file, which thaw does not read; convert it to .safetensors"),
    MAGIC(0, "\x93NUMPY", "a NumPy array, not a state dict; save the model's state dict instead"),
    MAGIC(0, "version https://git-lfs", "a Git LFS pointer, not the file itself; run git lfs pull"),
    MAGIC(0, "<!DOCTYPE", "a web page: the download went wrong; get it again"),
    MAGIC(0, "<!doctype", "a web page: the download went wrong; get it again"),
    MAGIC(0, "<html", "a web page: the download went wrong; get it again"),
    MAGIC(0, "\xff\xd8\xff", "a JPEG image; name the weights file instead"),
    MAGIC(0, "\x89PNG", "a PNG image; name the weights file instead"),
};

/* A pickle of protocol 0 or 1 has no first byte of its own; try it, for the sake of a refusal by name. */
static bool refused_as_pickle(const uint8_t *bytes, size_t size, thaw_status *status) {
    size_t used;
    pickle *p = NULL;
    if (!strchr("(c}]", bytes[0])) return false;
    *status = pickle_read(bytes, size, &used, &p);
    pickle_free(p);
    return status->code == THAW_ERR_UNSUPPORTED;
}

thaw_status weights_unknown_format(const uint8_t *bytes, size_t size) {
    thaw_status refusal;
    if (!size) return thaw_error(THAW_ERR_FORMAT, "the file is empty");
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const known_format *k = &known[i];
        if (size >= k->offset + k->length && memcmp(bytes + k->offset, k->magic, k->length) == 0)
            return thaw_error(THAW_ERR_UNSUPPORTED, "it is %s", k->what);
    }
    if (refused_as_pickle(bytes, size, &refusal)) return refusal;
    return thaw_error(THAW_ERR_UNSUPPORTED,
                      "not a weights file; thaw reads .safetensors and the .pth files that "
                      "Python's torch.save writes");
}

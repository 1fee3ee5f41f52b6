/*
 * manual.c - see manual.h. What the tables do not know (files, environment, exit status) is in tables here.
 */
#include "tui/commands/manual.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/alloc.h"
#include "tui/app.h"
#include "tui/commands/command.h"
#include "tui/commands/options.h"
#include "tui/commands/out.h"
#include "tui/key.h"

typedef struct entry {
    const char *term, *text;
} entry;

static const entry files[] = {
    {"~/.local/share/thaw/runs",
     "The runs, a folder each: recipe.json, events.jsonl, last and best weights, the "
     "state to go on from. $XDG_DATA_HOME and --runs move it."},
    {"~/.cache/thaw", "The bundled set of drawn shapes, made when it is first asked for."},
    {"~/.cache/thaw/outputs", "What runs keep of the outputs of frozen layers: see `thaw cache`."},
    {"~/.cache/torch/hub/checkpoints",
     "Where PyTorch keeps pretrained weights; thaw looks there, in $TORCH_HOME, "
     "and in the Hugging Face cache. Other folders are named by THAW_WEIGHTS."},
    {"~/.config/thaw", "Settings of the workbench, and themes of your own."},
};

static const entry environment[] = {
    {"THAW_CUDA_GRAPHS", "0: compute each step on a CUDA device as it comes, and record none as a graph."},
    {"THAW_HOME", "The folder with zoo and themes, when they are not beside the program or in share/thaw."},
    {"THAW_CACHE_LIMIT",
     "How much disk the kept outputs of frozen layers may take, as in 20G or 500M; 0: none. 10G unless set."},
    {"THAW_WINOGRAD",
     "0: compute no convolution by Winograd's filtering, which rounds a little more and takes half of the "
     "time, in float32 on the CPU. avx2: with AVX2 even where there is AVX-512."},
    {"THAW_TORCH_PLUGIN", "The libthaw_torch.so to load."},
    {"XDG_DATA_HOME, XDG_CACHE_HOME, XDG_CONFIG_HOME, TORCH_HOME, HF_HOME, HF_HUB_CACHE",
     "Move the folders named above."},
    {"THAW_WEIGHTS",
     "Folders to look for pretrained weights in before those of PyTorch and Hugging Face, colons "
     "between them: what get --to put there is then found by its name in the catalog, or by its "
     "file's."},
    {"THAW_MIRROR", "The address that pretrained weights are fetched from instead of "
                    "https://download.pytorch.org/models/; --mirror wins."},
    {"THAW_OFFLINE, HF_HUB_OFFLINE", "Fetch nothing, as with --offline, when one is set to 1."},
    {"THAW_FETCH_TIMEOUT, THAW_FETCH_TRIES, THAW_FETCH_WAIT",
     "A connection that brings nothing for 30 seconds has failed; 5 tries in a row that bring nothing new "
     "are "
     "the last; 1 second is waited after the first of them, and about twice as long after each. These set "
     "the "
     "three figures."},
    {"https_proxy, http_proxy, no_proxy", "Which proxy to fetch through, as curl takes them."},
    {"CURL_CA_BUNDLE, SSL_CERT_FILE", "A file with the certificates to trust when fetching."},
    {"THAW_LIBCURL", "The libcurl to load, when it is not where the system looks."},
    {"OPENBLAS_CORETYPE", "Which kernels OpenBLAS uses; thaw sets it from the processor when it is not set."},
    {"NO_COLOR", "The workbench uses no colour."},
};

static const entry statuses[] = {
    {"0", "done"},
    {"1", "failed; standard error says why"},
    {"2", "the command line makes no sense"},
    {"130", "interrupted"},
};

/* TEXT as roff: nothing in it is taken for a command. */
static void escaped(const char *text) {
    bool start = true;
    for (; *text; text++) {
        if (start && (*text == '.' || *text == '\'')) out_text("\\&");
        start = *text == '\n';
        if (*text == '\\')
            out_text("\\e");
        else if (*text == '-')
            out_text("\\-");
        else if (start)
            out_text("\n.IP\n");
        else
            out_format("%c", *text);
    }
}

static void paragraph(const char *text) {
    escaped(text);
    out_text("\n");
}

static void entries(const char *heading, const entry *e, size_t count) {
    out_format(".SH %s\n", heading);
    for (size_t i = 0; i < count; i++) {
        out_text(".TP\n.B ");
        paragraph(e[i].term);
        paragraph(e[i].text);
    }
}

static void command_entry(const command *c) {
    out_text(".TP\n.B thaw ");
    escaped(c->name);
    if (c->operands[0]) {
        out_text("\\fR \\fI");
        escaped(c->operands);
    }
    out_text("\\fR");
    for (option_id id = 0; id < OPT_COUNT; id++) {
        const option *o = option_at(id);
        if (!(c->options >> id & 1) || !o->help) continue;
        out_text(" [\\fB\\-\\-");
        escaped(o->name);
        out_text("\\fR");
        if (o->placeholder) out_format(" \\fI%s\\fR", o->placeholder);
        out_text("]");
    }
    out_text("\n");
    paragraph(c->about);
}

static void key_entry(const action *item) {
    out_text(".TP\n.B ");
    if (item->keys) {
        const char *at = item->keys;
        for (key_word word; key_next(&at, &word);) {
            char *one = xstrndup(word.name, (size_t)word.length);
            if (word.name != item->keys) out_text("\\fR, \\fB");
            escaped(one);
            free(one);
        }
        out_text("\\fR or \\fB");
    }
    out_text(":");
    escaped(item->name);
    if (item->argument) {
        out_text("\\fR \\fI");
        escaped(item->argument);
    }
    out_text("\\fR\n");
    paragraph(item->help);
}

static void key_table(screen_id id) {
    const char *title;
    action_table table = app_actions_of(id, &title);
    if (id < SCREEN_COUNT)
        out_format(".SS On the tab %s\n", title);
    else
        out_text(".SS Everywhere\n");
    for (size_t i = 0; i < table.count; i++)
        key_entry(&table.item[i]);
}

static void option_entry(const option *o) {
    out_text(".TP\n.B \\-\\-");
    escaped(o->name);
    if (o->placeholder) out_format("\\fR \\fI%s\\fR", o->placeholder);
    out_text("\n");
    paragraph(o->help);
}

void manual_print(void) {
    out_text(".\\\" Written by `thaw help --man`; do not edit.\n"
             ".TH THAW 1 \"\" \"thaw " THAW_VERSION "\" \"User Commands\"\n"
             ".SH NAME\nthaw \\- a terminal workbench for fine-tuning pretrained image models\n"
             ".SH SYNOPSIS\n.B thaw\n.br\n.B thaw\n.I COMMAND\n[\\fIOPTIONS\\fR]\n"
             ".SH DESCRIPTION\n");
    paragraph(
        "Without a command thaw opens the workbench: pick a pretrained model and a folder of images, freeze "
        "and "
        "thaw layers one by one, pick a head and a learning rate, and watch the loss curves while it trains. "
        "Every key is explained by ? there, and under KEYS below. The commands below do the same without a "
        "terminal, from the same "
        "recipe files.");
    out_text(".SH COMMANDS\n");
    for (size_t i = 0; i < command_count(); i++)
        command_entry(command_at(i));
    out_text(".SH OPTIONS\nAn option means the same in every command that takes it; --name=value works as "
             "well.\n");
    for (option_id id = 0; id < OPT_COUNT; id++)
        if (option_at(id)->help) option_entry(option_at(id));
    out_text(
        ".SH KEYS\nIn the workbench. What begins with a colon can be typed after \\fB:\\fR by its name or a "
        "beginning of it, with what it takes in italics.\n.PP\n");
    paragraph(app_help_note());
    key_table(SCREEN_COUNT);
    for (screen_id id = 0; id < SCREEN_COUNT; id++)
        key_table(id);
    entries("EXIT STATUS", statuses, sizeof statuses / sizeof statuses[0]);
    entries("FILES", files, sizeof files / sizeof files[0]);
    entries("ENVIRONMENT", environment, sizeof environment / sizeof environment[0]);
}

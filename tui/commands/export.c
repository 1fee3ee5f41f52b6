/*
 * export.c - `thaw export`: a run's weights as a file for other programs.
 */
#include "engine/base/json.h"
#include "engine/base/str.h"
#include "thaw/jobs.h"
#include "tui/commands/commands.h"
#include "tui/commands/out.h"
#include "tui/commands/report.h"

static int export_run(const arguments *a) {
    const char *run = a->operand_count ? a->operand[0] : NULL;
    thaw_status status = report_check_subject(a, run);
    if (thaw_failed(&status)) return command_usage("export", status);
    if (!a->text[OPT_TO])
        return command_usage("export", thaw_error(THAW_ERR_USAGE, "say where to: --to FILE"));
    if (!text_glob("*.safetensors", a->text[OPT_TO]) && !text_glob("*.pth", a->text[OPT_TO]))
        return command_usage(
            "export",
            thaw_error(THAW_ERR_USAGE, "--to %s: expected a name in .safetensors or .pth", a->text[OPT_TO]));
    thaw_subject subject = report_subject(a, run);
    status = thaw_export(&subject, a->text[OPT_TO], a->given[OPT_LAST]);
    if (thaw_failed(&status)) return command_result(status);
    if (a->given[OPT_JSON]) {
        cJSON *document = cJSON_CreateObject();
        cJSON_AddStringToObject(document, "file", a->text[OPT_TO]);
        report_json(document);
    } else {
        out_format("wrote %s\n", a->text[OPT_TO]);
    }
    return EXIT_DONE;
}

const command command_export = {
    .name = "export",
    .operands = "[RUN]",
    .summary = "write a run's weights to a file",
    .about = "Writes the weights of RUN's best checkpoint (--last: the last one), or of --model M with "
             "--weights W (a file's model is found by its keys), to "
             "FILE under torchvision's keys. A .pth is read by Python's torch.load(weights_only=True); a "
             ".safetensors "
             "also carries the classes, the transform, the architecture, the head and the freeze mask.",
    .options = OPT(JSON) | OPT(TO) | OPT(LAST) | OPT(MODEL) | OPT(WEIGHTS) | OPT(RUNS),
    .max = 1,
    .run = export_run,
};

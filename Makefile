# thaw - a workbench for fine-tuning pretrained image models.
# `make help` lists what can be made. LIBTORCH=DIR picks a libtorch; BUILD=DIR builds elsewhere.

BUILD   ?= build
PREFIX  ?= /usr/local
PROGRAM := $(if $(filter build,$(BUILD)),thaw,$(BUILD)/thaw)
VERSION := 0.1.0

PACKAGES := ncursesw libcjson libjpeg libpng libwebp libxxhash zlib
HEADERS_OF := libcurl
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings \
            -Wformat=2 -Wundef -Wvla
CFLAGS   ?= -O2 -g
SANITIZE ?=
override CPPFLAGS += -I. -Iinclude -D_GNU_SOURCE -DTHAW_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(PACKAGES) $(HEADERS_OF) 2>/dev/null)
C_FLAGS  := -std=c11 $(CFLAGS) $(WARNINGS) -fno-strict-aliasing -pthread $(WERROR) $(SANITIZE)
CXX_FLAGS = -std=$(TORCH_STD) $(CFLAGS) -Wall -Wextra -fPIC -fvisibility=hidden -pthread $(WERROR) $(SANITIZE)
# The threads of libtorch, for the plugin's own loops; clang would need a runtime of its own and does without.
OPENMP   := $(if $(findstring clang,$(CXX)),,-fopenmp)
LIBS     := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpanelw -lm -ldl -pthread

# For the two commands of a newcomer: a job for each core, unless somebody said how many.
SIDE_BY_SIDE = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc))

ENGINE_C := $(wildcard engine/*/*.c)
TUI_C    := $(filter-out tui/main.c,$(wildcard tui/*.c tui/*/*.c))
PLUGIN_X := $(wildcard engine/torch/*.cpp)
TESTS    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
SUPPORT  := $(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c))
HEADERS  := $(wildcard include/thaw/*.h engine/*/*.h tui/*.h tui/*/*.h)
SOURCES  := $(ENGINE_C) $(TUI_C) tui/main.c $(PLUGIN_X) $(wildcard tests/unit/*.c tests/fuzz/*.c tests/bench/*.c)

ENGINE_O := $(ENGINE_C:%.c=$(BUILD)/%.o)
TUI_O    := $(TUI_C:%.c=$(BUILD)/%.o)
PLUGIN_O := $(PLUGIN_X:%.cpp=$(BUILD)/%.o)
PLUGIN   := $(BUILD)/libthaw_torch.so

all: $(PROGRAM) plugin compile_commands.json

# ---- libtorch: found once, remembered in $(BUILD)/libtorch.mk, looked for again when LIBTORCH changes
ifeq ($(filter help clean deps deps-test deps-lint test demo lint,$(MAKECMDGOALS)),)
$(shell mkdir -p $(BUILD) && scripts/find-libtorch.sh $(BUILD)/libtorch.mk "$(LIBTORCH)")
include $(BUILD)/libtorch.mk
endif

# ---- program
$(PROGRAM): $(BUILD)/tui/main.o $(BUILD)/libtui.a $(BUILD)/libengine.a
	$(CC) $(C_FLAGS) -rdynamic -o $@ $^ $(LDFLAGS) $(LIBS)

$(BUILD)/libengine.a: $(ENGINE_O)
$(BUILD)/libtui.a: $(TUI_O)
%.a:
	rm -f $@ && ar qcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(C_FLAGS) -MMD -MP -c -o $@ $<

# ---- plugin: the only code that sees libtorch. It mostly passes calls on, so it need not be optimised much; what
# computes itself asks for more, here or by HOT_LOOP.
ifeq ($(TORCH_FOUND),yes)
plugin: $(PLUGIN)
else
plugin:
	@echo "note: no libtorch found; the program works but cannot train. Install libtorch-dev, or set LIBTORCH=DIR."
endif

# A function that this libtorch lacks is to fail here, not in the user's dlopen; sanitizers leave theirs open, though.
$(PLUGIN): $(PLUGIN_O)
	$(CXX) $(CXX_FLAGS) $(OPENMP) -shared $(if $(SANITIZE),,-Wl,-z,defs) -o $@ $^ $(LDFLAGS) $(TORCH_LDFLAGS)

OPTIMISE := -ffp-contract=off -O1
ifneq ($(filter x86_64%,$(shell $(CXX) -dumpmachine)),)
$(BUILD)/engine/torch/winograd_avx512.o: OPTIMISE = -ffp-contract=fast -O3 -mfma -mavx512f
$(BUILD)/engine/torch/winograd_avx2.o: OPTIMISE = -ffp-contract=fast -O3 -mfma -mavx2
endif

$(BUILD)/engine/torch/%.o: engine/torch/%.cpp $(BUILD)/libtorch.mk
	@mkdir -p $(@D)
	$(CXX) $(CPPFLAGS) $(TORCH_CPPFLAGS) $(CXX_FLAGS) $(OPENMP) $(OPTIMISE) -g1 -MMD -MP -c -o $@ $<

# ---- tests
$(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(SUPPORT:%.c=$(BUILD)/%.o) $(BUILD)/libtui.a $(BUILD)/libengine.a
	@mkdir -p $(@D)
	$(CC) $(C_FLAGS) -rdynamic -o $@ $^ $(LDFLAGS) -lcmocka $(LIBS)

unit: all $(TESTS)
	@BUILD=$(BUILD) scripts/run-unit-tests.sh $(TESTS)

screen: all
	@BUILD=$(BUILD) PROGRAM=$(PROGRAM) tests/screen/run.sh

# A server on this machine; nothing outside it is asked.
net: all
	@PROGRAM=$(PROGRAM) python3 tests/net/download.py

# 80 models, the largest of 645 million parameters: minutes, and 12 GB of memory.
freeze-all:
	@THAW_TEST_ALL=1 TEST_TIMEOUT=3600 $(MAKE) --no-print-directory unit TESTS=$(BUILD)/tests/test_architectures

# What computes, on a CUDA device instead of the processor, one program at a time; THAW_TEST_DEVICE=cuda:1 names another one.
CUDA_TESTS := tensor ops pixel_scale autograd model freeze architectures precision optimizer step_graph prefix_cache \
              trainer saver phases session jobs profile prefix_disk
check-cuda:
	@JOBS=1 THAW_TEST_DEVICE=$${THAW_TEST_DEVICE:-cuda} $(MAKE) --no-print-directory unit \
	    TESTS="$(CUDA_TESTS:%=$(BUILD)/tests/test_%)"

parity: all
	@BUILD=$(BUILD) PROGRAM=$(PROGRAM) tests/parity/run.sh

# One kind after the other, whatever -j says: the screen tests watch the clock. Each runs its own tests side by side.
check:
	@$(MAKE) --no-print-directory $(SIDE_BY_SIDE) unit
	@$(MAKE) --no-print-directory screen
	@$(MAKE) --no-print-directory net
	@$(MAKE) --no-print-directory parity

test: deps-test
	@$(MAKE) --no-print-directory check

demo: deps
	@$(MAKE) --no-print-directory $(SIDE_BY_SIDE) all
	@./thaw demo

check-real: all
	@test -n "$(DATA)" || { echo "usage: make check-real DATA=DIR (a folder with hymenoptera_data, weights, ...)"; exit 2; }
	@BUILD=$(BUILD) PROGRAM=$(PROGRAM) tests/real/run.sh "$(DATA)"

bench: all
	@BUILD=$(BUILD) PROGRAM=$(PROGRAM) tests/bench/run.sh $(BENCH)

asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" CFLAGS="-O1 -g" unit

# What threads meet in; the rest is one thread over libtorch, which ThreadSanitizer cannot see through.
tsan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan SANITIZE=-fsanitize=thread CFLAGS="-O1 -g" \
	    TESTS="$(patsubst %,$(BUILD)-tsan/tests/test_%,loader mailbox dataset session saver row_file control read_ahead)" unit

fuzz:
	@BUILD=$(BUILD)-fuzz tests/fuzz/run.sh

# ---- lint
lint: deps-lint
	@scripts/lint.sh

format:
	clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.h)

# ---- the rest
deps:
	@scripts/deps.sh build
deps-test:
	@scripts/deps.sh build test
deps-lint:
	@scripts/deps.sh build lint

compile_commands.json: Makefile
	@scripts/compile-commands.sh "$(CC) $(CPPFLAGS) $(C_FLAGS)" $(ENGINE_C) $(TUI_C) tui/main.c > $@

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/thaw $(DESTDIR)$(PREFIX)/share/thaw/zoo \
	    $(DESTDIR)$(PREFIX)/share/thaw/themes $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 755 $(PROGRAM) $(DESTDIR)$(PREFIX)/bin/thaw
	test ! -f $(PLUGIN) || install -m 755 $(PLUGIN) $(DESTDIR)$(PREFIX)/lib/thaw/
	install -m 644 engine/zoo/* $(DESTDIR)$(PREFIX)/share/thaw/zoo/
	install -m 644 themes/* $(DESTDIR)$(PREFIX)/share/thaw/themes/
	install -m 644 docs/thaw.1 $(DESTDIR)$(PREFIX)/share/man/man1/

clean:
	rm -rf build build-* thaw compile_commands.json

help:
	@echo "make            the program (./thaw) and the engine plugin"
	@echo "make demo       install what is missing, build, open the workbench on the bundled model and dataset"
	@echo "make test       install what is missing, build, run the unit, screen, download and parity tests"
	@echo "make unit | screen | net | parity    one kind of test, nothing installed"
	@echo "PARITY=all make parity         all of torchvision's architectures; writes docs/parity.md"
	@echo "make freeze-all                the test that what is frozen stays to the bit, with every architecture"
	@echo "make lint       formatting, warnings of gcc and clang, static analysis, banned functions"
	@echo "make asan | tsan | fuzz        sanitizers and fuzzers"
	@echo "make bench      speed and memory against Python PyTorch; BENCH='--write docs/perf.md', BENCH=--quick to try it"
	@echo "make check-real DATA=DIR       checks on real images and weights"
	@echo "make install PREFIX=DIR        $(PREFIX) by default; make clean; make format"
	@echo "LIBTORCH=DIR    which libtorch (default: Python's torch, else the system's); BUILD=DIR builds elsewhere"

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all plugin unit screen net parity freeze-all check test demo check-real bench asan tsan fuzz lint format deps \
        deps-test deps-lint install clean help

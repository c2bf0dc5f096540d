# moonwatch - `make help` lists the doors.
#
# Objects, tests and benches of a build live under $(B); another B (make B=build/asan) is another
# build of the same tree beside it.

VERSION := 0.1.0
B      ?= build
CC     := gcc
PKGS   := luajit jansson hiredis libcurl libpq libpcre2-8 snappy libzstd zlib openssl libedit libh2o-evloop yaml-0.1 libcares
WARN   := -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith \
          -Wwrite-strings -Wno-unused-parameter -Wno-format-truncation -Wvla
HARDEN := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPT    := -O2 -g -fno-omit-frame-pointer
SAN    :=
CFLAGS  = -std=gnu11 $(OPT) $(WARN) $(if $(SAN),,$(HARDEN)) $(SAN) -D_GNU_SOURCE -DH2O_USE_LIBUV=0 \
          -DMW_VERSION='"$(VERSION)"' \
          -Isrc -Iinclude -I$(B)/gen $(PKG_CFLAGS) -MMD -MP
LDFLAGS = -pie -Wl,-z,relro,-z,now -Wl,-E $(SAN)
LDLIBS  = $(PKG_LIBS) -lpthread -ldl -lm
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

# Floors, ground first.  A file may include its own floor and those on lower lines, never a sibling.
FLOORS := base model store metrics tsdb logs traces promql ingest script net http cluster
SRC    := $(foreach f,$(FLOORS),$(wildcard src/$f/*.c))
MAIN   := $(wildcard src/main/*.c)
OBJ    := $(SRC:src/%.c=$(B)/%.o)
LUA    := $(shell find lua/moonwatch -name '*.lua' 2>/dev/null)
BC     := $(LUA:lua/%.lua=$(B)/lua/%.o) $(B)/lua/moonwatch/guest_sources.o
CTEST  := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/*/test_*.c))
FUZZER := $(patsubst tests/fuzz/fuzz_%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH  := $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/bench_*.c))
LIBS   := $(foreach f,$(FLOORS),$(if $(wildcard src/$f/*.c),$(B)/lib$f.a))

all: moonwatch ## build the single binary ./moonwatch

moonwatch: $(B)/moonwatch
	@cp -f $< $@

$(B)/moonwatch: $(MAIN:src/%.c=$(B)/%.o) $(BC) $(B)/web.o $(LIBS)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(call upto,cluster) $(LDLIBS)

$(B)/%.o: src/%.c
	@mkdir -p $(@D)
	@echo "  CC   $@"
	@$(CC) $(CFLAGS) -c -o $@ $<

# Our Lua, as bytecode inside the binary: require finds it by symbol name.
$(B)/lua/%.o: lua/%.lua
	@mkdir -p $(@D)
	@luajit -bg -n $(patsubst %.init,%,$(subst /,.,$*)) $< $@

# What rule files may require of us, as text in one module: their guests take source only.
$(B)/lua/moonwatch/guest_sources.o: $(wildcard lua/moonwatch/guest/*.lua) src/script/embed.lua
	@mkdir -p $(@D)
	@luajit src/script/embed.lua $(filter lua/%,$^) > $(B)/guest_sources.lua
	@luajit -bg -n moonwatch.guest_sources $(B)/guest_sources.lua $@

# The web page, every file of web/ as bytes in one table.
$(B)/web.o: $(shell find web -type f 2>/dev/null) src/http/embed.lua
	@mkdir -p $(@D)
	@luajit src/http/embed.lua web > $(B)/web.c
	@$(CC) $(CFLAGS) -c -o $@ $(B)/web.c

# One archive per floor; what is built for a floor links that floor and those below it, no more.
below   = $(if $(filter $1,$(firstword $2)),$(firstword $2),$(firstword $2) $(call below,$1,$(wordlist 2,99,$2)))
reverse = $(if $1,$(call reverse,$(wordlist 2,99,$1)) $(firstword $1))
upto    = $(filter $(LIBS),$(patsubst %,$(B)/lib%.a,$(call reverse,$(call below,$1,$(FLOORS)))))

define floor
$(B)/lib$1.a: $(patsubst src/%.c,$(B)/%.o,$(wildcard src/$1/*.c))
	@rm -f $$@
	@ar rcs $$@ $$^
$(B)/tests/$1/%: tests/$1/%.c $(call upto,$1)
	@mkdir -p $$(@D)
	@echo "  LD   $$@"
	@$$(CC) $$(CFLAGS) -Itests -o $$@ $$< $(call upto,$1) $$(LDFLAGS) $$(LDLIBS) -lcmocka
endef
$(foreach f,$(FLOORS),$(eval $(call floor,$f)))

$(B)/bench/%: bench/%.c $(LIBS)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) -o $@ $< $(call upto,cluster) $(LDFLAGS) $(LDLIBS)

$(B)/fuzz/%: tests/fuzz/fuzz_%.c $(call upto,net)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(CFLAGS) -fsanitize=fuzzer -Itests -o $@ $< $(call upto,net) $(LDFLAGS) $(LDLIBS)

# -- doors -------------------------------------------------------------------------------------

# To build and run, and on top of that to test.
RUN_PKGS  := build-essential pkg-config luajit libluajit-5.1-dev libh2o-evloop-dev libjansson-dev libhiredis-dev \
             libcurl4-openssl-dev libpq-dev libpcre2-dev libsnappy-dev libzstd-dev zlib1g-dev libssl-dev \
             libxxhash-dev libyaml-dev libc-ares-dev libedit-dev lua-socket lua-dkjson tzdata
TEST_PKGS := libcmocka-dev lua-busted lua-check clang clang-format clang-tidy libclang-rt-14-dev cppcheck curl \
             redis-server postgresql prometheus prometheus-node-exporter prometheus-alertmanager nginx-light chromium \
             python3-aiosmtpd python3-grpcio prometheus-blackbox-exporter node-typescript

deps: ## install what building, running and testing need (Debian 12; as root)
	@.ci/deps $(RUN_PKGS) $(TEST_PKGS)

run: ## install, build and start the quickstart: this host and a small demo shop, watched
	@.ci/deps $(RUN_PKGS)
	@$(MAKE) --no-print-directory all
	@examples/quickstart/start.sh

test: ## everything: unit, specs, end to end, all of it again under ASan and UBSan, and a little fuzzing
	@tests/run.sh unit spec e2e asan fuzz

check: ## the quick part of the tests: unit and specs
	@tests/run.sh unit spec

unit: $(CTEST) ## build the C tests (tests/run.sh runs them)

ASAN := B=build/asan SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined" OPT="-O1 -g -fno-omit-frame-pointer"
TSAN := B=build/tsan SAN="-fsanitize=thread" OPT="-O1 -g -fno-omit-frame-pointer"

asan: ## build ./build/asan/moonwatch and its C tests with AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory $(ASAN) build/asan/moonwatch unit

tsan: ## the C tests built with ThreadSanitizer
	@$(MAKE) --no-print-directory $(TSAN) unit

# Only clang has libFuzzer.  It does not know every warning that gcc knows, and its pointer-overflow
# would not have an empty text begin at NULL.
FUZZ := B=build/fuzz CC=clang \
        SAN="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined" \
        OPT="-O1 -g -fno-omit-frame-pointer -fPIE" WARN="$(WARN) -Wno-unknown-warning-option"

fuzz: ## build the fuzz targets with clang (tests/run.sh fuzz runs them; FUZZ_SECONDS=600 for longer)
	@$(MAKE) --no-print-directory $(FUZZ) fuzzers
fuzzers: $(FUZZER)

lint: ## clang-format, clang-tidy, cppcheck, luacheck
	@.ci/lint

bench: $(BENCH) ## build and run every benchmark; each prints its figures
	@for b in $^; do echo "== $$b"; $$b || exit 1; done

docs: moonwatch ## write docs/rules.md and lua/library from the tables that check the words
	./moonwatch help --markdown > $(B)/rules.md
	mv $(B)/rules.md docs/rules.md
	@mkdir -p lua/library
	./moonwatch help --lua-library > $(B)/library.lua
	./moonwatch help --lua-objects > $(B)/objects.lua
	mv $(B)/library.lua lua/library/moonwatch.lua
	mv $(B)/objects.lua lua/library/objects.lua

PREFIX ?= /usr/local
install: moonwatch ## put the binary, the rules and the examples under $(PREFIX)
	install -D -m 755 moonwatch $(DESTDIR)$(PREFIX)/bin/moonwatch
	install -d $(DESTDIR)$(PREFIX)/share/moonwatch
	cp -r rules examples $(DESTDIR)$(PREFIX)/share/moonwatch/

clean: ## remove everything that was built
	rm -rf build moonwatch

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: all deps run test check unit asan tsan fuzz fuzzers lint bench docs install clean help
.PRECIOUS: $(B)/%.o $(B)/lua/%.o

-include $(OBJ:.o=.d) $(MAIN:src/%.c=$(B)/%.d) $(CTEST:=.d) $(FUZZER:=.d) $(BENCH:=.d)

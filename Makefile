# Installs lam with its manual page and completions. The build itself is SwiftPM's: see train.sh.
PREFIX ?= /usr/local
DESTDIR ?=
LAM ?= .build/release/lam

.PHONY: all install uninstall package

all:
	bash -c 'source scripts/bootstrap.sh && swift build -c release --product lam'

$(LAM):
	$(MAKE) all

install: $(LAM)
	install -D -m 755 $(LAM) $(DESTDIR)$(PREFIX)/bin/lam
	scripts/install-docs.sh $(LAM) $(DESTDIR)$(PREFIX)/share

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/lam $(DESTDIR)$(PREFIX)/share/man/man1/lam.1 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions/lam \
		$(DESTDIR)$(PREFIX)/share/zsh/site-functions/_lam $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lam.fish

package:
	scripts/package.sh

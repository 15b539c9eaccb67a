# syntax=docker/dockerfile:1
#   docker build -t credwatch .
#   docker run --rm --read-only credwatch demo
#   docker run --rm --read-only -v ./etc:/etc/credwatch:ro -v credwatch:/var/lib/credwatch credwatch

# The dependencies by themselves: this layer stands until Cargo.lock changes.
FROM rust:1.95-slim-bookworm AS dependencies
WORKDIR /build
# A quick image for a trial: --build-arg PROFILE=dev
ARG PROFILE=dist
# Static, so that the last stage needs no libc. With --target the flag does not
# reach build scripts and macros, which cannot be static. glibc resolves names
# without its plug-ins since 2.34, and is kinder to many threads than musl.
ENV RUSTFLAGS="-C target-feature=+crt-static"
# Spares each start 25-90 ms of CPU, see .cargo/config.toml. It is read while aws-lc
# is compiled; here and there, so that it holds however the build is called.
ENV AWS_LC_SYS_NO_JITTER_ENTROPY=1
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
RUN mkdir src \
    && echo 'fn main() {}' >src/main.rs \
    && touch src/lib.rs \
    && rustc --print host-tuple >/target-triple \
    && cargo build --locked --profile "$PROFILE" --target "$(cat /target-triple)" --bin credwatch

FROM dependencies AS builder
# Not every builder hands it down from the stage before.
ARG PROFILE=dist
COPY . .
# The stand-ins are newer than the real sources: cargo goes by the date.
RUN touch src/main.rs src/lib.rs \
    && cargo build --locked --profile "$PROFILE" --target "$(cat /target-triple)" --bin credwatch
# The last stage's tree, and nothing more. cargo calls the folder of `dev` debug.
RUN mkdir -p /image/etc/ssl/certs /image/var/lib /state/credwatch \
    && cp target/"$(cat /target-triple)"/*/credwatch /image/ \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/

FROM scratch
LABEL org.opencontainers.image.title="credwatch" \
      org.opencontainers.image.description="Tests every OAuth2 client secret of an inventory and tells its owner in time" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT"
COPY --from=builder /image /
# The one folder it writes: state, reports, the demo's files. Owned by the user,
# so that a fresh volume is too; --chown reaches what lies in /state.
COPY --from=builder --chown=65532:65532 /state /var/lib/
# Settings are found at /etc/credwatch/credwatch.yaml, the state at
# /var/lib/credwatch/state.db; nothing is written elsewhere, so the root may be
# read-only. Time zones are compiled into the binary.
ENV HOME=/var/lib/credwatch \
    TMPDIR=/var/lib/credwatch \
    XDG_CONFIG_HOME=/etc \
    XDG_STATE_HOME=/var/lib \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
VOLUME /var/lib/credwatch
# By number: a cluster's runAsNonRoot cannot tell from a name.
USER 65532:65532
ENTRYPOINT ["/credwatch"]
CMD ["audit", "/etc/credwatch/inventory"]

# The program on a bare Debian 12. docker build -t lam . && docker run --rm -v $PWD:/work lam fit --config my.yaml
FROM swift:6.3-bookworm AS build
WORKDIR /source
COPY scripts/bootstrap.sh scripts/
RUN CI=1 bash scripts/bootstrap.sh && apt-get install -q -y --no-install-recommends patchelf
COPY . .
RUN scripts/package.sh --output /archive && mkdir /lam && tar -xzf /archive/*.tar.gz -C /lam --strip-components 1

FROM debian:12-slim
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /lam /opt/lam
ENV PATH=/opt/lam/bin:$PATH
WORKDIR /work
ENTRYPOINT ["lam"]
CMD ["--help"]

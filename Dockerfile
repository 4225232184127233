# Euterpe as an image: one program, a user without rights, nothing written but below /scratch and /cluster.
#
#   docker build -t euterpe .                                              from these sources
#   docker build -t euterpe-python --target runtime-python .               the same with Python for Python transforms
#
# Dockerfile.prebuilt takes a program that is built already. It is a file of its own, for a builder without BuildKit builds every
# stage of a file.
#
# Each base image has a name, a tag and a digest of its own, such as --build-arg DEBIAN_DIGEST=@sha256:…
ARG DEBIAN_IMAGE=debian
ARG DEBIAN_TAG=trixie-slim
ARG DEBIAN_DIGEST=
ARG PYTHON_IMAGE=python
ARG PYTHON_TAG=3.13-slim-trixie
ARG PYTHON_DIGEST=
ARG RUST_IMAGE=rust
ARG RUST_TAG=1.95-slim-trixie
ARG RUST_DIGEST=

# What every image has: the certificates that are trusted, the user, and the folders that volumes begin as.
FROM ${DEBIAN_IMAGE}:${DEBIAN_TAG}${DEBIAN_DIGEST} AS base
RUN test -s /etc/ssl/certs/ca-certificates.crt \
    || { apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*; }
# A file system in memory that is mounted at /scratch gets the mode that the folder has here.
RUN install -d -m 1777 /scratch && install -d -o 10001 -g 10001 /cluster/credentials /cluster/broker /cluster/objects
ENV TMPDIR=/scratch HOME=/scratch
WORKDIR /scratch
USER 10001:10001
ENTRYPOINT ["euterpe"]

FROM ${RUST_IMAGE}:${RUST_TAG}${RUST_DIGEST} AS build
RUN command -v make >/dev/null \
    || { apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*; }
WORKDIR /build
COPY . .
RUN cargo build --release --locked --bin euterpe

FROM base AS runtime
COPY --from=build /build/target/release/euterpe /usr/local/bin/euterpe

# The packages of REQUIREMENTS, a file of this folder, lie in the Python that transforms without `env` get.
FROM ${PYTHON_IMAGE}:${PYTHON_TAG}${PYTHON_DIGEST} AS base-python
ARG REQUIREMENTS=config/transforms/requirements.txt
COPY ${REQUIREMENTS} /tmp/requirements.txt
RUN python3 -m venv /opt/python \
    && /opt/python/bin/pip install --no-cache-dir -r /tmp/requirements.txt \
    && test -s /etc/ssl/certs/ca-certificates.crt \
    && install -d -m 1777 /scratch && install -d -o 10001 -g 10001 /cluster/credentials /cluster/broker /cluster/objects
ENV PATH=/opt/python/bin:/usr/local/bin:/usr/bin:/bin TMPDIR=/scratch HOME=/scratch PYTHONDONTWRITEBYTECODE=1
WORKDIR /scratch
USER 10001:10001
ENTRYPOINT ["euterpe"]

FROM base-python AS runtime-python
COPY --from=build /build/target/release/euterpe /usr/local/bin/euterpe

# What is built where no target is named.
FROM runtime

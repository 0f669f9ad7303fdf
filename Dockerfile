# Lipstream for recordings, and for whatever else needs no camera or microphone of the host.
#
#   docker build --target slim -t lipstream .
#   docker run --rm --network none -v "$PWD:/data" lipstream file talk.mp4
#
# The web page needs the host's network, for its media come by UDP; browsers on the same machine open what it prints:
#
#   docker run --rm --network host lipstream serve
#
# The tag names the base; to pin its bytes as well, pass --build-arg BASE=python:3.12-slim-bookworm@sha256:<digest>
# with the digest `docker buildx imagetools inspect python:3.12-slim-bookworm` prints.
#
# It holds what captions and the web page take, and no torch. `--build-arg LOCK=lock.txt` puts everything in: training,
# profiles, Ray, the tools of developers.
ARG BASE=python:3.12-slim-bookworm
ARG LOCK=runtime.txt

# hadolint ignore=DL3006
FROM ${BASE} AS build
ARG LOCK
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# PyAudio, of lock.txt, is there as source only. Debian's security updates replace old versions: pinning one would break the build.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends build-essential portaudio19-dev \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/lipstream
ENV PATH=/opt/lipstream/bin:$PATH
WORKDIR /src
COPY requirements/bootstrap.txt requirements/lock.txt requirements/runtime.txt requirements/
RUN pip install --require-hashes --requirement requirements/bootstrap.txt \
    && pip install --require-hashes --no-build-isolation --requirement "requirements/$LOCK"
COPY pyproject.toml setup.py README.md LICENSE ./
COPY commands commands
COPY configs configs
COPY lipstream lipstream
COPY models models
COPY pipeline pipeline
COPY stages stages
COPY views views
COPY web web
RUN pip install --no-deps --no-build-isolation .
ENV LIPSTREAM_CACHE=/opt/lipstream/models
RUN lipstream models pull && lipstream models verify

# hadolint ignore=DL3006
FROM ${BASE} AS slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libegl1 libgl1 libgles2 libglib2.0-0 libportaudio2 libsm6 libxext6 \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 lipstream \
    && useradd --uid 10001 --gid 10001 --create-home lipstream \
    && install -d -o lipstream -g lipstream /data
COPY --from=build /opt/lipstream /opt/lipstream
ENV PATH=/opt/lipstream/bin:$PATH \
    LIPSTREAM_CACHE=/opt/lipstream/models \
    LIPSTREAM_OFFLINE=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
ENTRYPOINT ["lipstream"]
CMD ["--help"]

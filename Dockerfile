# Hearth in a container: one process, one volume, no root.
#
# glibc, because the agent's SDK bundles a program that is linked against it: there is no wheel
# for Alpine. Python 3.12, because asyncio of 3.11 keeps a thread for every child.
#
# The bundled program is under Anthropic's commercial terms, not under our licence: build the
# image where it runs rather than publishing it.

FROM python:3.12-slim-bookworm AS build

# Every dependency is checked against its hash, and wheels only: none of them runs code while the
# image is built. pip itself stays behind in this stage.
RUN python -m venv --without-pip /opt/hearth
COPY constraints.txt /src/
RUN pip --python /opt/hearth/bin/python install --no-cache-dir --only-binary :all: \
        --require-hashes -r /src/constraints.txt

# After the dependencies, so that a change of ours does not fetch them again. For this moment pip
# fetches the build backend that pyproject.toml names, into a folder it throws away.
COPY pyproject.toml README.md /src/
COPY bot /src/bot
RUN pip --python /opt/hearth/bin/python install --no-cache-dir --no-deps /src

# Compiled once, for good: the root file system is read-only later, and a layer keeps no exact
# times to compare with.
RUN /opt/hearth/bin/python -m compileall -q -f --invalidation-mode unchecked-hash /opt/hearth/lib


FROM python:3.12-slim-bookworm

LABEL org.opencontainers.image.title="Hearth" \
      org.opencontainers.image.description="A group-chat bot server: a message in a room becomes an answer in that room" \
      org.opencontainers.image.licenses="MIT"

# tini reaps what the agent's children leave behind. setpriv (util-linux, part of every Debian)
# ends a child when the server dies; looked for here, so that a base without it fails the build.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && command -v tini setpriv

# A fixed number, because folders on the host and Kubernetes know users by number only. The state
# folder is made here with its owner, and a new volume takes both over.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin hearth \
    && install -d -o hearth -g hearth -m 0700 /app/session_cache \
    && install -d -m 0755 /app/bots.d

COPY --from=build /opt/hearth /opt/hearth

# Inside a container 127.0.0.1 would be reachable by nobody; what is published to whom is decided
# outside. Keys are given at run time and are never part of a layer.
ENV PATH=/opt/hearth/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HEARTH_HOST=0.0.0.0 \
    HEARTH_PORT=8000 \
    HEARTH_SESSION_CACHE=/app/session_cache \
    HEARTH_BOTS_DIR=/app/bots.d

WORKDIR /app
USER 10001:10001
EXPOSE 8000

# Everything to keep is in here. Bot files are mounted to /app/bots.d, read-only.
VOLUME /app/session_cache

# No proxy: a proxy in the environment is for the way out, not for asking ourselves.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-I", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open('http://127.0.0.1:' + os.environ['HEARTH_PORT'] + '/health', timeout=4)"]

# Without -g: only the server hears SIGTERM. It lets running turns finish within its grace, which
# it could not if the agent's children heard the signal too.
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "hearth"]
CMD ["serve"]

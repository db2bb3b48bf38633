# One target a role: `docker build --target tts --tag vigent/tts:0.1.0 .`; weights never lie in an image.
# Pin the digest of the base where you build: --build-arg BASE=docker.io/library/debian:bookworm-slim@sha256:...
# Debian's packages are not pinned: its mirrors keep only the newest version of each.
ARG BASE=docker.io/library/debian:bookworm-slim

# What every image has: Python, an init that passes signals on and reaps, and a user without rights.
FROM ${BASE} AS python
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --home-dir /tmp --no-create-home --shell /usr/sbin/nologin vigent \
    && mkdir --parents /var/lib/vigent/media /var/lib/vigent/models /var/cache/vigent \
    && chown --recursive vigent:vigent /var/lib/vigent /var/cache/vigent
ENV PATH=/opt/vigent/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
WORKDIR /var/lib/vigent
USER 10001:10001
ENTRYPOINT ["tini", "--"]

# Builds; nothing of it but /opt/vigent gets into an image.
FROM ${BASE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates gcc python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/vigent
ENV PATH=/opt/vigent/bin:$PATH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /source
COPY . .

FROM build AS build-gateway
RUN pip install --constraint constraints.txt '.[gateway,object-storage,traces]'
FROM build AS build-orchestrator
RUN pip install --constraint constraints.txt '.[orchestrator,object-storage,traces]'
FROM build AS build-tts
RUN pip install --constraint constraints.txt '.[tts,kokoro,object-storage,traces]'
FROM build AS build-tts-qwen3
RUN pip install --constraint constraints.txt '.[tts,qwen3,object-storage,traces]'
FROM build AS build-lipsync
RUN pip install --constraint constraints.txt '.[lipsync,object-storage,traces]'
FROM build AS build-lipsync-latentsync
RUN pip install --constraint constraints.txt '.[lipsync,latentsync,object-storage,traces]'
FROM build AS build-asr
RUN pip install --constraint constraints.txt '.[asr,whisper,object-storage,traces]'
FROM build AS build-asr-whisper-cuda
RUN pip install --constraint constraints.txt '.[asr,whisper,whisper-cuda,object-storage,traces]'
FROM build AS build-overlay
RUN pip install --constraint constraints.txt '.[overlay,object-storage,traces]'
FROM build AS build-slow-loop
RUN pip install --constraint constraints.txt '.[slow-loop]'
FROM build AS build-demo
RUN pip install --constraint constraints.txt '.[mesh]'

FROM python AS gateway
COPY --from=build-gateway /opt/vigent /opt/vigent
EXPOSE 8080
CMD ["python", "-m", "gateway"]

FROM python AS orchestrator
COPY --from=build-orchestrator /opt/vigent /opt/vigent
EXPOSE 8050 9150
CMD ["python", "-m", "orchestrator"]

FROM python AS tts
COPY --from=build-tts /opt/vigent /opt/vigent
EXPOSE 8051 9151
CMD ["python", "-m", "services.tts"]

FROM python AS tts-qwen3
COPY --from=build-tts-qwen3 /opt/vigent /opt/vigent
EXPOSE 8051 9151
CMD ["python", "-m", "services.tts"]

FROM python AS lipsync
COPY --from=build-lipsync /opt/vigent /opt/vigent
EXPOSE 8052 9152
CMD ["python", "-m", "services.lipsync"]

FROM python AS lipsync-latentsync
COPY --from=build-lipsync-latentsync /opt/vigent /opt/vigent
EXPOSE 8052 9152
CMD ["python", "-m", "services.lipsync"]

FROM python AS asr
COPY --from=build-asr /opt/vigent /opt/vigent
EXPOSE 8053 9153
CMD ["python", "-m", "services.asr"]

FROM python AS asr-whisper-cuda
COPY --from=build-asr-whisper-cuda /opt/vigent /opt/vigent
EXPOSE 8053 9153
CMD ["python", "-m", "services.asr"]

FROM python AS overlay
COPY --from=build-overlay /opt/vigent /opt/vigent
EXPOSE 8054 9154
CMD ["python", "-m", "services.overlay"]

FROM python AS slow-loop
COPY --from=build-slow-loop /opt/vigent /opt/vigent
EXPOSE 8070
CMD ["python", "-m", "gateway.slowloop"]

# The whole mesh in one container, without a GPU: docker run --publish 127.0.0.1:8080:8080 vigent/demo
FROM python AS demo
COPY --from=build-demo /opt/vigent /opt/vigent
ENV VIGENT_GATEWAY_HOST=0.0.0.0
EXPOSE 8080
CMD ["vigent", "up", "--data", "/var/lib/vigent"]

# One image for every service; docker-compose.yml says which one a container runs.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

RUN useradd --system --uid 10001 --create-home hall && install --directory --owner hall /data
WORKDIR /app

# Apart from the code, so that a change of code does not install packages again. Every package must match its hash.
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY pyproject.toml ./
COPY kernel kernel
COPY services services
COPY gateway gateway
COPY operations operations
RUN pip install --no-deps --no-build-isolation --editable .

USER hall
ENV DATA_DIR=/data
VOLUME /data
EXPOSE 8000

# Every service keeps touching a file while its event loop turns; a process that hangs stops doing so.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["yichuang", "healthy"]

ENTRYPOINT ["yichuang"]
CMD ["run"]

FROM python:3.11-slim-bookworm

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONUNBUFFERED=1

WORKDIR /srv/district-control
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin district-control

# The packages change least often, so they come first.
COPY requirements.txt ./
RUN pip install --require-hashes --requirement requirements.txt

# Editable, because the program finds seeds/ and migrations/ beside its package.
COPY pyproject.toml README.md LICENSE ./
COPY app/ app/
RUN pip install --no-deps --no-build-isolation --editable .
COPY alembic.ini ./
COPY migrations/ migrations/
COPY seeds/ seeds/

USER district-control
ENV HOST=0.0.0.0 \
    PORT=8000
EXPOSE 8000
# The long start covers the first one, which migrates and seeds.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/readyz', timeout=4)"]
CMD ["district-control", "serve"]

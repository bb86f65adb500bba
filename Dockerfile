# One image for web, worker, beat and the one-shot migration; docker-compose.yml gives each its command.
FROM python:3.11-slim AS packages
RUN python -m venv /venv
COPY requirements/runtime.lock /tmp/runtime.lock
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r /tmp/runtime.lock

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    IGNORE_DOTENV=True \
    STATIC_ROOT=/app/staticfiles \
    BEAT_SCHEDULE_FILE=/tmp/celerybeat-schedule
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin shop && install -d -o shop -m 700 /evidence
COPY --from=packages /venv /venv
WORKDIR /app
COPY manage.py pyproject.toml ./
COPY accounts accounts
COPY locale locale
COPY orders orders
COPY payments payments
COPY refunds refunds
COPY services services
COPY static static
COPY templates templates
COPY unlockshop unlockshop
# The keys are for collectstatic alone; the real ones come from the environment at run time.
RUN pybabel --quiet compile --directory locale --domain django \
    && SECRET_KEY=build FIELD_KEYS=build python manage.py collectstatic --noinput --verbosity 0 \
    && python -m compileall -q accounts orders payments refunds services unlockshop
USER shop
EXPOSE 8000
HEALTHCHECK NONE
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "4", \
     "--http", "1", "--no-ws", "--respawn-failed-workers", "--log-level", "warning", "unlockshop.wsgi:application"]

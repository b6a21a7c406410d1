# Runs calibot as a user of its own; the root may be read-only, what changes is in /data. Run it with --init, which buries
# what a program of yours leaves behind.
FROM python:3.11-slim
WORKDIR /srv/calibot
COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY bot bot
COPY handlers handlers
COPY services services
COPY web web
COPY config.example.toml config.toml
RUN useradd --system --home /data calibot && install -d -o calibot /data
USER calibot
ENV PYTHONDONTWRITEBYTECODE=1 CALIBOT_DATABASE__PATH=/data/calibot.db
VOLUME /data
EXPOSE 6881/tcp 6881/udp
HEALTHCHECK CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=3)"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot", "run", "--config", "config.toml"]

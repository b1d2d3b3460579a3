# One image for every process; the command after `manage.py` decides which (docs/deploy.md).
FROM python:3.11-slim-bookworm

WORKDIR /srv/opsconsole
ENV PYTHONUNBUFFERED=1 \
    UV_COMPILE_BYTECODE=1 \
    OPSCONSOLE_DATA_DIR=/var/lib/opsconsole

# Dependencies first: they change less often than the code.
COPY manage.py requirements.txt requirements-dev.txt requirements-bootstrap.txt ./
COPY opsconsole/__init__.py opsconsole/bootstrap.py opsconsole/paths.py opsconsole/
RUN python3 manage.py bootstrap

# The user below may write nothing here: what is not compiled now would be compiled at every start.
COPY . .
RUN python3 -m compileall -q manage.py opsconsole orders reconciliation runbooks \
    && useradd --system --home-dir /var/lib/opsconsole --create-home opsconsole \
    && install -d -o opsconsole /srv/opsconsole/staticfiles \
        /var/lib/opsconsole/loads /var/lib/opsconsole/reports /var/lib/opsconsole/anchors
USER opsconsole

ENTRYPOINT ["python3", "manage.py"]
CMD ["help"]

#!/bin/sh
# Renew every lock: exact versions and hashes for all platforms, no addresses (docs/adr/0002-locks.md).
set -eu
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header "$@"; }
uv=$1
printf 'uv\n' | compile - -o requirements-bootstrap.lock
compile pyproject.toml --extra postgres --extra simulation --group pyproject.toml:build --group pyproject.toml:assets -o requirements.lock
compile pyproject.toml --extra postgres --extra simulation --extra envoy --extra mcp --extra telemetry --group pyproject.toml:build --group pyproject.toml:assets --group pyproject.toml:dev -c requirements.lock -o requirements-dev.lock
compile pyproject.toml --extra spark --extra postgres --extra simulation --group pyproject.toml:build --group pyproject.toml:dev -c requirements-dev.lock -o requirements-spark.lock
# Sail's client and PySpark are both the module pyspark; these two are the versions that were measured.
printf 'pysail==0.7.2\npyspark-client==4.1.1\n' | compile pyproject.toml - --extra sail --extra postgres --extra simulation --group pyproject.toml:build --group pyproject.toml:dev -c requirements-dev.lock -o requirements-sail.lock
# A gateway that is not ours wants other versions of what we use: it has a lock and an environment of its own.
printf 'litellm[proxy]>=1.108\nopentelemetry-sdk\n' | compile - -o requirements-litellm.lock

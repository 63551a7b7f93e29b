"""Alembic's environment: the connection comes from `shared.runtime.migrations`, the scripts from a service."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

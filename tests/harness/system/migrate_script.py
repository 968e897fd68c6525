"""A migration for tests of the harness: one table of exports, and what `MIGRATION` says."""

import os
import subprocess
import sys
import time

import psycopg

wish = os.environ.get("MIGRATION", "")
if wish == "fail":
    sys.exit(f"relation missing, using {os.environ['DATABASE_URL']}")
if wish == "hang":
    time.sleep(300)
with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
    if wish != "no table":
        connection.execute(
            "CREATE TABLE exports (id uuid PRIMARY KEY, organization_id uuid, state text,"
            " attempt int, claimed_by text, heartbeat_at timestamptz, progress int)"
        )
    if wish == "other words":
        connection.execute(
            "CREATE TABLE packages (nr text PRIMARY KEY, tenant uuid, phase text, attempt int,"
            " who text, due timestamptz, asked timestamptz DEFAULT now(), problem text)"
        )
        connection.execute("CREATE TABLE trail (tenant uuid, action text, subject text)")
    if wish == "ticket":
        connection.execute("ALTER TABLE exports ADD COLUMN ticket uuid")
    if wish == "no attempt":
        connection.execute("ALTER TABLE exports DROP COLUMN attempt")
    connection.execute("CREATE TABLE seen AS SELECT current_user AS migrated_by")
if wish == "linger":
    script = """
import os, psycopg, time
connection = psycopg.connect(os.environ["DATABASE_URL"])
connection.execute("SELECT 1")
print("connected", flush=True)
time.sleep(300)
"""
    command = [sys.executable, "-c", script]
    child = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()

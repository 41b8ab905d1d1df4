"""A task table with partitions, on PostgreSQL."""

PARTITIONED = (
    "DROP TABLE IF EXISTS jobs",
    "DROP SCHEMA IF EXISTS archive",
    "CREATE SCHEMA archive",
    "CREATE TABLE jobs (LIKE tasks) PARTITION BY RANGE (id)",
    "CREATE TABLE archive.jobs_old PARTITION OF jobs FOR VALUES FROM (1) TO (10)",
    "CREATE TABLE jobs_new PARTITION OF jobs FOR VALUES FROM (10) TO (90) PARTITION BY HASH (id)",
    "CREATE TABLE jobs_new_0 PARTITION OF jobs_new FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE jobs_new_1 PARTITION OF jobs_new FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    "INSERT INTO jobs (id, status) SELECT id, 'queued' FROM generate_series(1, 89) AS id",
)
"""The statements that create the table `jobs` anew; partitions of it are in another schema and
have partitions of their own.
"""

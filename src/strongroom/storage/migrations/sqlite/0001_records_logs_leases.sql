-- Records, append-only logs, leases, and the store revision that grows with each transaction.

CREATE TABLE revision (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    value INTEGER NOT NULL
);

INSERT INTO revision (id, value) VALUES (0, 0);

-- Keys compare as bytes of UTF-8, which is the order of code points.
CREATE TABLE record (
    key TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL,
    revision INTEGER NOT NULL
);

CREATE TABLE log_entry (
    log TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    time_us INTEGER NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (log, sequence)
);

CREATE INDEX log_entry_time ON log_entry (log, time_us);

-- expires is in seconds since the machine started, and counts only while boot is this start of the machine.
CREATE TABLE lease (
    name TEXT NOT NULL PRIMARY KEY,
    epoch INTEGER NOT NULL,
    boot TEXT NOT NULL,
    expires REAL NOT NULL,
    applied INTEGER NOT NULL
);

-- Entries of one time are read in the order of their sequences, without sorting them.

DROP INDEX log_entry_time;

CREATE INDEX log_entry_time ON log_entry (log, time_us, sequence);

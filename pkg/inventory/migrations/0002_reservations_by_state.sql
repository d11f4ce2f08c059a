-- For counting reservations by state without reading the table. Until this is built, which takes about a
-- second for a million reservations, others cannot write to the table.
create index reservations_by_state on reservations (state);

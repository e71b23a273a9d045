-- Up Migration
-- A mail is held by whoever sends it, until then; the time at which it was sent is only that at which it was taken meanwhile, which keeps
-- a build that knows nothing of this column from sending it, too. Null: nobody is sending it.

alter table stuck_notices add column sending_until timestamptz;
alter table dead_letter_notices add column sending_until timestamptz;

create index stuck_notices_held on stuck_notices (mail_key) where sending_until is not null;
create index dead_letter_notices_held on dead_letter_notices (planned_at) where sending_until is not null;

-- Down Migration
update stuck_notices set mailed_at = null where sending_until is not null;
update dead_letter_notices set sent_at = null where sending_until is not null;
alter table dead_letter_notices drop column sending_until;
alter table stuck_notices drop column sending_until;

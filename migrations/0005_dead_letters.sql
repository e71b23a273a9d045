-- Up Migration
-- Messages that were found in dead-letter queues, and what was done about them. Times are written by the app, from its clock.

-- One row a mail about dead letters of one reason.
create table dead_letter_notices (
  key text primary key,
  team text not null,
  reason text not null,
  planned_at timestamptz not null,
  sent_at timestamptz
);

create index dead_letter_notices_last on dead_letter_notices (team, reason, planned_at desc);
create index dead_letter_notices_unsent on dead_letter_notices (planned_at) where sent_at is null;

create table dead_letters (
  -- Made of entity, sequence number, message id and time: the same message read again is the same row.
  id text primary key,
  entity text not null,
  sequence_number text not null,
  reason text not null,
  team text not null,
  -- As whoever dead-lettered it said it.
  told_reason text,
  description text,
  message_id text,
  session_id text,
  enqueued_at timestamptz,
  delivery_count integer not null,
  -- json, not jsonb: it keeps all that a message can say, NUL characters included.
  message json not null,
  -- The message as it is redriven, when it was edited.
  edited json,
  edits integer not null default 0,
  attempts integer not null default 0,
  status text not null check (status in ('open', 'redriving', 'redriven', 'discarded')),
  -- When the redrive under way was begun.
  begun_at timestamptz check ((begun_at is not null) = (status = 'redriving')),
  notice_key text references dead_letter_notices (key),
  stored_at timestamptz not null,
  updated_at timestamptz not null
);

create index dead_letters_newest on dead_letters (stored_at desc, id desc);
create index dead_letters_by_reason on dead_letters (reason, stored_at desc, id desc);
-- What waits for somebody, which is what redrives and mails look for.
create index dead_letters_waiting on dead_letters (stored_at, id) where status in ('open', 'redriving');
create index dead_letters_untold on dead_letters (team, reason) where notice_key is null;
create index dead_letters_by_notice on dead_letters (notice_key, stored_at, id);

create table dead_letter_actions (
  number bigint generated always as identity primary key,
  dead_letter_id text not null references dead_letters (id) on delete cascade,
  at timestamptz not null,
  who text not null,
  action text not null check (action in ('edited', 'redriving', 'redriven', 'redriveFailed', 'discarded')),
  note text
);

create index dead_letter_actions_of on dead_letter_actions (dead_letter_id, number);

-- Down Migration
drop table dead_letter_actions, dead_letters, dead_letter_notices;

-- Up Migration
-- The task hub in which a row's saga runs: that of the app which accepted it. Null in rows from before there could be two apps.

alter table orders add column task_hub text;
alter table returns add column task_hub text;
alter table imports add column task_hub text;

-- Down Migration
alter table imports drop column task_hub;
alter table returns drop column task_hub;
alter table orders drop column task_hub;

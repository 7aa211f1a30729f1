-- Optional, at a source: tells Takeup of a recording the moment it is ready, so that nobody waits for the next poll.
--
--   psql -v ON_ERROR_STOP=1 -d callrec -f source-notify.sql      (as the owner of the callrec tables; may be repeated)
--
-- Works from PostgreSQL 9.1. It costs one look-up by primary key for each media and metadata row that is written, and
-- says something only about recordings that are FINISHED and have no mark. It is silent when marks are set or taken
-- away, so neither Takeup's own marks nor a script that re-opens thousands of recordings sends anything.
-- A notification is a hint: without it everything works the same, one poll period later.
-- To remove: drop function callrec.takeup_recording_changed() cascade; drop function callrec.takeup_part_changed() cascade;

begin;

create or replace function callrec.takeup_recording_changed() returns trigger language plpgsql as $$
begin
    perform pg_notify('takeup_recording', new.id::text);
    return null;
end $$;

drop trigger if exists takeup_recording_insert on callrec.couples;
create trigger takeup_recording_insert after insert on callrec.couples for each row
    when (new.state = 'FINISHED' and new.synchronized is null)
    execute procedure callrec.takeup_recording_changed();

drop trigger if exists takeup_recording_update on callrec.couples;
create trigger takeup_recording_update after update on callrec.couples for each row
    when (new.state = 'FINISHED' and new.synchronized is null and old.synchronized is null)
    execute procedure callrec.takeup_recording_changed();

create or replace function callrec.takeup_part_changed() returns trigger language plpgsql as $$
declare
    recording bigint;
begin
    if tg_op = 'DELETE' then
        recording := old.cplid;
    else
        recording := new.cplid;
    end if;
    perform 1 from callrec.couples where id = recording and state = 'FINISHED' and synchronized is null;
    if found then
        perform pg_notify('takeup_recording', recording::text);
    end if;
    return null;
end $$;

drop trigger if exists takeup_media_changed on callrec.cfiles;
create trigger takeup_media_changed after insert or update or delete on callrec.cfiles
    for each row execute procedure callrec.takeup_part_changed();

drop trigger if exists takeup_metadata_changed on callrec.couple_extdata;
create trigger takeup_metadata_changed after insert or update or delete on callrec.couple_extdata
    for each row execute procedure callrec.takeup_part_changed();

commit;

-- Optional, at a source: tells Takeup of a recording the moment it is ready, so that nobody waits for the next poll.
--
--   psql -v ON_ERROR_STOP=1 -d callrec -f source-notify.sql      (as the owner of the callrec tables; may be repeated)
--
-- Works from PostgreSQL 9.1. It costs one look-up by primary key for each media and metadata row that is written, and
-- says something only about recordings that are FINISHED. Of those that have their mark it tells when media or metadata
-- come or change, and when the recording's own facts do, so that late changes arrive at once; not when media go, nor when
-- the recorder's tools archive or delete. It is silent when marks are set or taken away, so neither Takeup's own marks
-- nor a script that re-opens thousands of recordings sends anything.
-- A notification is a hint: without it everything works the same, one poll period later.
-- To remove: drop function callrec.takeup_recording_changed() cascade; drop function callrec.takeup_part_changed() cascade;
-- drop function callrec.takeup_voice_tag_changed() cascade;

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

-- The facts of a marked recording: all columns but the mark and what the recorder's own tools and triggers keep.
drop trigger if exists takeup_recording_late on callrec.couples;
do $$
declare
    facts text;
begin
    select string_agg(format('%%1$s.%I', a.attname), ', ' order by a.attnum) into facts
    from pg_attribute a
    where a.attrelid = 'callrec.couples'::regclass and a.attnum > 0 and not a.attisdropped
        and format_type(a.atttypid, null) not in ('json', 'xml')
        and a.attname not in (
            'id', 'synchronized', 'dirty', 'updated_ts', 'cfcnt', 'cftypes', 'mixed', 'deleted', 'restored', 'archived',
            'evaluated', 'scorecard_use', 'b_method', 'b_location');
    execute format(
        'create trigger takeup_recording_late after update on callrec.couples for each row
            when (new.state = ''FINISHED'' and new.synchronized is not null
                and old.synchronized is not distinct from new.synchronized
                and row(%s) is distinct from row(%s))
            execute procedure callrec.takeup_recording_changed()',
        replace(facts, '%1$s', 'old'), replace(facts, '%1$s', 'new'));
end $$;

create or replace function callrec.takeup_part_changed() returns trigger language plpgsql as $$
declare
    recording bigint;
    is_marked boolean;
begin
    if tg_op = 'DELETE' then
        recording := old.cplid;
    else
        recording := new.cplid;
    end if;
    select synchronized is not null into is_marked from callrec.couples
    where id = recording and state = 'FINISHED';
    -- What goes after the mark was licensed to go.
    if found and not (is_marked and tg_op = 'DELETE') then
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

-- Voice tags hang on media, where there are any.
create or replace function callrec.takeup_voice_tag_changed() returns trigger language plpgsql as $$
declare
    media bigint;
    recording bigint;
    is_marked boolean;
begin
    if tg_op = 'DELETE' then
        media := old.cfileid;
    else
        media := new.cfileid;
    end if;
    select p.id, p.synchronized is not null into recording, is_marked
    from callrec.cfiles f join callrec.couples p on p.id = f.cplid
    where f.id = media and p.state = 'FINISHED';
    if found and not (is_marked and tg_op = 'DELETE') then
        perform pg_notify('takeup_recording', recording::text);
    end if;
    return null;
end $$;

do $$
begin
    if exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relname = 'voice_tags') then
        drop trigger if exists takeup_voice_tag_changed on callrec.voice_tags;
        create trigger takeup_voice_tag_changed after insert or update or delete on callrec.voice_tags
            for each row execute procedure callrec.takeup_voice_tag_changed();
    end if;
end $$;

commit;

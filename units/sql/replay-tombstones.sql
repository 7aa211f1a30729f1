-- Optional, at the replay: remembers what retention removed, so that it is not brought back from a recorder.
--
--   psql -v ON_ERROR_STOP=1 -d callrec -f replay-tombstones.sql      (as the owner of the callrec tables; may be repeated)
--
-- Without it a recording that is gone from the replay looks like one that was never there, and is reported as a problem.
-- To bring a removed recording back on purpose: takeup restore SID

begin;

create schema if not exists takeup;

create table if not exists takeup.tombstone (
    sid text collate "C" primary key,
    removed_at timestamptz not null default now()
);

-- With the rights of its owner: whoever may delete a recording may leave its stone.
create or replace function takeup.leave_tombstone() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into takeup.tombstone (sid) values (old.sid)
    on conflict (sid) do update set removed_at = excluded.removed_at;
    return null;
end $$;

drop trigger if exists takeup_tombstone on callrec.couples;
create trigger takeup_tombstone after delete on callrec.couples
    for each row execute procedure takeup.leave_tombstone();

-- A media file that is removed while its recording stays. What goes with its recording has the recording's stone.
create table if not exists takeup.media_tombstone (
    media_id bigint primary key,
    sid text collate "C" not null,
    kind text not null,
    removed_at timestamptz not null default now()
);
create index if not exists media_tombstone_sid on takeup.media_tombstone (sid);

create or replace function takeup.leave_media_tombstone() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into takeup.media_tombstone (media_id, sid, kind)
    select old.id, p.sid, old.cftype from callrec.couples p where p.id = old.cplid and old.cftype is not null
    on conflict (media_id) do update set removed_at = excluded.removed_at;
    return null;
end $$;

drop trigger if exists takeup_media_tombstone on callrec.cfiles;
create trigger takeup_media_tombstone after delete on callrec.cfiles
    for each row execute procedure takeup.leave_media_tombstone();

-- For the role of replay-role.sql, whichever of the two scripts came first.
do $$
begin
    if exists (select 1 from pg_roles where rolname = 'takeup') then
        grant usage, create on schema takeup to takeup;
        grant select, delete on takeup.tombstone, takeup.media_tombstone to takeup;
    end if;
end $$;

commit;

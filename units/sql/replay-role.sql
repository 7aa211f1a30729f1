-- At the replay: the role that Takeup consolidates with. It can add and correct recordings, and delete none.
--
--   psql -v ON_ERROR_STOP=1 -d callrec -f replay-role.sql      (as a superuser; may be repeated)
--
-- With `local callrec takeup peer` in pg_hba.conf the service's own user gets in without a password.

begin;

do $$
declare
    known record;
begin
    if not exists (select 1 from pg_roles where rolname = 'takeup') then
        create role takeup login;
    end if;
    -- The ledger's schema is made by the first agent that starts.
    execute format('grant create on database %I to takeup', current_database());
    for known in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and c.relkind in ('r', 'p') and c.relname in (
            'calls', 'couples', 'cfiles', 'couple_extdata', 'couple_fixed_extdata')
    loop
        execute format('grant select, insert, update on callrec.%I to takeup', known.relname);
    end loop;
    for known in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and c.relkind in ('r', 'p') and c.relname in (
            'extdata_map', 'managed_keys', 'speech_phrases', 'speech_tags', 'tag_to_phrases')
    loop
        execute format('grant select on callrec.%I to takeup', known.relname);
    end loop;
    -- Voice tags are added, and never changed.
    if exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'callrec' and c.relname = 'voice_tags') then
        grant select, insert on callrec.voice_tags to takeup;
    end if;
    -- Tombstones, where replay-tombstones.sql made them: read, and lifted by `takeup restore`.
    if exists (select 1 from pg_namespace where nspname = 'takeup') then
        grant usage, create on schema takeup to takeup;
        for known in
            select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'takeup' and c.relkind = 'r' and c.relname in ('tombstone', 'media_tombstone')
        loop
            execute format('grant select, delete on takeup.%I to takeup', known.relname);
        end loop;
    end if;
end $$;

grant usage on schema callrec to takeup;
grant usage, select on all sequences in schema callrec to takeup;

commit;

-- At a source: the role that Takeup reads, marks and defines phrases with, and nothing more.
--
--   psql -v ON_ERROR_STOP=1 -d callrec -f source-role.sql      (as a superuser; may be repeated)
--   then:  alter role takeup_reader password '...';
--   and in pg_hba.conf, instead of `trust` for everyone:
--          hostssl callrec takeup_reader <replay>/32 scram-sha-256      (md5 before PostgreSQL 10)
--
-- Works from PostgreSQL 9.1.

begin;

do $$
begin
    if not exists (select 1 from pg_roles where rolname = 'takeup_reader') then
        create role takeup_reader login;
    end if;
end $$;

grant usage on schema callrec to takeup_reader;
grant select on callrec.calls, callrec.couples, callrec.cfiles, callrec.couple_extdata to takeup_reader;
-- The mark. It is also what lets the row be locked while the mark is decided.
grant update (synchronized) on callrec.couples to takeup_reader;

-- Where the recorder has speech recognition: its voice tags are read, and the definitions of phrases and speech tags are
-- brought from the replay. Counters, states and the texts of phrases are not ours to change. For voice tags alone, leave
-- out the second part (and set synchro.speech_definitions = false).
do $$
declare
    known record;
    numbers text;
begin
    for known in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and c.relkind in ('r', 'p')
            and c.relname in ('voice_tags', 'speech_phrases', 'speech_tags', 'tag_to_phrases')
    loop
        execute format('grant select on callrec.%I to takeup_reader', known.relname);
    end loop;

    for known in
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and c.relkind in ('r', 'p')
            and c.relname in ('speech_phrases', 'speech_tags', 'tag_to_phrases')
    loop
        execute format('grant insert, delete on callrec.%I to takeup_reader', known.relname);
    end loop;
    for known in
        select c.relname, a.attname from pg_attribute a
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and a.attnum > 0 and not a.attisdropped
            and (c.relname || '.' || a.attname) in (
                'speech_phrases.confidence', 'speech_phrases.enabled', 'speech_tags.tag_name', 'speech_tags.icon')
    loop
        execute format('grant update (%I) on callrec.%I to takeup_reader', known.attname, known.relname);
    end loop;
    for known in
        select c.relname, a.attname from pg_attribute a
        join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'callrec' and a.attnum > 0 and not a.attisdropped
            and (c.relname || '.' || a.attname) in ('speech_phrases.phraseid', 'speech_tags.tagid')
    loop
        numbers := pg_get_serial_sequence('callrec.' || quote_ident(known.relname), known.attname);
        if numbers is not null then
            execute 'grant usage on sequence ' || numbers || ' to takeup_reader';
        end if;
    end loop;
end $$;

commit;

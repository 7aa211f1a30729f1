-- At a source: the role that Takeup reads and marks with, and nothing more.
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

commit;

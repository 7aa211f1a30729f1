extension CallrecSchema {
    /// What the database does by itself: counts, protection, search copies.
    static let behaviour = """
        create function callrec.file_type_bit(cftype text) returns integer language sql immutable as $$
            select case $1 when 'AUDIO' then 1 when 'MAG' then 2 when 'ARCHIVE' then 4 when 'IMAGE' then 8
                when 'VIDEO' then 16 when 'RECD' then 32 when 'PVMAG' then 64 when 'PVSTREAM' then 128
                when 'PVIDEO' then 256 else 0 end
        $$;

        create function callrec.count_files(recording bigint) returns void language plpgsql as $$
        begin
            update callrec.couples set
                cfcnt = (select count(*) from callrec.cfiles where cplid = recording),
                cftypes = (select coalesce(bit_or(callrec.file_type_bit(cftype::text)), 0)
                    from callrec.cfiles where cplid = recording)::bit(32)
            where id = recording;
        end $$;
        create function callrec.on_cfiles_counted() returns trigger language plpgsql as $$
        begin
            if tg_op <> 'DELETE' then perform callrec.count_files(new.cplid); end if;
            if tg_op <> 'INSERT' then
                if tg_op = 'DELETE' or new.cplid <> old.cplid then perform callrec.count_files(old.cplid); end if;
            end if;
            return null;
        end $$;
        create trigger cfiles_counted_insert after insert on callrec.cfiles
            for each row execute procedure callrec.on_cfiles_counted();
        create trigger cfiles_counted_delete after delete on callrec.cfiles
            for each row execute procedure callrec.on_cfiles_counted();
        create trigger cfiles_counted_update after update on callrec.cfiles for each row
            when (old.cplid <> new.cplid or old.cftype <> new.cftype) execute procedure callrec.on_cfiles_counted();

        create function callrec.on_couples_counted() returns trigger language plpgsql as $$
        begin
            if tg_op <> 'DELETE' then
                update callrec.calls set realcplcnt =
                    (select count(*) from callrec.couples where callid = new.callid) where id = new.callid;
            end if;
            if tg_op <> 'INSERT' then
                update callrec.calls set realcplcnt =
                    (select count(*) from callrec.couples where callid = old.callid) where id = old.callid;
            end if;
            return null;
        end $$;
        create trigger couples_counted after insert or delete or update of callid on callrec.couples
            for each row execute procedure callrec.on_couples_counted();

        create function callrec.on_couples_protected() returns trigger language plpgsql as $$
        begin
            if old.protected then raise exception 'a protected couple cannot be deleted'; end if;
            return old;
        end $$;
        create trigger couples_protected before delete on callrec.couples
            for each row execute procedure callrec.on_couples_protected();
        create function callrec.on_cfiles_protected() returns trigger language plpgsql as $$
        begin
            if old.cftype <> 'RECD'
                and exists (select 1 from callrec.couples where id = old.cplid and protected) then
                raise exception 'a file of a protected couple cannot be deleted';
            end if;
            return old;
        end $$;
        create trigger cfiles_protected before delete on callrec.cfiles
            for each row execute procedure callrec.on_cfiles_protected();

        create function callrec.on_extdata_mapped() returns trigger language plpgsql as $$
        declare place integer;
        begin
            select col into place from callrec.extdata_map where key = new.key;
            if found then
                if not exists (select 1 from callrec.couple_fixed_extdata where cplid = new.cplid) then
                    insert into callrec.couple_fixed_extdata (cplid) values (new.cplid);
                end if;
                execute 'update callrec.couple_fixed_extdata set col_' || place || ' = $1 where cplid = $2'
                    using new.value, new.cplid;
            end if;
            return null;
        end $$;
        create trigger extdata_mapped after insert on callrec.couple_extdata
            for each row execute procedure callrec.on_extdata_mapped();
        """

    /// Change tracking, off by default.
    static let trackingBehaviour = """
        create function callrec.track_changes_enabled() returns boolean language sql immutable as 'select false';

        create function callrec.on_couples_tracked() returns trigger language plpgsql as $$
        begin
            if not callrec.track_changes_enabled() then return new; end if;
            new.dirty := true;
            new.updated_ts := localtimestamp;
            return new;
        end $$;
        create trigger couples_tracked before update on callrec.couples
            for each row execute procedure callrec.on_couples_tracked();

        create function callrec.on_couples_deleted() returns trigger language plpgsql as $$
        begin
            if callrec.track_changes_enabled() then insert into callrec.deleted_couples (sid) values (old.sid); end if;
            return null;
        end $$;
        create trigger couples_deleted after delete on callrec.couples
            for each row execute procedure callrec.on_couples_deleted();

        create function callrec.on_part_tracked() returns trigger language plpgsql as $$
        declare touched record;
        begin
            if not callrec.track_changes_enabled() then return null; end if;
            if tg_op = 'DELETE' then touched := old; else touched := new; end if;
            if tg_table_name = 'voice_tags' then
                update callrec.couples set dirty = true
                where id = (select cplid from callrec.cfiles where id = touched.cfileid);
            else
                update callrec.couples set dirty = true where id = touched.cplid;
            end if;
            return null;
        end $$;
        create trigger cfiles_tracked after insert or update or delete on callrec.cfiles
            for each row execute procedure callrec.on_part_tracked();
        create trigger extdata_tracked after insert or update or delete on callrec.couple_extdata
            for each row execute procedure callrec.on_part_tracked();
        create trigger voice_tags_tracked after insert or update or delete on callrec.voice_tags
            for each row execute procedure callrec.on_part_tracked();
        """
}

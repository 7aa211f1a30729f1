extension CallrecSchema {
    private static let problemStatuses = """
        'NO_PROBLEM', 'ALL_STREAM_DELETED', 'STILL_SAVING_STREAM', 'ONLY_ONE_STREAM', 'STREAM_IS_NULL', 'NO_STREAMS',
        'UNKNOWN_CODEC', 'NO_REPLY_FROM_RECORDER', 'DECODER_IO_ERROR', 'DECODER_DIFF_PAYLOAD',
        'DECODER_OVERSIZE_TARGET', 'DECODER_NO_DEST_FORMAT', 'NO_REPLY_FROM_DECODER', 'UNKNOWN_RULES',
        'CAPTURE_FILE_NOT_FOUND', 'RECORDER_LICENSE_PROBLEM', 'CAPTURE_FILE_INCOMPLETE', 'ONE_STREAM_INCOMPLETE'
        """

    static let oldTables = """
        create schema callrec;
        create sequence callrec.seq_calls;
        create sequence callrec.seq_couples;
        create sequence callrec.seq_cfiles;
        create function callrec.get_next_call_id() returns integer
            language sql volatile as $$ select nextval('callrec.seq_calls')::integer $$;
        create function callrec.get_next_couple_id() returns integer
            language sql volatile as $$ select nextval('callrec.seq_couples')::integer $$;
        create function callrec.get_next_cfile_id() returns integer
            language sql volatile as $$ select nextval('callrec.seq_cfiles')::integer $$;

        create table callrec.calls (
            id integer primary key default callrec.get_next_call_id(),
            cplcnt integer not null default 0,
            start_ts timestamp,
            stop_ts timestamp,
            length integer,
            realcplcnt integer not null default 0
        );
        create table callrec.couples (
            id integer primary key default callrec.get_next_couple_id(),
            callid integer not null references callrec.calls on delete cascade,
            start_ts timestamp,
            stop_ts timestamp not null,
            created_ts timestamp default localtimestamp,
            length integer,
            cfcnt integer not null default 0,
            cftypes bit(32) not null default 0::bit(32),
            callingip inet,
            calledip inet,
            callingnr varchar(255),
            originalcallednr varchar(255),
            finalcallednr varchar(255),
            callingpartyname varchar(255),
            calledpartyname varchar(255),
            cpltype varchar(12) default 'NORMAL'
                check (cpltype in ('NORMAL', 'CONF', 'RECONN', 'PARK', 'UNPARK', 'BARGE', 'INSTREAMER')),
            problemstatus varchar(40) default 'NO_PROBLEM' check (problemstatus in (\(problemStatuses))),
            description text,
            protected boolean not null default false,
            sid varchar(255) not null unique,
            synchronized char(1) check (synchronized in ('S', 'N', 'E', 'F')),
            mixed char(1) check (mixed in ('M', 'F')),
            deleted char(1) check (deleted in ('D', 'F')),
            restored char(1) check (restored in ('R', 'F', 'Q')),
            archived char(1) check (archived in ('A', 'F')),
            evaluated char(1),
            b_method varchar(10) check (b_method in ('TAPE', 'DISK_A', 'DISK_N', 'ARC', 'CEN')),
            b_location varchar(255),
            state varchar(16) not null default 'EXT_DATA_SAVED' check (state in ('EXT_DATA_SAVED', 'FINISHED'))
        );
        create table callrec.cfiles (
            id integer primary key default callrec.get_next_cfile_id(),
            sgid integer,
            cplid integer not null references callrec.couples on delete cascade,
            cftype varchar(10) not null check (cftype in ('AUDIO', 'MAG', 'ARCHIVE', 'IMAGE', 'VIDEO', 'RECD')),
            cktype varchar(10) check (cktype in ('CRC32', '')),
            ckvalue bigint,
            cfsize integer not null,
            cfpath varchar(1024) not null,
            enc_key_id varchar(64),
            digest varchar(255),
            start_ts timestamp,
            stop_ts timestamp
        );
        create table callrec.couple_extdata (
            cplid integer not null references callrec.couples on delete cascade,
            key varchar(255) not null,
            value text not null,
            created_ts timestamp default localtimestamp,
            primary key (cplid, key, value)
        );
        create table callrec.voice_tags (
            voice_tagid serial primary key,
            cfileid integer not null references callrec.cfiles on delete cascade,
            phraseid integer not null,
            from_time integer,
            to_time integer,
            confidence integer check (confidence between 0 and 100),
            channel char(1) check (channel in ('L', 'R'))
        );
        """

    static let newTables = """
        create schema callrec;
        create domain callrec.synchronized_flag as varchar(1) check (value in ('S', 'N', 'E', 'F'));
        create domain callrec.recording_state as varchar(20) check (value in ('EXT_DATA_SAVED', 'DECODED', 'FINISHED'));
        create domain callrec.problem_status as varchar(40) check (value in (\(problemStatuses)));
        create domain callrec.file_type as varchar(10)
            check (value in ('AUDIO', 'MAG', 'ARCHIVE', 'IMAGE', 'VIDEO', 'RECD', 'PVMAG', 'PVSTREAM', 'PVIDEO'));

        create table callrec.calls (
            id bigserial primary key,
            cplcnt integer not null default 0,
            start_ts timestamp,
            stop_ts timestamp,
            length integer,
            realcplcnt integer not null default 0
        );
        create table callrec.couples (
            id bigserial primary key,
            callid bigint not null references callrec.calls on delete cascade,
            start_ts timestamp,
            stop_ts timestamp not null,
            created_ts timestamp default localtimestamp,
            length integer,
            cfcnt integer not null default 0,
            cftypes bit(32) not null default 0::bit(32),
            callingip inet,
            calledip inet,
            callingnr varchar(255),
            originalcallednr varchar(255),
            finalcallednr varchar(255),
            callingpartyname varchar(255),
            calledpartyname varchar(255),
            cpltype varchar(12) default 'NORMAL'
                check (cpltype in ('NORMAL', 'CONF', 'RECONN', 'PARK', 'UNPARK', 'BARGE', 'INSTREAMER')),
            problemstatus callrec.problem_status default 'NO_PROBLEM',
            description text,
            protected boolean not null default false,
            sid varchar(255) not null unique,
            synchronized callrec.synchronized_flag,
            mixed varchar(1) check (mixed in ('M', 'F')),
            deleted varchar(1) check (deleted in ('D', 'F', 'S', 'M')),
            restored varchar(1) check (restored in ('R', 'F', 'Q')),
            archived varchar(1) check (archived in ('A', 'F')),
            scorecard_use varchar(1) check (scorecard_use in ('E', 'B', 'T', 'S')),
            b_method varchar(10) check (b_method in ('TAPE', 'DISK_A', 'DISK_N', 'ARC', 'CEN', 'S3_STORAGE')),
            b_location varchar(255),
            state callrec.recording_state not null default 'EXT_DATA_SAVED',
            direction varchar(10) check (direction in ('INCOMING', 'OUTGOING', 'INTERNAL', 'UNKNOWN')),
            callingagent varchar(255),
            calledagent varchar(255),
            calling_domain varchar(255),
            called_domain varchar(255),
            original_domain varchar(255),
            dayofweek integer check (dayofweek between 0 and 6),
            timeofday integer check (timeofday >= 0),
            calling_pv_problemstatus callrec.problem_status,
            called_pv_problemstatus callrec.problem_status,
            updated_ts timestamp,
            dirty boolean default true
        );
        create table callrec.cfiles (
            id bigserial primary key,
            sgid bigint,
            cplid bigint not null references callrec.couples on delete cascade,
            cftype callrec.file_type not null,
            cktype varchar(10) check (cktype in ('CRC32', '')),
            ckvalue bigint,
            cfsize integer not null,
            cfpath varchar(1024) not null,
            enc_key_id varchar(64),
            digest varchar(255),
            start_ts timestamp,
            stop_ts timestamp,
            archived varchar(1) check (archived in ('A', 'F')),
            restored varchar(1) check (restored in ('R', 'F', 'Q')),
            props varchar(4000),
            direction varchar(7) check (direction in ('CALLING', 'CALLED'))
        );
        create table callrec.couple_extdata (
            cplid bigint not null references callrec.couples on delete cascade,
            key varchar(255) not null,
            value text not null,
            created_ts timestamp default localtimestamp,
            primary key (cplid, key, value)
        );
        create table callrec.voice_tags (
            voice_tagid bigserial primary key,
            cfileid bigint not null references callrec.cfiles on delete cascade,
            phraseid integer not null,
            from_time integer,
            to_time integer,
            confidence integer check (confidence between 0 and 100),
            channel varchar(1) check (channel in ('L', 'R'))
        );
        create table callrec.deleted_couples (
            sid varchar(255) not null,
            deleted_ts timestamp not null default localtimestamp
        );
        """

    /// Tables that both generations have, and the indexes.
    static func sharedTables(fixedColumns: Int) -> String {
        let columns = (1...fixedColumns).map { "col_\($0) text" }.joined(separator: ", ")
        return """
            create index couples_stop_synchronized on callrec.couples (stop_ts, synchronized);
            create index couples_sid_state on callrec.couples (sid, state);
            create index couples_call on callrec.couples (callid);
            create index cfiles_couple on callrec.cfiles (cplid);

            create table callrec.couple_fixed_extdata (
                cplid bigint primary key references callrec.couples on delete cascade, \(columns));
            create table callrec.extdata_map (
                key varchar(255) primary key, col integer not null unique check (col between 1 and \(fixedColumns)));
            create table callrec.speech_phrases (
                phraseid serial primary key,
                phrase_text text not null unique,
                confidence integer,
                interaction_count integer not null default 0,
                last_count_date timestamp,
                state varchar(10) not null default 'READY' check (state in ('READY', 'INDEXING', 'UPDATING')),
                enabled boolean not null default true
            );
            alter table callrec.voice_tags add foreign key (phraseid) references callrec.speech_phrases on delete cascade;
            create index voice_tags_file on callrec.voice_tags (cfileid);
            create index voice_tags_phrase on callrec.voice_tags (phraseid);
            create table callrec.speech_tags (
                tagid serial primary key,
                tag_name varchar(255) not null,
                state varchar(10),
                searchid integer,
                icon varchar(255)
            );
            create unique index speech_tags_name on callrec.speech_tags (lower(tag_name));
            create table callrec.tag_to_phrases (
                tagid integer not null references callrec.speech_tags on delete cascade,
                phraseid integer not null references callrec.speech_phrases on delete cascade,
                primary key (tagid, phraseid)
            );
            create table callrec.decode_queue (dqid serial primary key, sgid bigint not null);
            create table callrec.restore_queue (
                id serial primary key,
                callid bigint not null references callrec.calls on delete cascade,
                cplid bigint not null unique references callrec.couples on delete cascade,
                flag varchar(1),
                exp timestamp,
                archive varchar(255),
                updated timestamp
            );
            create table callrec.managed_keys (
                uuid varchar(64) primary key,
                purpose varchar(32),
                algorithm varchar(32),
                strength integer,
                activationdate timestamp,
                expirydate timestamp,
                compromised boolean not null default false,
                irrecoverable boolean not null default false,
                archived boolean not null default false
            );
            create table callrec.schema_updates (name varchar(255) primary key, applied timestamp default localtimestamp);
            """
    }
}

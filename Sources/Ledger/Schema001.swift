extension Migrations {
    /// The first schema.
    ///
    /// Names and ids are ordered by bytes (`collate "C"`), so that every session locks in the same order whatever the
    /// database's language is. Paths can be longer than an index row may be, so they are indexed by a hash.
    /// Tables whose rows change often leave room in their pages and are vacuumed early; what changes with every
    /// renewal (leases) stands in no index, so that a renewal touches only its page. What leaves a partial index leaves
    /// a dead entry there until a vacuum, which every claim reads over: vacuums do not pause, and give no pages back,
    /// which would take a lock that stops all claims.
    static let first = """
        create table takeup.meta (
            only_row boolean primary key default true check (only_row),
            system_identifier bigint,
            timeline bigint,
            database_oid bigint,
            marking_stopped text,
            marking_stopped_at timestamptz,
            -- Made once, with the ledger; a copy of the database keeps it.
            ledger_id text not null default md5(random()::text || clock_timestamp()::text || pg_backend_pid()),
            -- When an audit passed last.
            resumed_at timestamptz
        );
        insert into takeup.meta default values;

        create table takeup.recording (
            sid text collate "C" primary key,
            added_at timestamptz not null default now()
        );

        create table takeup.call (
            source text collate "C" not null,
            source_call_id bigint not null,
            replay_call_id bigint,
            -- Takeup made the replay's call for this one.
            is_made boolean not null default false,
            primary key (source, source_call_id)
        );
        create index call_replay on takeup.call (replay_call_id) where replay_call_id is not null;
        -- The replay's calls that Takeup made and emptied: used again before new ones are made.
        create table takeup.spare_call (
            replay_call_id bigint primary key
        );

        create table takeup.sighting (
            source text collate "C" not null,
            source_id bigint not null,
            sid text collate "C" not null,
            stopped_at timestamptz,
            finished_at timestamptz,
            state text not null
                check (state in ('waiting', 'transferring', 'converged', 'marked', 'refused')),
            why text,
            not_before timestamptz not null default now(),
            attempts integer not null default 0,
            mark text check (mark in ('S', 'N', 'E')),
            standing text check (standing in ('S', 'N', 'E', 'F')),
            fingerprint bytea,
            detail bytea,
            last_error text,
            failures integer not null default 0,
            reopened text check (reopened in ('retry', 'restore')),
            -- Keys and phrases that a person has to bring first, parted by chr(31).
            awaits text,
            seen_at timestamptz not null default now(),
            changed_at timestamptz not null default now(),
            converged_at timestamptz,
            marked_at timestamptz,
            primary key (source, source_id)
        ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
        create index sighting_sid on takeup.sighting (sid);
        create index sighting_due on takeup.sighting (source, not_before) where state in ('waiting', 'refused');
        create index sighting_to_mark on takeup.sighting (source, not_before)
            where state = 'converged' and mark is not null;
        create index sighting_open on takeup.sighting (source, state, stopped_at)
            where state in ('waiting', 'transferring', 'converged', 'refused');
        create index sighting_awaits on takeup.sighting (source) where awaits is not null;
        create index sighting_converged on takeup.sighting (converged_at) where converged_at is not null;

        create table takeup.transfer (
            id bigint generated always as identity primary key,
            source text collate "C" not null,
            source_id bigint not null,
            source_media_id bigint not null,
            fingerprint bytea not null check (octet_length(fingerprint) between 1 and 64),
            sid text collate "C" not null,
            mount text collate "C" not null,
            kind text not null,
            source_path bytea not null,
            expected_size bigint,
            crc32 bigint,
            key_id text,
            properties text,
            recording_start timestamp,
            replaces_media_id bigint,
            purpose text not null default 'copy' check (purpose in ('copy', 'measure')),
            state text not null default 'waiting' check (state in ('waiting', 'claimed', 'done', 'dropped')),
            attempts integer not null default 0,
            failures integer not null default 0,
            faults integer not null default 0,
            is_woken boolean not null default false,
            not_before timestamptz not null default now(),
            holder text,
            lease_until timestamptz,
            seen_size bigint,
            seen_modified bigint,
            seen_at timestamptz,
            missing_since timestamptz,
            unreadable_since timestamptz,
            found_absent boolean not null default false,
            last_error text,
            planned_at timestamptz not null default now(),
            changed_at timestamptz not null default now(),
            unique (source, source_media_id, fingerprint),
            check ((state = 'claimed') = (holder is not null and lease_until is not null))
        ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
        create index transfer_due on takeup.transfer (mount, not_before, id) where state = 'waiting';
        create index transfer_newest on takeup.transfer (mount, recording_start desc nulls last, id desc)
            where state = 'waiting';
        create index transfer_claimed on takeup.transfer (mount, id) where state = 'claimed';
        create index transfer_recording on takeup.transfer (source, source_id);
        create index transfer_path on takeup.transfer using hash (source_path)
            where state in ('waiting', 'claimed');
        create index transfer_faulty on takeup.transfer (source, faults) where state = 'waiting' and faults >= 3;
        create index transfer_missing on takeup.transfer (mount)
            where state = 'waiting' and missing_since is not null;
        create index transfer_unreadable on takeup.transfer (mount)
            where state in ('waiting', 'claimed') and unreadable_since is not null;

        create table takeup.account (
            id text collate "C" primary key,
            -- Everything that was ever promised on it.
            promised_bytes bigint not null default 0,
            promised_files bigint not null default 0,
            largest_bytes bigint not null default 0
        ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

        create table takeup.volume (
            id text collate "C" primary key,
            name text not null,
            path bytea not null,
            account_id text collate "C" not null references takeup.account,
            credit double precision not null default 0,
            state text not null default 'ok',
            reason text,
            since timestamptz not null default now(),
            incident bigint,
            peak_percent double precision,
            total_bytes bigint,
            available_bytes bigint,
            used_bytes bigint,
            total_inodes bigint,
            available_inodes bigint,
            sampled_at timestamptz,
            -- Of the last three writes: 1 kept, 0 failed or came back differently.
            recent_writes text not null default '',
            -- It ran out of space in the middle of a copy: nothing is placed there until then.
            rests_until timestamptz,
            -- When a volume in trouble is tried, with how many bytes, and the pause that led there.
            trial_at timestamptz,
            trial_pause interval,
            trial_bytes bigint,
            -- When it last passed one, and the pause that had led there.
            forgiven_at timestamptz,
            forgiven_pause interval,
            -- An operator said that it may be used again.
            trusted_at timestamptz,
            -- Another disk has its name since.
            replaced_at timestamptz
        ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
        create unique index volume_bound on takeup.volume (name) where replaced_at is null;
        create sequence takeup.incident as bigint;

        create table takeup.replica (
            id bigint generated always as identity primary key,
            sid text collate "C" not null references takeup.recording,
            kind text not null,
            volume_id text collate "C" not null references takeup.volume,
            path bytea not null,
            size bigint not null check (size >= 0),
            sha256 bytea not null check (octet_length(sha256) = 32),
            xxh128 bytea not null check (octet_length(xxh128) = 16),
            level text not null,
            authenticity text not null,
            source text collate "C",
            source_media_id bigint,
            source_fingerprint bytea,
            transfer_id bigint,
            replay_media_id bigint,
            -- What the row of the recording claimed that the file came with.
            claimed_status text,
            claimed_finished boolean,
            claimed_length integer,
            is_result boolean not null default false,
            is_muxable boolean not null default false,
            -- An audit did not find its file as it was copied: it counts for nobody until it is brought again.
            is_doubted boolean not null default false,
            state text not null default 'held' check (state in ('held', 'retired', 'removed')),
            quarantine_path bytea,
            -- Since when a retired file is known to lie there; until then it may still stand under its path.
            put_aside_at timestamptz,
            -- From when a sweep sees to that: who retired it does so at once.
            aside_after timestamptz,
            remove_after timestamptz,
            committed_at timestamptz not null default now(),
            -- When a scrub last found it as it was copied.
            checked_at timestamptz,
            -- Not before this does a scrub look at it again: what could not be concluded.
            check_after timestamptz,
            -- When a scrub found that the replay's own tools had removed its file.
            gone_at timestamptz
        );
        create unique index replica_place on takeup.replica (volume_id, sha256(path)) where state <> 'removed';
        create index replica_sid on takeup.replica (sid);
        create index replica_transfer on takeup.replica (transfer_id) where transfer_id is not null;
        create index replica_replay_media on takeup.replica (replay_media_id) where replay_media_id is not null;
        create index replica_retired on takeup.replica (remove_after) where state = 'retired';
        -- By `<source>/<day>/`, the first two components of the path.
        create index replica_directory on takeup.replica (\(Manifests.directory(of: "path")));
        create index replica_gone on takeup.replica (gone_at) where gone_at is not null;
        create index replica_unchecked on takeup.replica (volume_id, committed_at)
            where state = 'held' and checked_at is null;
        create index replica_checked on takeup.replica (volume_id, checked_at)
            where state = 'held' and checked_at is not null;
        create index replica_in_place on takeup.replica (aside_after)
            where state = 'retired' and put_aside_at is null;
        create index replica_unauthenticated on takeup.replica (id)
            where is_result and state = 'held' and authenticity = 'unauthenticated';
        create index replica_pairs on takeup.replica (sid, kind)
            where state = 'held' and is_muxable and not is_result;

        create table takeup.tally (
            what text collate "C" not null,
            name text collate "C" not null,
            slot integer not null,
            items bigint not null,
            bytes bigint not null,
            primary key (what, name, slot)
        ) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

        create table takeup.mux_job (
            id bigint generated always as identity primary key,
            sid text collate "C" not null references takeup.recording,
            sound_id bigint not null references takeup.replica,
            -- Replicas, in the order of their ids.
            screen_ids bigint[] not null check (cardinality(screen_ids) > 0),
            state text not null default 'waiting'
                check (state in ('waiting', 'claimed', 'done', 'failed', 'superseded', 'not_muxable')),
            -- Its screens are RECD.
            is_recd boolean not null default false,
            attempts integer not null default 0,
            failures integer not null default 0,
            -- The screen of each failure that was a tool's being killed at it, or a converter's that refused it.
            killed_screen_ids bigint[] not null default '{}',
            -- Workers that let its lease run out, one after the other.
            losses integer not null default 0,
            not_before timestamptz not null default now(),
            holder text,
            lease_until timestamptz,
            -- Of a job that is not done: what its new result is to take the place of.
            result_id bigint references takeup.replica,
            last_error text,
            -- What was encoded, and why; null before it is done.
            encoded text,
            -- What of its halves its result does not show as it was; null where there is nothing to say.
            notes text,
            -- Of the result that stands: the screens that it lacks, as they were refused; null where it lacks none.
            left_out bigint[] check (cardinality(left_out) > 0 and left_out <@ screen_ids),
            made_at timestamptz not null default now(),
            changed_at timestamptz not null default now(),
            unique (sid, sound_id, screen_ids),
            check ((state = 'claimed') = (holder is not null and lease_until is not null)),
            check (state <> 'done' or result_id is not null)
        ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
        create index mux_job_due on takeup.mux_job (not_before, id) where state = 'waiting';
        create index mux_job_newest on takeup.mux_job (id) where state = 'waiting';
        create index mux_job_claimed on takeup.mux_job (id) where state = 'claimed';
        create index mux_job_not_muxable on takeup.mux_job (not_before, id) where state = 'not_muxable';
        create index mux_job_left_out on takeup.mux_job (id) where left_out is not null;
        create index mux_job_noted on takeup.mux_job (id) where notes is not null;

        create table takeup.intent (
            token bigint generated always as identity primary key,
            transfer_id bigint references takeup.transfer,
            mux_job_id bigint references takeup.mux_job,
            holder text not null,
            lease_until timestamptz not null,
            volume_id text collate "C" not null references takeup.volume,
            staged_name bytea,
            final_path bytea,
            -- What is about to get the final name; null until then.
            ready_size bigint,
            ready_sha256 bytea check (octet_length(ready_sha256) = 32),
            reserved_bytes bigint not null check (reserved_bytes >= 0),
            allocated_bytes bigint not null default 0 check (allocated_bytes >= 0),
            state text not null default 'open' check (state in ('open', 'superseded', 'condemned', 'swept')),
            opened_at timestamptz not null default now(),
            check ((transfer_id is null) <> (mux_job_id is null))
        ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500);
        create unique index intent_place on takeup.intent (volume_id, sha256(final_path))
            where final_path is not null;
        create unique index intent_transfer on takeup.intent (transfer_id)
            where state = 'open' and transfer_id is not null;
        create unique index intent_mux_job on takeup.intent (mux_job_id)
            where state = 'open' and mux_job_id is not null;
        create index intent_of_transfer on takeup.intent (transfer_id) where transfer_id is not null;
        create index intent_of_mux_job on takeup.intent (mux_job_id) where mux_job_id is not null;

        create table takeup.keeper (
            source text collate "C" primary key,
            holder text not null,
            token bigint not null,
            lease_until timestamptz not null
        ) with (fillfactor = 50);
        create sequence takeup.keeper_token as bigint;

        create table takeup.source_group (
            name text collate "C" primary key,
            source text collate "C",
            holder text,
            lease_until timestamptz
        ) with (fillfactor = 50);
        create table takeup.source_turn (
            group_name text collate "C" not null references takeup.source_group,
            source text collate "C" not null,
            asked_at timestamptz not null,
            ended_at timestamptz,
            primary key (group_name, source)
        ) with (fillfactor = 50);

        create table takeup.restoration (
            sid text collate "C" primary key,
            asked_at timestamptz not null default statement_timestamp()
        );

        create table takeup.pause (
            source text collate "C" primary key,
            since timestamptz not null default statement_timestamp(),
            reason text
        );

        -- How fast sources may be read, where an operator said it; null for as fast as it goes.
        create table takeup.read_limit (
            source text collate "C" primary key,
            bytes_per_second bigint check (bytes_per_second > 0),
            since timestamptz not null default statement_timestamp()
        );

        -- When all that the agents of a source have taken will have been read, by this server's clock.
        create table takeup.read_account (
            source text collate "C" primary key,
            free_us bigint not null
        ) with (fillfactor = 50);

        create table takeup.source_database (
            source text collate "C" primary key,
            address text not null,
            started_at timestamptz not null,
            number bigint not null
        ) with (fillfactor = 50);

        create table takeup.agent (
            holder text collate "C" primary key,
            role text not null,
            mount text,
            host text not null,
            process_id integer not null,
            version text not null,
            started_at timestamptz not null default now(),
            beat_at timestamptz not null default now(),
            -- When it ended by itself.
            left_at timestamptz,
            state jsonb not null default '{}'
        ) with (fillfactor = 50);

        create table takeup.problem (
            id bigint generated always as identity primary key,
            kind text collate "C" not null,
            subject text collate "C" not null,
            reference text,
            what text not null,
            hint text,
            count bigint not null default 1,
            opened_at timestamptz not null default now(),
            last_at timestamptz not null default now(),
            closed_at timestamptz
        ) with (fillfactor = 70);
        create unique index problem_open on takeup.problem (kind, subject) where closed_at is null;
        create index problem_closed on takeup.problem (closed_at) where closed_at is not null;

        -- What was measured of media files that compete: by source, or '' for the replay's own.
        create table takeup.measurement (
            place text collate "C" not null,
            media_id bigint not null,
            fingerprint bytea not null,
            integrity text not null check (integrity in ('whole', 'damaged', 'unknown')),
            length_us bigint,
            size bigint,
            measured_at timestamptz not null default now(),
            primary key (place, media_id)
        );

        -- Media rows of the replay that point at a source's own file.
        create table takeup.pointer (
            replay_media_id bigint primary key,
            sid text collate "C" not null,
            source text collate "C" not null,
            source_media_id bigint not null,
            source_fingerprint bytea not null,
            path bytea not null,
            made_at timestamptz not null default now()
        );
        create index pointer_sid on takeup.pointer (sid);

        create table takeup.risk (
            source text collate "C" not null,
            what text collate "C" not null,
            kind text collate "C" not null default '',
            recordings bigint not null,
            noted_at timestamptz not null default now(),
            primary key (source, what, kind)
        ) with (fillfactor = 50);

        create table takeup.definition (
            source text collate "C" not null,
            kind text not null check (kind in ('phrase', 'tag', 'link')),
            tag text collate "C" not null,
            phrase text collate "C" not null,
            source_definition_id bigint,
            is_ours boolean not null,
            changed_at timestamptz not null default now()
        );
        create unique index definition_name on takeup.definition (source, kind, md5(tag), md5(phrase));
        create index definition_phrase on takeup.definition (md5(phrase)) where kind = 'phrase';

        -- Marks given to each source, ever.
        create table takeup.given_marks (
            source text collate "C" primary key,
            marks bigint not null
        ) with (fillfactor = 50);

        -- Copies that no row vouches for: their originals are looked at again, and the mark waits for the first of these.
        create table takeup.afterlook (
            transfer_id bigint primary key,
            source text collate "C" not null,
            source_id bigint not null,
            sid text collate "C" not null,
            mount text collate "C" not null,
            source_path bytea not null,
            size bigint not null,
            modified bigint not null,
            changed bigint not null,
            inode bigint not null,
            is_confirmed boolean not null default false,
            copied_at timestamptz not null default statement_timestamp(),
            not_before timestamptz not null
        ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
            autovacuum_vacuum_cost_delay = 0, vacuum_truncate = false);
        create index afterlook_due on takeup.afterlook (mount, is_confirmed, not_before);
        create index afterlook_recording on takeup.afterlook (source, source_id) where not is_confirmed;
        create index afterlook_path on takeup.afterlook using hash (source_path);

        -- External data that an index of callrec.couple_extdata refuses for their length.
        create table takeup.kept_datum (
            sid text collate "C" not null,
            source text collate "C" not null,
            source_id bigint not null,
            key text not null,
            value text not null,
            -- By the recorder's clock.
            created timestamp,
            kept_at timestamptz not null default now()
        );
        create unique index kept_datum_value on takeup.kept_datum (sid, md5(key), md5(value));
        create index kept_datum_source on takeup.kept_datum (source);

        -- Files that no row names, as the agents of their mounts found.
        create table takeup.orphan (
            mount text collate "C" not null,
            source text collate "C" not null,
            -- Below the mount.
            path bytea not null,
            size bigint not null,
            modified timestamptz not null,
            since timestamptz not null
        );
        create unique index orphan_path on takeup.orphan (mount, sha256(path));

        -- Copies that a scrub is reading.
        create table takeup.scrub_claim (
            replica_id bigint primary key,
            holder text not null,
            lease_until timestamptz not null
        ) with (fillfactor = 50);
        -- What scrubs read on each day (UTC).
        create table takeup.scrub_day (
            volume_id text collate "C" not null,
            day date not null,
            copies bigint not null,
            bytes bigint not null,
            -- Of these, what was not read for the first time.
            rolled_bytes bigint not null,
            bad bigint not null,
            primary key (volume_id, day)
        ) with (fillfactor = 50);

        -- Day directories, and how their manifests stand.
        create table takeup.day_directory (
            volume_id text collate "C" not null,
            -- `<source>/<day>`.
            directory bytea not null check (octet_length(directory) <= 1024),
            -- What it holds may differ from its manifest.
            is_due boolean not null default true,
            looked_at timestamptz,
            holder text,
            lease_until timestamptz,
            primary key (volume_id, directory)
        ) with (fillfactor = 70);
        create index day_directory_due on takeup.day_directory (volume_id, directory) where is_due;
        create index day_directory_looked on takeup.day_directory (volume_id, looked_at) where not is_due;
        -- Every manifest that was written, by generation.
        create table takeup.manifest_seal (
            volume_id text collate "C" not null,
            directory bytea not null,
            generation bigint not null,
            sha256 bytea not null check (octet_length(sha256) = 32),
            -- Of SHA256SUMS.removed, where there is one.
            removed_sha256 bytea check (octet_length(removed_sha256) = 32),
            files bigint not null,
            removed bigint not null,
            -- SHA-256 of the public key that it is signed with.
            key_id text,
            -- Of the signatures as they were made.
            signature_sha256 bytea check (octet_length(signature_sha256) = 32),
            removed_signature_sha256 bytea check (octet_length(removed_signature_sha256) = 32),
            -- Null until its names are durable.
            sealed_at timestamptz,
            made_at timestamptz not null default now(),
            primary key (volume_id, directory, generation)
        );
        -- How far new replicas were assigned to their directories.
        create table takeup.manifest_progress (
            only_row boolean primary key default true check (only_row),
            replica_id bigint not null default 0
        );
        insert into takeup.manifest_progress default values;

        -- Volumes that can't be used from some processes.
        create table takeup.volume_sight (
            volume text collate "C" not null,
            host text collate "C" not null,
            holder text collate "C" not null,
            state text not null,
            reason text,
            since timestamptz not null,
            seen_at timestamptz not null default statement_timestamp(),
            incident bigint not null,
            primary key (volume, host, holder)
        ) with (fillfactor = 50);

        -- What is told once, again from time to time, and once when it is over.
        create table takeup.alert (
            kind text collate "C" not null,
            subject text collate "C" not null,
            incident bigint not null,
            since_us bigint not null,
            told_us bigint not null,
            told_before_us bigint not null,
            met_us bigint not null,
            primary key (kind, subject)
        ) with (fillfactor = 50);

        create table takeup.volume_point (
            volume_id text collate "C" not null references takeup.volume,
            minute bigint not null,
            available_bytes bigint not null,
            primary key (volume_id, minute)
        );

        -- Copies that scrubs found bad, until they read well again.
        create table takeup.bad_copy (
            replica_id bigint primary key,
            volume_id text collate "C" not null,
            found_at timestamptz not null default statement_timestamp(),
            -- Its volume was trusted again since.
            is_forgiven boolean not null default false
        );
        create index bad_copy_volume on takeup.bad_copy (volume_id, found_at) where not is_forgiven;

        -- Recordings that announced a screen and have none, of recorders and of GIR sites.
        create table takeup.screen_wait (
            site text collate "C" not null check (site in ('callrec', 'gir')),
            source text collate "C" not null,
            -- The recording's id at its site.
            reference text collate "C" not null,
            sid text collate "C",
            announced_by text not null check (announced_by in ('row', 'data')),
            state text not null default 'waiting' check (state in ('waiting', 'given_up')),
            looks integer not null default 0,
            since timestamptz not null default statement_timestamp(),
            not_before timestamptz not null,
            primary key (site, source, reference)
        ) with (fillfactor = 70);
        create index screen_wait_sid on takeup.screen_wait (sid) where sid is not null;
        create index screen_wait_due on takeup.screen_wait (site, source, not_before) where state = 'waiting';
        create index screen_wait_given_up on takeup.screen_wait (since) where state = 'given_up';
        -- How far each source's sounds were gone through for announced screens.
        create table takeup.screen_search (
            source text collate "C" primary key,
            replica_id bigint not null default 0
        ) with (fillfactor = 50);

        -- Copies that scrubs could not read to their ends, until one can.
        create table takeup.unread_copy (
            replica_id bigint primary key,
            volume_id text collate "C" not null,
            since timestamptz not null default statement_timestamp(),
            times integer not null default 1,
            why text not null
        );

        -- Calls of GIR sites, found by searches; the id is the site's own.
        create table takeup.site_call (
            id bigint generated always as identity primary key,
            -- The contact center, and RWS's address.
            site text collate "C" not null,
            call_id text collate "C" not null,
            -- Of the ids of its media.
            fingerprint bytea not null check (octet_length(fingerprint) = 32),
            began_at timestamptz,
            state text not null default 'waiting' check (state in ('waiting', 'claimed', 'done', 'failed')),
            attempts integer not null default 0,
            failures integer not null default 0,
            not_before timestamptz not null default now(),
            holder text,
            lease_until timestamptz,
            -- Names at stores that stand for an upload on its way.
            staged text[] not null default '{}',
            last_error text,
            seen_at timestamptz not null default now(),
            looked_at timestamptz not null default '-infinity',
            unique (site, call_id),
            check ((state = 'claimed') = (holder is not null and lease_until is not null))
        ) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
        create index site_call_due on takeup.site_call (site, not_before, id) where state = 'waiting';
        create index site_call_newest on takeup.site_call (site, began_at desc nulls last, id) where state = 'waiting';
        create index site_call_failing on takeup.site_call (site, began_at desc nulls last, id desc) where failures > 0;
        create index site_call_claimed on takeup.site_call (site, id) where state = 'claimed';
        -- When a kind of search was last begun by one of the workers.
        create table takeup.site_search (
            site text collate "C" not null,
            kind text collate "C" not null,
            begun_at timestamptz not null default '-infinity',
            primary key (site, kind)
        ) with (fillfactor = 50);
        """
}

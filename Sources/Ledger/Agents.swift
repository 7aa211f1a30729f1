package import Postgres
package import Vocabulary

/// A running process of Takeup, as it last told of itself.
package struct AgentBeat: Hashable, Sendable {
    package var holder: Holder
    /// `agent`, `mux`.
    package var role: String
    package var mount: MountPath?
    package var host: String
    package var processID: Int32
    package var version: String
    /// A JSON object with what the process tells of itself.
    package var state: String
    package init(
        holder: Holder, role: String, mount: MountPath? = nil, host: String, processID: Int32, version: String,
        state: String = "{}"
    ) {
        self.holder = holder
        self.role = role
        self.mount = mount
        self.host = host
        self.processID = processID
        self.version = version
        self.state = state
    }
}

/// A known process, and when it was last heard of.
package struct KnownAgent: Hashable, Sendable {
    package var beat: AgentBeat
    package var started: Instant
    package var lastBeat: Instant
    /// Since its last beat.
    package var silence: Duration
    /// When it ended as it was asked to; nil while it runs, and where it died.
    package var left: Instant?
}

/// The processes that share this ledger.
package enum Agents {
    package static func beat(_ beat: AgentBeat, in session: Session) throws {
        try session.execute(
            """
            insert into takeup.agent (holder, role, mount, host, process_id, version, state)
            values ($1, $2, $3, $4, $5::integer, $6, $7::jsonb)
            on conflict (holder) do update set beat_at = statement_timestamp(), state = excluded.state
            """,
            [
                Value(beat.holder), .text(beat.role), Value(beat.mount), .text(beat.host),
                .integer(Int64(beat.processID)), .text(beat.version), .text(beat.state),
            ])
    }

    package static func all(in session: Session) throws -> [KnownAgent] {
        try session.query(
            """
            select holder, role, mount, host, process_id, version, state::text as state,
                \(SQL.microseconds("started_at")) as started, \(SQL.microseconds("beat_at")) as beat,
                \(SQL.microseconds("left_at")) as gone,
                (extract(epoch from statement_timestamp() - beat_at) * 1000000)::bigint as silence
            from takeup.agent order by role, mount, holder
            """
        ).map { row in
            KnownAgent(
                beat: AgentBeat(
                    holder: try row.name("holder"), role: try row.text("role"), mount: try row.optionalName("mount"),
                    host: try row.text("host"), processID: Int32(clamping: try row.integer("process_id")),
                    version: try row.text("version"), state: try row.text("state")),
                started: try row.instant("started"), lastBeat: try row.instant("beat"),
                silence: try row.optionalSpan("silence") ?? .zero, left: try row.optionalInstant("gone"))
        }
    }

    /// A process ends. Of an agent its mount shows that it stopped, and nothing of those before it that died; a mux worker
    /// takes its row with it.
    package static func leave(_ holder: Holder, in session: Session) throws {
        try session.execute(
            """
            delete from takeup.agent
            where holder = $1 and mount is null or holder <> $1 and beat_at < statement_timestamp() - interval '30 seconds'
                and (role, mount) in (select role, mount from takeup.agent where holder = $1)
            """, [Value(holder)])
        try session.execute(
            """
            update takeup.agent set beat_at = statement_timestamp(), left_at = statement_timestamp() where holder = $1
            """, [Value(holder)])
    }

    /// Forgets processes that were killed long ago.
    @discardableResult
    package static func forget(silentFor silence: Duration, in session: Session) throws -> Int {
        try session.execute(
            "delete from takeup.agent where beat_at < statement_timestamp() - $1::interval", [Value(silence)])
    }
}

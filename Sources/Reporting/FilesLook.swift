package import Ledger
internal import Planning
package import Postgres
package import Settings
package import Vocabulary

/// Single files behind a problem that tells of many: those that rows name and are not there, or those that no row names.
package struct FilesLook: Sendable {
    package enum What: String, Sendable { case missing, orphans }

    package struct Missing: Hashable, Sendable {
        package var recording: RecordingReference
        /// `cfiles.id` at the source.
        package var media: Int64
        package var kind: MediaKind
        /// Below the mount.
        package var path: FilePath
        /// Since its absence was first seen.
        package var age: Duration
    }

    package struct Mount: Sendable {
        package var path: MountPath
        package var source: SourceName
        package var total: Int
        /// Of the missing: for longer than the grace time.
        package var late: Int
        /// The newest first.
        package var missing: [Missing]
        /// The newest first.
        package var orphans: [OrphanFile]

        /// How many are not listed.
        package var rest: Int { max(0, total - missing.count - orphans.count) }
    }

    package let what: What
    /// By the database's clock.
    package let at: Instant
    package let grace: Duration
    package let mounts: [Mount]

    /// - Parameters:
    ///   - mount: one of the settings; nil: all of them.
    ///   - limit: files listed of each mount.
    /// - Throws: `LedgerError` where the ledger is of another version or not there yet, and what the database throws.
    package static func take(
        _ what: What, mount: MountPath?, limit: Int, settings: Settings, from database: Database
    ) async throws -> FilesLook {
        try await database.transaction(.repeatableRead, isDurable: false) { session in
            try Migrations.confirm(in: session)
            let clock = try session.first("select \(SQL.microseconds("statement_timestamp()")) as now")
            let now = try clock?.instant("now") ?? Instant(microseconds: 0)
            let mounts = try settings.sources.flatMap { source in
                try source.mounts.map(\.path).filter { mount == nil || $0 == mount }.map { path in
                    switch what {
                    case .missing: try missing(on: path, of: source, settings, limit, now, in: session)
                    case .orphans:
                        Mount(
                            path: path, source: source.name, total: try OrphanFiles.count(mount: path, in: session),
                            late: 0, missing: [],
                            orphans: try OrphanFiles.find(mount: path, newest: limit, in: session))
                    }
                }
            }
            let watching = settings.watching
            return FilesLook(
                what: what, at: now, grace: what == .missing ? watching.graceMissing : watching.graceOrphan,
                mounts: mounts)
        }
    }

    private static func missing(
        on mount: MountPath, of source: SourceSettings, _ settings: Settings, _ limit: Int, _ now: Instant,
        in session: Session
    ) throws -> Mount {
        let served = ServedMounts(
            prefix: source.mountPath, recorderPrefix: source.recorderPrefix, mounts: source.mounts.map(\.path))
        let listed = try Transfers.newestMissing(mount: mount, limit: limit, in: session).map { transfer in
            let path = if case .on(_, let below) = served.place(of: transfer.path) { below } else { transfer.path }
            return Missing(
                recording: transfer.recording, media: transfer.mediaID, kind: transfer.kind, path: path,
                age: transfer.missingSince.map { now - $0 } ?? .zero)
        }
        return Mount(
            path: mount, source: source.name,
            total: try Transfers.missingCount(mount: mount, longerThan: .zero, in: session).files,
            late: try Transfers.missingCount(
                mount: mount, longerThan: settings.watching.graceMissing, in: session
            ).files, missing: listed, orphans: [])
    }
}

internal import Catalogs
internal import Delivery
internal import Files
internal import Ledger
internal import Planning
package import Postgres
package import Settings
internal import Vocabulary

/// Brings back, on purpose, what the replay's own tools took away: its tombstone is lifted, what was held before counts no
/// longer, and every source that has it is looked at, whatever its mark there is.
package enum Restoring {
    package struct Report: Hashable, Sendable {
        package var lines: [String]
        /// False where nothing was asked for: nobody has it.
        package var isAsked: Bool
    }

    /// What one source says of the recording.
    private struct Answer: Sendable {
        let source: SourceName
        var references: [RecordingReference] = []
        var lines: [String]
    }

    private static let patience = Duration.seconds(5)

    /// Throws `LedgerError` where there is no ledger of this version, and what the replay's database throws. A source that
    /// cannot be asked is a line of the report.
    package static func restore(
        _ choice: RecordingChoice, settings: Settings, environment: SettingsEnvironment, in database: Database
    ) async throws -> Report {
        let sid = try await database.transaction { session in
            try Migrations.confirm(in: session)
            return try choice.sid(settings: settings, in: session)
        }
        let (missing, known, paused) = try await database.transaction { session in
            try Migrations.confirm(in: session)
            return (
                try isMissing(sid, ReplayCatalog(reading: session), in: session),
                try Sightings.find(sid: sid, in: session).map(\.reference), try Pauses.all(in: session).map(\.source)
            )
        }
        guard missing else {
            return Report(lines: ["The replay has this recording with all that was brought of it."], isAsked: true)
        }
        var lines: [String] = []
        var wanted: Set<RecordingReference> = []
        for source in settings.sources where source.isEnabled {
            let answer = await ask(source, for: sid, known: known, environment)
            wanted.formUnion(answer.references)
            lines += answer.lines
            if !answer.references.isEmpty, paused.contains(source.name) {
                lines.append("Source \(source.name) is paused: it is looked at when it is resumed.")
            }
        }
        guard !wanted.isEmpty else {
            return Report(lines: lines + ["No source has it: nothing was changed."], isAsked: false)
        }
        let references = Array(wanted)
        try await database.transaction { session in
            try Recordings.lock([sid], in: session)
            try ReplayCatalog(reading: session).liftTombstones(of: sid, on: session)
            try Restorations.ask(sid, in: session)
            try Restorations.reopen(sid, at: references, in: session)
        }
        return Report(lines: lines + ["It is brought back as soon as an agent of its source looks."], isAsked: true)
    }

    /// Whether anything of it was taken away.
    private static func isMissing(_ sid: Sid, _ catalog: ReplayCatalog, in session: Session) throws -> Bool {
        guard let standing = try catalog.find(sids: [sid], on: session)[sid], !standing.isTakenAway else { return true }
        if try catalog.removedMedia(sids: [sid], on: session)[sid]?.isEmpty == false { return true }
        let rows = Set(standing.media.map(\.id))
        let named =
            try (Replicas.held([sid], in: session)[sid] ?? []).filter { !$0.content.isResult }
            .compactMap(\.content.replayMediaID) + (Pointers.find([sid], in: session)[sid] ?? []).map(\.replayMediaID)
        return !rows.isSuperset(of: named)
    }

    private static func ask(
        _ source: SourceSettings, for sid: Sid, known: [RecordingReference], _ environment: SettingsEnvironment
    ) async -> Answer {
        let name = source.name
        do {
            var connection = try ConnectionSettings(
                source.database, label: "source \(name)", applicationName: "takeup restore",
                environment: environment, statementTimeout: patience)
            connection.connectTimeout = patience
            let zone = source.timeZone
            let rows = try await Database(connection, connections: 1).perform { session in
                try SourceCatalog(source: name, timeZone: zone, reading: session).recordings(sid: sid, on: session)
            }
            if rows.isEmpty { return Answer(source: name, lines: ["Source \(name) does not have it."]) }
            var answer = Answer(source: name, references: rows.map(\.reference), lines: [])
            for row in rows { answer.lines.append(await line(of: row, source)) }
            return answer
        } catch {
            let own = known.filter { $0.source == name }
            let then = own.isEmpty ? "" : " The ledger knows it there: it is looked at when that passes."
            return Answer(
                source: name, references: own, lines: ["Source \(name) can't be asked: \(error).\(then)"])
        }
    }

    private static func line(of row: SourceRow, _ source: SourceSettings) async -> String {
        guard let recording = row.recording else {
            return "Source \(source.name) has \(row.reference), which can't be read."
        }
        if recording.isDeleted || recording.isArchived {
            return "Source \(source.name) has the rows of \(row.reference), but its own tools took its media away."
        }
        let absent = await absentFiles(of: recording, source)
        let media = recording.media.count == 1 ? "1 media file" : "\(recording.media.count) media files"
        let lack = absent == 0 ? "" : ", of which \(absent) can't be found on its mounts here"
        return "Source \(source.name) has it as \(row.reference), with \(media)\(lack)."
    }

    private static func absentFiles(of recording: SourceRecording, _ source: SourceSettings) async -> Int {
        let mounts = ServedMounts(
            prefix: source.mountPath, recorderPrefix: source.recorderPrefix, mounts: source.mounts.map(\.path))
        let threads = FileThreads(name: "restore", count: 2)
        var absent = 0
        for media in recording.media {
            guard case .on(let mount, let path) = mounts.place(of: media.path) else {
                absent += 1
                continue
            }
            let found = try? await threads.run(timeout: patience) { _ in
                let calls = KernelFiles()
                let root = try calls.openRoot(FilePath(mount.rawValue))
                _ = try calls.openRegularFile(path, beneath: root.descriptor)
                return true
            }
            if found != true { absent += 1 }
        }
        return absent
    }
}

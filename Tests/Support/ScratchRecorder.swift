internal import Glibc
internal import Postgres
internal import Synchronization
package import Vocabulary

/// A recorder with a scratch database and scratch directories, for a test that lets it record and then looks at what
/// it left. Its directories go with it.
package final class ScratchRecorder: Sendable {
    package let database: ScratchDatabase
    /// What stands before the recorder's own paths; its calls and screens lie below it.
    package let mountPrefix: String
    package let layout: RecorderModelLayout
    private let connection: Database
    /// For looking while the other one records.
    private let looker: Database

    /// - Parameter takesAnyBytes: a database whose names need not be UTF-8.
    package init(_ schema: CallrecSchema, takesAnyBytes: Bool = false) async throws {
        database = try await ScratchDatabase(takesAnyBytes ? schema.bytesTemplate : schema.template)
        var pattern = Array((ScratchPlace.root + "/takeup-recorder-XXXXXX").utf8CString)
        guard mkdtemp(&pattern) != nil else { throw RecorderModelFailure("no scratch directory for a recorder") }
        mountPrefix = String(decoding: pattern.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        layout = RecorderModelLayout(mountPrefix: mountPrefix)
        for root in [layout.callsRoot, layout.screensRoot] {
            try RecorderModelFile.makeDirectories(FilePath(mountPrefix + root))
        }
        var settings = database.settings(label: "recorder")
        if takesAnyBytes { settings.clientEncoding = "SQL_ASCII" }
        connection = Database(settings, connections: 1)
        looker = Database(settings, connections: 1)
    }

    deinit { _ = try? ChildProcess.run(["/bin/rm", "-rf", mountPrefix]) }

    /// Records to the end of the plan, fast: 20 recordings a second, calls 20 times faster than speech.
    /// - Parameter shouldStop: asked often, with the number of recordings that are done.
    package func record(
        _ change: (inout RecorderModelPlan.Options) -> Void = { _ in },
        until shouldStop: @Sendable (_ done: Int) -> Bool = { _ in false }
    ) async throws -> [RecorderModelTruth] {
        var options = RecorderModelPlan.Options()
        (options.rate, options.speed) = (20, 20)
        change(&options)
        let model = try await RecorderModel(
            options: options, database: connection, layout: layout, media: RecorderModelMedia.shared())
        let done = Atomic<Int>(0)
        var truths: [RecorderModelTruth] = []
        try await model.run(shouldStop: { shouldStop(done.load(ordering: .relaxed)) }) { truth in
            truths.append(truth)
            done.add(1, ordering: .relaxed)
        }
        return truths
    }

    /// Where a file of the recorder lies here.
    package func place(_ media: RecorderModelTruth.Media) -> FilePath {
        FilePath(bytes: Array(mountPrefix.utf8) + (Hex.bytes(of: media.pathHex) ?? []))
    }

    /// The sound of a recording as it would be without its fault, where nothing is encrypted.
    /// - Parameter seed: of the options that it was recorded with.
    package func faultlessSound(of truth: RecorderModelTruth, seed: UInt64 = 1) throws -> [UInt8] {
        try RecorderModelMedia.shared().sound(
            seconds: truth.seconds, mark: RecorderModelMaker.mark(seed: seed, number: truth.number))
    }

    /// Puts a file there whole, as a recorder does that moves it to its place. Whatever has the name gives way.
    package func put(_ bytes: [UInt8], at path: FilePath) throws {
        let place = FilePath(bytes: Array(mountPrefix.utf8) + path.bytes)
        let draft = FilePath(bytes: place.bytes + Array(".draft".utf8))
        let file = try RecorderModelFile(draft)
        try file.append(bytes[...])
        file.finish()
        guard rename(draft.displayText, place.displayText) == 0 else {
            throw RecorderModelFailure("move \(draft.displayText) to its place: errno \(errno)")
        }
    }

    package func isAbsent(_ media: RecorderModelTruth.Media) -> Bool {
        (try? RecorderModelFile.read(place(media))) == nil
    }

    /// What the file holds now.
    package func file(_ media: RecorderModelTruth.Media) throws -> (sha256: String, size: Int64) {
        let bytes = try RecorderModelFile.read(place(media))
        return (RecorderModelChecksum.sha256(bytes), Int64(bytes.count))
    }

    package struct MediaRow: Sendable {
        package let size: Int64
        /// In hexadecimal.
        package let path: String
        package let hasKey: Bool
    }

    /// The media row; nil where the file has none.
    package func row(_ media: RecorderModelTruth.Media) async throws -> MediaRow? {
        guard let id = media.id else { return nil }
        return try await connection.perform { session in
            try session.first(
                "select cfsize, cfpath, enc_key_id is not null as has_key from callrec.cfiles where id = $1",
                [.integer(id)]
            ).map { row in
                MediaRow(
                    size: try row.integer("cfsize"), path: Hex.text(of: try row.raw("cfpath") ?? []),
                    hasKey: try row.boolean("has_key"))
            }
        }
    }

    /// SHA-256 of an encrypted file's clear bytes, as the `openssl` program finds them with the recorder's key.
    package func clearSHA256(_ media: RecorderModelTruth.Media) async throws -> String {
        let samples = try RecorderModelMedia.shared()
        let (envelope, clear) = (mountPrefix + "/envelope.pem", mountPrefix + "/clear")
        var command = ["/usr/bin/openssl", "cms", "-decrypt", "-binary", "-out", clear, "-inkey", samples.keyPath]
        let file = place(media).displayText
        if media.encryption == .detached, let id = media.id {
            let found = try await connection.perform { session in
                try session.first(
                    "select props::json ->> 'pkcs7' as envelope from callrec.cfiles where id = $1", [.integer(id)]
                )?.text("envelope")
            }
            try writeSample(Array((found ?? "").utf8), to: envelope)
            command += ["-inform", "PEM", "-in", envelope, "-content", file]
        } else {
            command += ["-inform", "DER", "-in", file]
        }
        try ChildProcess.run(command)
        return RecorderModelChecksum.sha256(try readSample(clear))
    }

    package func state(of truth: RecorderModelTruth) async throws -> String? {
        guard let id = truth.id else { return nil }
        return try await connection.perform { session in
            try session.first("select state from callrec.couples where id = $1", [.integer(id)])?.text("state")
        }
    }

    package func externalCount(of truth: RecorderModelTruth) async throws -> Int {
        guard let id = truth.id else { return 0 }
        return try await connection.perform { session in
            try session.query("select key from callrec.couple_extdata where cplid = $1", [.integer(id)]).count
        }
    }

    /// Size of the one sound file that there is, as long as its recording is not FINISHED; looked at in this order.
    package func sizeOfUnfinished() async throws -> Int64? {
        let found = try ChildProcess.run(["/usr/bin/find", mountPrefix, "-name", "*.mp3", "-printf", "%s"])
        let unfinished = try await looker.perform { session in
            try session.query("select id from callrec.couples where state <> 'FINISHED'").count
        }
        return unfinished == 1 ? Int64(found) : nil
    }
}
